// SPDX-License-Identifier: Apache-2.0
// Looking at BSON bytes without copying. Source: bsonspec.org 1.1.
//
// DocView, ElementView and ValueView are pointers into bytes that somebody else owns and that were
// checked by Validate (validate.h) before: the accessors trust lengths. A view lives as long as the
// bytes. Arrays are documents whose names are "0", "1", ...; a DocView looks at both.
// Thread rule: immutable values.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace septet::bson {

// Wire numbers of the element types. kMissing (0, the end-of-object byte) is "no such field"; it never
// stands in a document.
enum class Type : uint8_t {
  kMissing = 0,
  kDouble = 1,
  kString = 2,
  kObject = 3,
  kArray = 4,
  kBinData = 5,
  kUndefined = 6,
  kObjectId = 7,
  kBool = 8,
  kDate = 9,
  kNull = 10,
  kRegex = 11,
  kDBPointer = 12,
  kCode = 13,
  kSymbol = 14,
  kCodeWScope = 15,
  kInt32 = 16,
  kTimestamp = 17,
  kInt64 = 18,
  kDecimal128 = 19,
  kMinKey = 255,
  kMaxKey = 127,
};

// The alias used by $type and error texts: "double", "string", "object", "missing", ...
std::string_view TypeName(Type type);
inline bool IsNumber(Type type) {
  return type == Type::kInt32 || type == Type::kInt64 || type == Type::kDouble ||
         type == Type::kDecimal128;
}

struct ObjectId {
  uint8_t bytes[12];
  static ObjectId Generate();  // seconds, 5 random bytes per process, counter; thread-safe
  bool operator==(const ObjectId& other) const { return std::memcmp(bytes, other.bytes, 12) == 0; }
  std::string ToHex() const;
};

struct Timestamp {
  uint32_t secs = 0;
  uint32_t inc = 0;
  uint64_t AsU64() const { return (static_cast<uint64_t>(secs) << 32) | inc; }
  static Timestamp FromU64(uint64_t v) {
    return {static_cast<uint32_t>(v >> 32), static_cast<uint32_t>(v)};
  }
  auto operator<=>(const Timestamp&) const = default;
  bool IsNull() const { return secs == 0 && inc == 0; }
};

// IEEE 754-2008 decimal128, BID encoding, as the two little-endian words of the wire.
struct Decimal128 {
  uint64_t low = 0;
  uint64_t high = 0;
};

struct BinData {
  uint8_t subtype = 0;
  std::string_view bytes;
};

struct Regex {
  std::string_view pattern;
  std::string_view options;
};

namespace view_internal {
template <typename T>
T Load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof(T));  // the product runs on little-endian machines only
  return v;
}

// Size of a value by its wire number: kFixed bytes, plus the leading int32 where kPrefixed is set.
// Regexes (two strings with terminators) are measured apart.
inline constexpr uint8_t kFixed[20] = {0, 8, 4, 0, 0, 5, 0, 12, 1, 8, 0, 0, 16, 4, 4, 0, 4, 8, 8, 16};
inline constexpr uint32_t kPrefixed = (1U << 2) | (1U << 3) | (1U << 4) | (1U << 5) | (1U << 12) |
                                      (1U << 13) | (1U << 14) | (1U << 15);
int32_t RegexSize(const char* data);

// strlen of a name inside a document that ends at `limit`. Most names are short: look at eight bytes
// at a time before calling strlen.
inline uint32_t NameSize(const char* name, const char* limit) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  uint32_t done = 0;
  while (limit - name >= 8 && done < 24) {
    const auto word = Load<uint64_t>(name);
    const uint64_t zeros = (word - kOnes) & ~word & (kOnes << 7);
    if (zeros != 0) {
      return done + static_cast<uint32_t>(__builtin_ctzll(zeros) >> 3);
    }
    name += 8;
    done += 8;
  }
  return done + static_cast<uint32_t>(std::strlen(name));
}
}  // namespace view_internal

class DocView;

// One value: its type and a pointer to its encoded bytes.
class ValueView {
 public:
  ValueView() = default;  // missing
  ValueView(Type type, const char* data) : type_(type), data_(data) {}

  Type type() const { return type_; }
  const char* data() const { return data_; }
  // Length of the encoded value in bytes.
  inline int32_t size_bytes() const;
  std::string_view raw() const { return {data_, static_cast<size_t>(size_bytes())}; }

  bool missing() const { return type_ == Type::kMissing; }
  bool is_null() const { return type_ == Type::kNull; }
  // Null, undefined or missing.
  bool nullish() const {
    return type_ == Type::kNull || type_ == Type::kMissing || type_ == Type::kUndefined;
  }
  bool is_number() const { return IsNumber(type_); }
  bool is_string() const { return type_ == Type::kString; }
  bool is_object() const { return type_ == Type::kObject; }
  bool is_array() const { return type_ == Type::kArray; }

