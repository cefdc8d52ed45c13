// SPDX-License-Identifier: Apache-2.0
// Making results without allocation: values that need no memory, and writers of arrays and objects
// that build in a borrowed buffer and move the bytes into the arena once. Thread rule: used by the
// one thread that runs the operation.
#pragma once

#include <string>
#include <string_view>

#include "query/expression/expression.h"

namespace septet::query {

inline ValueView NullValue() {
  return {bson::Type::kNull, ""};
}
inline ValueView BoolValue(bool b) {
  return {bson::Type::kBool, b ? "\1" : "\0"};
}
inline ValueView StringValue(std::string_view s, EvalContext* ctx) {
  return ctx->arena->String(s);
}

// Shared part of the two writers. Writers nest: the last one opened is finished first.
class ResultWriter {
 public:
  explicit ResultWriter(EvalContext* ctx);
  ~ResultWriter();
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  size_t size_bytes() const { return buffer_->size(); }

 protected:
  void Append(std::string_view name, ValueView v);
  ValueView Close(bson::Type type);

  bson::Arena* const arena_;
  std::string* const buffer_;
};

class ArrayWriter : public ResultWriter {
 public:
  using ResultWriter::ResultWriter;
  void Add(ValueView v);  // missing becomes null
  uint32_t size() const { return next_; }
  ValueView Finish() { return Close(bson::Type::kArray); }

 private:
  uint32_t next_ = 0;
};

class ObjectWriter : public ResultWriter {
 public:
  using ResultWriter::ResultWriter;
  void Add(std::string_view name, ValueView v) {  // missing adds nothing
    if (!v.missing()) {
      Append(name, v);
    }
  }
  ValueView Finish() { return Close(bson::Type::kObject); }
};

// A value as expression errors print it: "x", [1, 2], {a: 1}, /re/i, 1.5, null, MISSING.
std::string ValueText(ValueView v);

}  // namespace septet::query
