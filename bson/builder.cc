// SPDX-License-Identifier: Apache-2.0
#include "bson/builder.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace septet::bson {
namespace {
constexpr size_t kFirstGrowth = 128;

template <typename T>
void Store(char* p, T v) {
  std::memcpy(p, &v, sizeof(T));
}
}  // namespace

DocBuilder::DocBuilder() : out_(&own_) {}
DocBuilder::DocBuilder(std::string* out) : out_(out), base_(out->size()) {}

void DocBuilder::Grow(size_t n) {
  const bool start = begin_ == nullptr;
  const size_t used = start ? 4 : size_bytes();
  out_->resize(base_ + std::max(used + n, std::max(2 * used, kFirstGrowth)));
  begin_ = out_->data() + base_;
  at_ = begin_ + used;
  limit_ = out_->data() + out_->size();
}

DocBuilder& DocBuilder::Text(Type type, std::string_view name, std::string_view v) {
  char* p = Header(type, name, v.size() + 5);
  Store(p, static_cast<int32_t>(v.size() + 1));
  *Put(p + 4, v) = '\0';
  return *this;
}

DocBuilder& DocBuilder::Bytes(Type type, std::string_view name, std::string_view raw) {
  Put(Header(type, name, raw.size()), raw);
  return *this;
}

DocBuilder& DocBuilder::Append(std::string_view name, Decimal128 v) {
  return Fixed(Type::kDecimal128, name, v);
}
DocBuilder& DocBuilder::Append(std::string_view name, BinData v) {
  char* p = Header(Type::kBinData, name, v.bytes.size() + 5);
  Store(p, static_cast<int32_t>(v.bytes.size()));
  p[4] = static_cast<char>(v.subtype);
  Put(p + 5, v.bytes);
  return *this;
}
DocBuilder& DocBuilder::Append(std::string_view name, Regex v) {
  char* p = Header(Type::kRegex, name, v.pattern.size() + v.options.size() + 2);
  p = Put(p, v.pattern);
  *p++ = '\0';
  *Put(p, v.options) = '\0';
  return *this;
}
DocBuilder& DocBuilder::Append(std::string_view name, ValueView v) {
  return v.missing() ? *this : Bytes(v.type(), name, v.raw());
}
DocBuilder& DocBuilder::Append(std::string_view name, DocView v) {
  return Bytes(Type::kObject, name, v.raw());
}
DocBuilder& DocBuilder::AppendArray(std::string_view name, DocView v) {
  return Bytes(Type::kArray, name, v.raw());
}
DocBuilder& DocBuilder::AppendUndefined(std::string_view name) {
  return Bytes(Type::kUndefined, name, "");
}
DocBuilder& DocBuilder::AppendMinKey(std::string_view name) {
  return Bytes(Type::kMinKey, name, "");
}
DocBuilder& DocBuilder::AppendMaxKey(std::string_view name) {
  return Bytes(Type::kMaxKey, name, "");
}
DocBuilder& DocBuilder::AppendCode(std::string_view name, std::string_view code) {
  return Text(Type::kCode, name, code);
}
DocBuilder& DocBuilder::AppendSymbol(std::string_view name, std::string_view symbol) {
  return Text(Type::kSymbol, name, symbol);
}
DocBuilder& DocBuilder::AppendCodeWScope(std::string_view name, std::string_view code,
                                         DocView scope) {
  const size_t size = 9 + code.size() + scope.raw().size();
  char* p = Header(Type::kCodeWScope, name, size);
  Store(p, static_cast<int32_t>(size));
  Store(p + 4, static_cast<int32_t>(code.size() + 1));
  p = Put(p + 8, code);
  *p++ = '\0';
  Put(p, scope.raw());
  return *this;
}
DocBuilder& DocBuilder::AppendDBPointer(std::string_view name, std::string_view ns,
                                        const ObjectId& id) {
  char* p = Header(Type::kDBPointer, name, ns.size() + 17);
  Store(p, static_cast<int32_t>(ns.size() + 1));
  p = Put(p + 4, ns);
  *p++ = '\0';
  Store(p, id);
  return *this;
}

DocBuilder& DocBuilder::Append(const ElementView& element) {
  return Append(element.name(), element.value());
}

DocBuilder& DocBuilder::AppendAll(DocView doc) {
  const size_t n = static_cast<size_t>(doc.size_bytes()) - 5;
  if (static_cast<size_t>(limit_ - at_) < n) {
    Grow(n);
  }
  at_ = Put(at_, {doc.data() + 4, n});
  return *this;
}

void DocBuilder::Open(Type type, std::string_view name) {
  char* p = Header(type, name, 4);
  if (depth_ < kInlineLevels) {
    parents_[depth_] = top_;
  } else {
    deep_parents_.push_back(top_);
  }
  ++depth_;
  top_ = {static_cast<size_t>(p - begin_), 0};
}

void DocBuilder::OpenObject(std::string_view name) { Open(Type::kObject, name); }
void DocBuilder::OpenArray(std::string_view name) { Open(Type::kArray, name); }

void DocBuilder::Close() {
  if (at_ == limit_) [[unlikely]] {
    Grow(1);
  }
  *at_++ = '\0';
  Store(begin_ + top_.start, static_cast<int32_t>(size_bytes() - top_.start));
  if (depth_ == 0) {
    // The root: give back what was grown ahead.
    out_->resize(base_ + size_bytes());
    limit_ = at_;
    return;
  }
  --depth_;
  if (depth_ < kInlineLevels) {
    top_ = parents_[depth_];
  } else {
    top_ = deep_parents_.back();
    deep_parents_.pop_back();
  }
}

std::string_view DocBuilder::NextIndex() {
  const auto r = std::to_chars(index_text_, index_text_ + sizeof(index_text_), top_.next_index++);
  return {index_text_, static_cast<size_t>(r.ptr - index_text_)};
}

void DocBuilder::Seal() {
  while (depth_ > 0) {
    Close();
  }
  Close();
}

std::string DocBuilder::Finish() {
  Seal();
  if (out_ != &own_) {
    return {};
  }
  std::string bytes = std::move(own_);
  own_.clear();
  begin_ = at_ = limit_ = nullptr;
  top_ = {0, 0};
  return bytes;
}

void DocBuilder::Reset() {
  out_->resize(base_);
  begin_ = at_ = limit_ = nullptr;
  top_ = {0, 0};
  depth_ = 0;
  deep_parents_.clear();
}

}  // namespace septet::bson
