// SPDX-License-Identifier: Apache-2.0
// Writing BSON. DocBuilder appends into one std::string, nested documents included, so building into
// a reused buffer allocates nothing.
//   DocBuilder b;  b.Append("n", 1);  { auto sub = b.Object("cursor"); b.Append("id", int64_t{0}); }
//   std::string bytes = b.Finish();
// Integers: int is an int32, int64_t/long long an int64.
// While building, the buffer is larger than what was written (it grows ahead); its size is right after
// Finish() or Seal(). What is appended must not lie in the builder's own buffer.
// Thread rule: owned by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bson/view.h"

namespace septet::bson {

class DocBuilder {
 public:
  DocBuilder();
  // Appends the document to `*out` (kept alive by the caller); Finish() is then only Close().
  explicit DocBuilder(std::string* out);
  DocBuilder(const DocBuilder&) = delete;
  DocBuilder& operator=(const DocBuilder&) = delete;

  DocBuilder& Append(std::string_view name, double v) { return Fixed(Type::kDouble, name, v); }
  DocBuilder& Append(std::string_view name, int32_t v) { return Fixed(Type::kInt32, name, v); }
  DocBuilder& Append(std::string_view name, int64_t v) { return Fixed(Type::kInt64, name, v); }
  DocBuilder& Append(std::string_view name, long long v) {  // NOLINT(google-runtime-int)
    return Append(name, static_cast<int64_t>(v));
  }
  DocBuilder& Append(std::string_view name, bool v) {
    return Fixed(Type::kBool, name, static_cast<char>(v));
  }
  DocBuilder& Append(std::string_view name, std::string_view v) {
    return Text(Type::kString, name, v);
  }
  DocBuilder& Append(std::string_view name, const std::string& v) {
    return Append(name, std::string_view(v));
  }
  DocBuilder& Append(std::string_view name, const char* v) {
    return Append(name, std::string_view(v));
  }
  DocBuilder& Append(std::string_view name, const ObjectId& v) {
    return Fixed(Type::kObjectId, name, v);
  }
  DocBuilder& Append(std::string_view name, Timestamp v) {
    return Fixed(Type::kTimestamp, name, v.AsU64());
  }
  DocBuilder& Append(std::string_view name, Decimal128 v);
  DocBuilder& Append(std::string_view name, BinData v);
  DocBuilder& Append(std::string_view name, Regex v);
  // Any value; a missing one appends nothing.
  DocBuilder& Append(std::string_view name, ValueView v);
  DocBuilder& Append(std::string_view name, DocView v);  // as an object
  DocBuilder& AppendArray(std::string_view name, DocView v);
  DocBuilder& AppendDate(std::string_view name, int64_t millis_since_epoch) {
    return Fixed(Type::kDate, name, millis_since_epoch);
  }
  DocBuilder& AppendNull(std::string_view name) {
    Header(Type::kNull, name, 0);
    return *this;
  }
  DocBuilder& AppendUndefined(std::string_view name);
  DocBuilder& AppendMinKey(std::string_view name);
  DocBuilder& AppendMaxKey(std::string_view name);
  DocBuilder& AppendCode(std::string_view name, std::string_view code);
  DocBuilder& AppendSymbol(std::string_view name, std::string_view symbol);
  DocBuilder& AppendCodeWScope(std::string_view name, std::string_view code, DocView scope);
  DocBuilder& AppendDBPointer(std::string_view name, std::string_view ns, const ObjectId& id);
  // Copies an element with its name.
  DocBuilder& Append(const ElementView& element);
  // Copies all elements of a document.
  DocBuilder& AppendAll(DocView doc);

  // Opens a nested object or array; what is appended next goes inside until Close().
  void OpenObject(std::string_view name);
  void OpenArray(std::string_view name);
  void Close();  // the innermost open one

