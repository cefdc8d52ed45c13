// SPDX-License-Identifier: Apache-2.0
// Owning values, and the arena that temporary values of expressions live in.
//
// Value: one value with its own bytes, for what outlives the document it came from (group keys,
// accumulators, variables kept over rows).
// Arena: bump allocator. Expression results are ValueViews into the arena or into the input document;
// Reset() once per document makes evaluation free of allocation.
// Thread rule: owned by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/view.h"

namespace septet::bson {

class Value {
 public:
  Value() = default;
  explicit Value(ValueView v) { Assign(v); }
  static Value Null();
  static Value Int32(int32_t v);
  static Value Int64(int64_t v);
  static Value Double(double v);
  static Value Bool(bool v);
  static Value String(std::string_view v);
  static Value Date(int64_t millis);
  static Value Object(DocView doc);
  static Value Array(DocView doc);

  void Assign(ValueView v) {
    type_ = v.type();
    bytes_.assign(v.missing() ? std::string_view() : v.raw());
  }
  ValueView view() const { return {type_, bytes_.data()}; }
  Type type() const { return type_; }
  size_t memory_bytes() const { return sizeof(*this) + bytes_.capacity(); }

 private:
  Type type_ = Type::kMissing;
  std::string bytes_;
};

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  char* Allocate(size_t n);
  // Forgets everything allocated, keeps the memory (beyond 1 MB it is given back).
  void Reset();
  size_t memory_bytes() const { return total_; }

  std::string_view Copy(std::string_view bytes);
  ValueView Copy(ValueView v);

  ValueView Null() { return {Type::kNull, ""}; }
  ValueView Int32(int32_t v);
  ValueView Int64(int64_t v);
  ValueView Double(double v);
  ValueView Decimal(Decimal128 v);
  ValueView Bool(bool v);
  ValueView Date(int64_t millis);
  ValueView Time(Timestamp v);
  ValueView String(std::string_view v);
  ValueView Oid(const ObjectId& v);
  ValueView Bin(BinData v);
  ValueView Object(DocView doc);  // copies
  ValueView Array(DocView doc);   // copies
  // int32 if it fits and `narrow`, else int64.
  ValueView Integer(int64_t v, bool narrow);

  // A scratch builder buffer: builders for nested results without allocation.
  // Take a cleared string, give it back with Release.
  std::string* TakeBuffer();
  void ReleaseBuffer(std::string* buffer);

 private:
  struct Chunk {
    std::unique_ptr<char[]> data;
    size_t size;
  };
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;
  size_t used_ = 0;
  size_t total_ = 0;
  std::vector<std::unique_ptr<std::string>> buffers_;
  size_t buffers_taken_ = 0;
};

}  // namespace septet::bson
