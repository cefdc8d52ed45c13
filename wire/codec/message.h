// SPDX-License-Identifier: Apache-2.0
// Messages as structs. Source: the manual's "Wire Protocol" and "Legacy Opcodes" pages.
//
// Every string_view and DocView points into the bytes that were parsed (zero copy) and lives as
// long as they do. The BSON in them was validated by Parse unless its options say otherwise. Thread
// rule: values; immutable once parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bson/view.h"

#include "base/status.h"
#include "wire/codec/header.h"

namespace septet::wire {

// Validated documents back to back, as they stand in a section of kind 1, an OP_INSERT or an
// OP_REPLY. `for (bson::DocView doc : documents)`.
class Documents {
 public:
  Documents() = default;
  Documents(std::string_view bytes, int32_t count) : bytes_(bytes), count_(count) {}

  std::string_view bytes() const { return bytes_; }
  int32_t count() const { return count_; }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = bson::DocView;
    using difference_type = ptrdiff_t;
    using pointer = const bson::DocView*;
    using reference = bson::DocView;

    Iterator() = default;
    explicit Iterator(const char* at) : at_(at) {}
    bson::DocView operator*() const { return bson::DocView(at_); }
    Iterator& operator++() {
      at_ += bson::DocView(at_).size_bytes();
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const char* at_ = nullptr;
  };
  Iterator begin() const { return Iterator(bytes_.data()); }
  Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }

 private:
  std::string_view bytes_;
  int32_t count_ = 0;
};

// A section of kind 1: stands for an array field `identifier` of the command (S01-019).
struct DocumentSequence {
  std::string_view identifier;
  Documents documents;
};

enum MsgFlags : uint32_t {
  kChecksumPresent = 1u << 0,
  kMoreToCome = 1u << 1,
  kExhaustAllowed = 1u << 16,
};
// Bits 0-15 must be understood by the receiver; of those two are defined (S01-026).
inline constexpr uint32_t kKnownRequiredFlags = kChecksumPresent | kMoreToCome;
inline constexpr uint32_t kRequiredFlagsMask = 0xffff;
// A request may carry no more sequences; bulkWrite is the only command with two.
inline constexpr size_t kMaxDocumentSequences = 2;

struct OpMsg {
  uint32_t flags = 0;
  bson::DocView body;
  std::vector<DocumentSequence> sequences;

  bool more_to_come() const { return (flags & kMoreToCome) != 0; }
  bool exhaust_allowed() const { return (flags & kExhaustAllowed) != 0; }
  bool checksum_present() const { return (flags & kChecksumPresent) != 0; }

  // The first key of the body, as sent; empty for an empty body (S01-018).
  std::string_view command_name() const {
    return body.empty() ? std::string_view() : body.FirstElement().name();
  }
  // Null if there is no sequence of that name.
  const DocumentSequence* Sequence(std::string_view identifier) const;
  // The body with every sequence as an array field at its end. Copies.
  std::string MergedBody() const;
};

// The string field $db of a command (S01-027). Errors: 40571 if it is absent, 13111 if it is no
// string. Whether the name is a legal one is the catalog's to say.
StatusOr<std::string_view> DatabaseOf(const OpMsg& message);

enum QueryFlags : uint32_t {
  kTailableCursor = 1u << 1,
  kSlaveOk = 1u << 2,
  kOplogReplay = 1u << 3,
  kNoCursorTimeout = 1u << 4,
  kAwaitData = 1u << 5,
  kExhaust = 1u << 6,
  kPartial = 1u << 7,
};

struct OpQuery {
  uint32_t flags = 0;
  std::string_view ns{};  // "db.collection"; a command if it ends in ".$cmd"
  int32_t skip = 0;
  int32_t number_to_return = 0;
  bson::DocView query{};
  bool has_projection = false;
  bson::DocView projection{};

  bool is_command() const { return ns.ends_with(".$cmd"); }
  // The part of `ns` before the first dot.
  std::string_view database() const { return ns.substr(0, ns.find('.')); }
  // The command itself where the body is wrapped as {$query: {...}, $readPreference: ...}
  // (S01-041).
  bson::DocView unwrapped() const;
  std::string_view command_name() const {
    const bson::DocView command = unwrapped();
    return command.empty() ? std::string_view() : command.FirstElement().name();
  }
};

struct OpGetMore {
  std::string_view ns;
  int32_t number_to_return = 0;
  int64_t cursor_id = 0;
};

struct OpInsert {
  bool continue_on_error = false;
  std::string_view ns;
  Documents documents;
};

struct OpUpdate {
  std::string_view ns;
  bool upsert = false;
  bool multi = false;
  bson::DocView selector;
  bson::DocView update;
};

struct OpDelete {
  std::string_view ns;
  bool single_remove = false;
  bson::DocView selector;
};

struct OpKillCursors {
  std::vector<int64_t> cursor_ids;
};

enum ReplyFlags : uint32_t {
  kCursorNotFound = 1u << 0,
  kQueryFailure = 1u << 1,
  kShardConfigStale = 1u << 2,
  kAwaitCapable = 1u << 3,  // always set by this server (S01-040)
};

struct OpReply {
  uint32_t flags = 0;
  int64_t cursor_id = 0;
  int32_t starting_from = 0;
  Documents documents;
};

using Message =
    std::variant<OpMsg, OpQuery, OpGetMore, OpInsert, OpUpdate, OpDelete, OpKillCursors, OpReply>;

}  // namespace septet::wire