  // Closes the nested object or array at the end of a scope.
  class Scope {
   public:
    explicit Scope(DocBuilder* b) : b_(b) {}
    Scope(Scope&& other) noexcept : b_(other.b_) { other.b_ = nullptr; }
    Scope(const Scope&) = delete;
    ~Scope() {
      if (b_ != nullptr) {
        b_->Close();
      }
    }

   private:
    DocBuilder* b_;
  };
  [[nodiscard]] Scope Object(std::string_view name) { OpenObject(name); return Scope(this); }
  [[nodiscard]] Scope Array(std::string_view name) { OpenArray(name); return Scope(this); }

  // Inside an open array: appends under the next index.
  template <typename T>
  DocBuilder& Add(const T& v) {
    return Append(NextIndex(), v);
  }
  [[nodiscard]] Scope AddObject() { return Object(NextIndex()); }
  [[nodiscard]] Scope AddArray() { return Array(NextIndex()); }
  // "0", "1", ... of the innermost open array; valid until the next call.
  std::string_view NextIndex();

  // Bytes written so far, for size limits.
  size_t size_bytes() const { return static_cast<size_t>(at_ - begin_); }
  // Closes everything. Own buffer: returns the document's bytes and leaves the builder empty.
  std::string Finish();
  // The finished document; requires Finish() on an outside buffer, or after Seal().
  void Seal();  // closes the document, keeps the bytes
  DocView View() const { return DocView(out_->data() + base_); }
  // Starts again, keeping the buffer's capacity.
  void Reset();

 private:
  struct Level {
    size_t start;  // from begin_
    uint32_t next_index;
  };
  static constexpr size_t kInlineLevels = 8;

  // Makes room for `n` bytes, and writes the root's length field if nothing was written yet.
  void Grow(size_t n);
  // Empty views may have a null pointer, which memcpy must not get. Returns the end of what was put.
  static char* Put(char* p, std::string_view s) {
    if (!s.empty()) {
      std::memcpy(p, s.data(), s.size());
    }
    return p + s.size();
  }
  // Writes type byte and name, returns where the value of that size goes.
  char* Header(Type type, std::string_view name, size_t value_size) {
    const size_t n = name.size() + 2 + value_size;
    if (static_cast<size_t>(limit_ - at_) < n) [[unlikely]] {
      Grow(n);
    }
    char* p = at_;
    *p++ = static_cast<char>(type);
    p = Put(p, name);
    *p++ = '\0';
    at_ = p + value_size;
    return p;
  }
  template <typename T>
  DocBuilder& Fixed(Type type, std::string_view name, T v) {
    std::memcpy(Header(type, name, sizeof(T)), &v, sizeof(T));
    return *this;
  }
  DocBuilder& Text(Type type, std::string_view name, std::string_view v);
  DocBuilder& Bytes(Type type, std::string_view name, std::string_view raw);
  void Open(Type type, std::string_view name);

  std::string own_;
  std::string* out_;
  size_t base_ = 0;
  char* begin_ = nullptr;  // out_->data() + base_ once started
  char* at_ = nullptr;
  char* limit_ = nullptr;
  Level top_ = {0, 0};  // the innermost open document
  size_t depth_ = 0;    // how many are open around it
  Level parents_[kInlineLevels];
  std::vector<Level> deep_parents_;
  char index_text_[12];
};

// Convenience for short documents: MakeDoc("ok", 1.0, "n", 3).
template <typename... Args>
std::string MakeDoc(const Args&... args);

namespace builder_internal {
inline void AppendPairs(DocBuilder*) {}
template <typename V, typename... Rest>
void AppendPairs(DocBuilder* b, std::string_view name, const V& v, const Rest&... rest) {
  b->Append(name, v);
  AppendPairs(b, rest...);
}
}  // namespace builder_internal

template <typename... Args>
std::string MakeDoc(const Args&... args) {
  DocBuilder b;
  builder_internal::AppendPairs(&b, args...);
  return b.Finish();
}

}  // namespace septet::bson
