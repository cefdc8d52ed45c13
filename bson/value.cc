// SPDX-License-Identifier: Apache-2.0
#include "bson/value.h"

#include <algorithm>
#include <limits>

namespace septet::bson {
namespace {
constexpr size_t kFirstChunk = 4096;
constexpr size_t kKeepBytes = 1024 * 1024;

template <typename T>
ValueView Make(Arena* arena, Type type, T v) {
  char* p = arena->Allocate(sizeof(T));
  std::memcpy(p, &v, sizeof(T));
  return {type, p};
}

template <typename T>
Value MakeOwned(Type type, T v) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &v, sizeof(T));
  return Value(ValueView(type, bytes));
}
}  // namespace

Value Value::Null() { return Value(ValueView(Type::kNull, "")); }
Value Value::Int32(int32_t v) { return MakeOwned(Type::kInt32, v); }
Value Value::Int64(int64_t v) { return MakeOwned(Type::kInt64, v); }
Value Value::Double(double v) { return MakeOwned(Type::kDouble, v); }
Value Value::Bool(bool v) { return MakeOwned(Type::kBool, static_cast<char>(v)); }
Value Value::Date(int64_t millis) { return MakeOwned(Type::kDate, millis); }
Value Value::Object(DocView doc) { return Value(ValueView(Type::kObject, doc.data())); }
Value Value::Array(DocView doc) { return Value(ValueView(Type::kArray, doc.data())); }

Value Value::String(std::string_view v) {
  const auto size = static_cast<int32_t>(v.size() + 1);
  Value out;
  out.type_ = Type::kString;
  out.bytes_.reserve(v.size() + 5);
  out.bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(v).push_back('\0');
  return out;
}

char* Arena::Allocate(size_t n) {
  n = (n + 7) & ~size_t{7};
  while (chunk_ < chunks_.size()) {
    Chunk& chunk = chunks_[chunk_];
    if (chunk.size - used_ >= n) {
      char* p = chunk.data.get() + used_;
      used_ += n;
      return p;
    }
    ++chunk_;
    used_ = 0;
  }
  const size_t size = std::max(n, std::max(kFirstChunk, std::min(total_, kKeepBytes / 2)));
  chunks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
  total_ += size;
  used_ = n;
  return chunks_.back().data.get();
}

void Arena::Reset() {
  while (total_ > kKeepBytes) {
    total_ -= chunks_.back().size;
    chunks_.pop_back();
  }
  chunk_ = 0;
  used_ = 0;
}

std::string_view Arena::Copy(std::string_view bytes) {
  if (bytes.empty()) {
    return {"", 0};
  }
  char* p = Allocate(bytes.size());
  std::memcpy(p, bytes.data(), bytes.size());
  return {p, bytes.size()};
}

ValueView Arena::Copy(ValueView v) {
  return v.missing() ? v : ValueView(v.type(), Copy(v.raw()).data());
}

ValueView Arena::Int32(int32_t v) { return Make(this, Type::kInt32, v); }
ValueView Arena::Int64(int64_t v) { return Make(this, Type::kInt64, v); }
ValueView Arena::Double(double v) { return Make(this, Type::kDouble, v); }
ValueView Arena::Decimal(Decimal128 v) { return Make(this, Type::kDecimal128, v); }
ValueView Arena::Bool(bool v) { return {Type::kBool, v ? "\x01" : "\x00"}; }
ValueView Arena::Date(int64_t millis) { return Make(this, Type::kDate, millis); }
ValueView Arena::Time(Timestamp v) { return Make(this, Type::kTimestamp, v.AsU64()); }
ValueView Arena::Oid(const ObjectId& v) { return Make(this, Type::kObjectId, v); }

ValueView Arena::String(std::string_view v) {
  char* p = Allocate(v.size() + 5);
  const auto size = static_cast<int32_t>(v.size() + 1);
  std::memcpy(p, &size, sizeof(size));
  std::copy(v.begin(), v.end(), p + 4);
  p[4 + v.size()] = '\0';
  return {Type::kString, p};
}

ValueView Arena::Bin(BinData v) {
  char* p = Allocate(v.bytes.size() + 5);
  const auto size = static_cast<int32_t>(v.bytes.size());
  std::memcpy(p, &size, sizeof(size));
  p[4] = static_cast<char>(v.subtype);
  std::copy(v.bytes.begin(), v.bytes.end(), p + 5);
  return {Type::kBinData, p};
}

ValueView Arena::Object(DocView doc) { return {Type::kObject, Copy(doc.raw()).data()}; }
ValueView Arena::Array(DocView doc) { return {Type::kArray, Copy(doc.raw()).data()}; }

ValueView Arena::Integer(int64_t v, bool narrow) {
  if (narrow && v >= std::numeric_limits<int32_t>::min() &&
      v <= std::numeric_limits<int32_t>::max()) {
    return Int32(static_cast<int32_t>(v));
  }
  return Int64(v);
}

std::string* Arena::TakeBuffer() {
  if (buffers_taken_ == buffers_.size()) {
    buffers_.push_back(std::make_unique<std::string>());
  }
  std::string* buffer = buffers_[buffers_taken_++].get();
  buffer->clear();
  return buffer;
}

void Arena::ReleaseBuffer(std::string* buffer) {
  // Buffers are given back in any order: swap the one given into the place of the last taken.
  for (size_t i = buffers_taken_; i-- > 0;) {
    if (buffers_[i].get() == buffer) {
      std::swap(buffers_[i], buffers_[--buffers_taken_]);
      return;
    }
  }
}

}  // namespace septet::bson