  // Each accessor requires the type named.
  double AsDouble() const { return view_internal::Load<double>(data_); }
  int32_t AsInt32() const { return view_internal::Load<int32_t>(data_); }
  int64_t AsInt64() const { return view_internal::Load<int64_t>(data_); }
  bool AsBool() const { return *data_ != 0; }
  int64_t AsDateMillis() const { return view_internal::Load<int64_t>(data_); }
  Timestamp AsTimestamp() const { return Timestamp::FromU64(view_internal::Load<uint64_t>(data_)); }
  Decimal128 AsDecimal() const {
    return {view_internal::Load<uint64_t>(data_), view_internal::Load<uint64_t>(data_ + 8)};
  }
  // String, symbol and code.
  std::string_view AsString() const {
    return {data_ + 4, static_cast<size_t>(view_internal::Load<int32_t>(data_) - 1)};
  }
  ObjectId AsObjectId() const { return view_internal::Load<ObjectId>(data_); }
  // The payload as it stands in the document: subtype 2 keeps its inner length.
  BinData AsBinData() const;
  Regex AsRegex() const;
  inline DocView AsDoc() const;    // object
  inline DocView AsArray() const;  // array
  inline DocView AsAnyDoc() const;  // object or array
  struct CodeScope;
  CodeScope AsCodeWScope() const;
  struct Pointer {
    std::string_view ns;
    ObjectId id;
  };
  Pointer AsDBPointer() const;

  // Truth as the query language sees it: false, 0, null, undefined and missing are false.
  bool Truthy() const;

 private:
  Type type_ = Type::kMissing;
  const char* data_ = nullptr;
};

// A named value of a document.
class ElementView {
 public:
  ElementView() = default;
  // `start` points at the type byte.
  explicit ElementView(const char* start)
      : start_(start), name_size_(static_cast<uint32_t>(std::strlen(start + 1))) {}
  // The same, knowing where the document ends: faster.
  ElementView(const char* start, const char* limit)
      : start_(start), name_size_(view_internal::NameSize(start + 1, limit)) {}

  Type type() const { return static_cast<Type>(static_cast<uint8_t>(*start_)); }
  std::string_view name() const { return {start_ + 1, name_size_}; }
  ValueView value() const { return {type(), start_ + name_size_ + 2}; }
  const char* start() const { return start_; }
  // Type byte, name and value.
  std::string_view raw() const {
    return {start_, name_size_ + 2u + static_cast<size_t>(value().size_bytes())};
  }

 private:
  const char* start_ = nullptr;
  uint32_t name_size_ = 0;
};

// An encoded document or array.
class DocView {
 public:
  DocView() : data_(kEmpty) {}  // {}
  explicit DocView(const char* data) : data_(data) {}
  explicit DocView(std::string_view bytes) : data_(bytes.data()) {}

  const char* data() const { return data_; }
  int32_t size_bytes() const { return view_internal::Load<int32_t>(data_); }
  std::string_view raw() const { return {data_, static_cast<size_t>(size_bytes())}; }
  std::string ToBytes() const { return std::string(raw()); }
  bool empty() const { return size_bytes() == 5; }

  class Iterator {
   public:
    // `last` points at the document's terminator.
    Iterator(const char* at, const char* last) : at_(at), last_(last) { Read(); }
    const ElementView& operator*() const { return element_; }
    const ElementView* operator->() const { return &element_; }
    Iterator& operator++() {
      const ValueView v = element_.value();
      at_ = v.data() + v.size_bytes();
      Read();
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void Read() {
      if (at_ != last_) {
        element_ = ElementView(at_, last_ + 1);
      }
    }
    const char* at_;
    const char* last_;
    ElementView element_;
  };
  Iterator begin() const { return Iterator(data_ + 4, data_ + size_bytes() - 1); }
  Iterator end() const {
    const char* const last = data_ + size_bytes() - 1;
    return Iterator(last, last);
  }

  // The first field of that name, or missing. Linear.
  ValueView Find(std::string_view name) const;
  ValueView operator[](std::string_view name) const { return Find(name); }
  bool Has(std::string_view name) const { return !Find(name).missing(); }
  // First element; requires !empty().
  ElementView FirstElement() const { return ElementView(data_ + 4); }
  int CountFields() const;

 private:
  static const char kEmpty[5];
  const char* data_;
};

struct ValueView::CodeScope {
  std::string_view code;
  DocView scope;
};

inline int32_t ValueView::size_bytes() const {
  const auto number = static_cast<uint8_t>(type_);
  if (number >= 20) {
    return 0;  // MinKey, MaxKey
  }
  const int32_t fixed = view_internal::kFixed[number];
  if (((view_internal::kPrefixed >> number) & 1U) != 0) {
    return fixed + view_internal::Load<int32_t>(data_);
  }
  return type_ == Type::kRegex ? view_internal::RegexSize(data_) : fixed;
}

inline DocView ValueView::AsDoc() const { return DocView(data_); }
inline DocView ValueView::AsArray() const { return DocView(data_); }
inline DocView ValueView::AsAnyDoc() const { return DocView(data_); }

}  // namespace septet::bson
