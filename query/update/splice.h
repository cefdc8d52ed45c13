// SPDX-License-Identifier: Apache-2.0
// Writing a changed object or array from its old bytes and the edits of some of its fields:
// untouched runs of bytes are copied whole. Thread rule: pure functions.
#pragma once

#include <span>
#include <string>

#include "bson/builder.h"

#include "query/update/node.h"

namespace septet::query {

// A document built in a buffer of the arena and kept in the arena.
class ArenaDoc {
 public:
  explicit ArenaDoc(bson::Arena* arena)
      : arena_(arena), buffer_(arena->TakeBuffer()), builder_(buffer_) {}
  ~ArenaDoc() { arena_->ReleaseBuffer(buffer_); }
  ArenaDoc(const ArenaDoc&) = delete;
  ArenaDoc& operator=(const ArenaDoc&) = delete;
  bson::DocBuilder& builder() { return builder_; }
  DocView Keep() {
    builder_.Seal();
    return DocView(arena_->Copy(*buffer_));
  }

 private:
  bson::Arena* arena_;
  std::string* buffer_;
  bson::DocBuilder builder_;
};

// An array built in the arena.
class ArenaArray {
 public:
  explicit ArenaArray(bson::Arena* arena) : doc_(arena) {}
  void Add(ValueView v);
  int64_t size() const { return size_; }
  ValueView Keep() { return {bson::Type::kArray, doc_.Keep().data()}; }

 private:
  ArenaDoc doc_;
  int64_t size_ = 0;
};

// An edit of one field. For arrays `name` is the index as text and `index` the index.
struct FieldEdit {
  std::string_view name;
  ValueView current;  // missing: to be created
  int64_t index = -1;
  Edit edit;
};

// Does any edit change anything?
bool AnyChange(std::span<const FieldEdit> edits);

// The object with the edits applied; created fields follow in the order of `edits`. With `out` the
// bytes go there, else to the arena.
DocView SpliceObject(DocView doc, std::span<const FieldEdit> edits, bson::Arena* arena,
                     std::string* out);
// The diff of that change: {d: {..}, u: {..}, i: {..}, s<name>: {..}}.
DocView ObjectDiff(std::span<const FieldEdit> edits, bson::Arena* arena);

// The array with the edits applied; `edits` are sorted by index, an index past the end pads with
// nulls.
DocView SpliceArray(DocView array, int64_t size, std::span<const FieldEdit> edits,
                    bson::Arena* arena);
// {a: true, u<index>: value, s<index>: {..}}.
DocView ArrayDiff(std::span<const FieldEdit> edits, bson::Arena* arena);

}  // namespace septet::query
