// SPDX-License-Identifier: Apache-2.0
#include "bson/validate.h"

#include <charconv>
#include <cstring>

#include "base/strings.h"
#include "bson/view.h"

namespace septet::bson {
namespace {

using view_internal::Load;

// Walks one document. Fails fast with a text in error_; no Status on the way (this is a hot path).
class Checker {
 public:
  explicit Checker(const ValidateOptions& options) : options_(options) {}

  // `p` points at a document's length field, `end` is the end of the bytes it may use. Returns the end
  // of the document, or null.
  const char* Document(const char* p, const char* end, bool is_array);

  const char* error() const { return error_; }
  bool too_deep() const { return too_deep_; }

 private:
  const char* Value(Type type, const char* p, const char* end);
  const char* VariableValue(Type type, const char* p, const char* end);
  const char* CodeWithScope(const char* p, const char* end);
  const char* String(const char* p, const char* end);
  const char* CString(const char* p, const char* end);
  bool Utf8Ok(const char* p, size_t n) {
    if (options_.check_utf8 && !IsValidUtf8({p, n})) {
      error_ = "Text is not valid UTF-8";
      return false;
    }
    return true;
  }
  const char* Fail(const char* error) {
    error_ = error;
    return nullptr;
  }

  const ValidateOptions& options_;
  const char* error_ = nullptr;
  bool too_deep_ = false;
  int depth_ = 0;
};

// Every document's last byte is known to be 0 before its inside is looked at, so the search for a
// name's terminator cannot leave the document.
const char* Checker::CString(const char* p, const char* end) {
  const size_t n = view_internal::NameSize(p, end + 1);
  if (p + n >= end) {
    return Fail("A name or pattern is not terminated");
  }
  return Utf8Ok(p, n) ? p + n + 1 : nullptr;
}

const char* Checker::String(const char* p, const char* end) {
  if (end - p < 5) {
    return Fail("A string is cut off");
  }
  const int32_t n = Load<int32_t>(p);
  if (n < 1 || n > end - p - 4) {
    return Fail("Invalid string length");
  }
  p += 4;
  if (p[n - 1] != '\0') {
    return Fail("Not null terminated string");
  }
  return Utf8Ok(p, static_cast<size_t>(n - 1)) ? p + n : nullptr;
}

const char* Checker::CodeWithScope(const char* p, const char* end) {
  if (end - p < 4) {
    return Fail("A code with scope is cut off");
  }
  const int32_t n = Load<int32_t>(p);
  if (n < 14 || n > end - p) {
    return Fail("Invalid length of a code with scope");
  }
  end = p + n;
  p = String(p + 4, end);
  if (p == nullptr) {
    return nullptr;
  }
  p = Document(p, end, false);
  if (p != nullptr && p != end) {
    return Fail("Invalid length of a code with scope");
  }
  return p;
}

const char* Checker::VariableValue(Type type, const char* p, const char* end) {
  switch (type) {
    case Type::kString:
    case Type::kCode:
    case Type::kSymbol:
      return String(p, end);
    case Type::kObject:
      return Document(p, end, false);
    case Type::kArray:
      return Document(p, end, true);
    case Type::kBinData: {
      if (end - p < 5) {
        return Fail("Binary data is cut off");
      }
      const int32_t n = Load<int32_t>(p);
      return n < 0 || n > end - p - 5 ? Fail("Invalid binary data length") : p + 5 + n;
    }
    case Type::kDBPointer:
      p = String(p, end);
      if (p == nullptr) {
        return nullptr;
      }
      return end - p < 12 ? Fail("A DBPointer is cut off") : p + 12;
    case Type::kRegex:
      p = CString(p, end);
      return p == nullptr ? nullptr : CString(p, end);
    case Type::kCodeWScope:
      return CodeWithScope(p, end);
    default:
      return Fail("Unrecognized BSON type");
  }
}

// `end` is the document's terminator.
inline const char* Checker::Value(Type type, const char* p, const char* end) {
  // Sizes of the types without inner structure; -1: look closer.
  static constexpr int8_t kSizes[20] = {-1, 8,  -1, -1, -1, -1, 0, 12, 1, 8,
                                        0,  -1, -1, -1, -1, -1, 4, 8,  8, 16};
  const auto number = static_cast<uint8_t>(type);
  if (number < 20) {
    const int8_t size = kSizes[number];
    if (size < 0) {
      return VariableValue(type, p, end);
    }
    if (end - p < size) {
      return Fail("A value is cut off");
    }
    if (type == Type::kBool && static_cast<uint8_t>(*p) > 1) {
      return Fail("BSON bool is neither false nor true");
    }
    return p + size;
  }
  return type == Type::kMinKey || type == Type::kMaxKey ? p : Fail("Unrecognized BSON type");
}

const char* Checker::Document(const char* p, const char* end, bool is_array) {
  if (end - p < 5) {
    return Fail("A document is cut off");
  }
  const int32_t n = Load<int32_t>(p);
  if (n < 5 || n > end - p) {
    return Fail("Invalid document length");
  }
  const char* const last = p + n - 1;
  if (*last != '\0') {
    return Fail("A document lacks its terminator");
  }
  if (++depth_ > options_.max_depth) {
    too_deep_ = true;
    return Fail("Exceeded the maximum nested object depth");
  }
  p += 4;
  uint32_t index = 0;
  while (p < last) {
    const auto type = static_cast<Type>(static_cast<uint8_t>(*p));
    const char* const name = p + 1;
    p = CString(name, last);
    if (p == nullptr) {
      return nullptr;
    }
    if (is_array && options_.check_array_names) {
      char text[12];
      const auto r = std::to_chars(text, text + sizeof(text), index++);
      if (std::string_view(text, static_cast<size_t>(r.ptr - text)) != name) {
        return Fail("Names of an array are not in sequence");
      }
    }
    p = Value(type, p, last);
    if (p == nullptr) {
      return nullptr;
    }
  }
  --depth_;
  return last + 1;
}

template <typename T>
T LoadAt(const uint8_t* p) {
  return Load<T>(reinterpret_cast<const char*>(p));
}
constexpr uint64_t kHighBits = 0x8080808080808080ULL;

// Ends of short texts are read by loads that overlap.
bool IsAscii(const uint8_t* p, size_t n) {
  if (n < 4) {
    return n == 0 || (p[0] | p[n / 2] | p[n - 1]) < 0x80;
  }
  if (n < 8) {
    return ((LoadAt<uint32_t>(p) | LoadAt<uint32_t>(p + n - 4)) &
            static_cast<uint32_t>(kHighBits)) == 0;
  }
  const uint8_t* const last = p + n - 8;
  uint64_t all = LoadAt<uint64_t>(last);
  for (; last - p >= 32; p += 32) {
    all |= (LoadAt<uint64_t>(p) | LoadAt<uint64_t>(p + 8)) |
           (LoadAt<uint64_t>(p + 16) | LoadAt<uint64_t>(p + 24));
  }
  for (; p < last; p += 8) {
    all |= LoadAt<uint64_t>(p);
  }
  return (all & kHighBits) == 0;
}

// Length of the well-formed sequence at `p` whose first byte is not ASCII; 0 if there is none.
// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t SequenceLength(const uint8_t* p, size_t left) {
  const auto tail = [p](size_t i) { return (p[i] & 0xc0) == 0x80; };
  const uint8_t c = p[0];
  if (c >= 0xc2 && c <= 0xdf) {
    return left >= 2 && tail(1) ? 2 : 0;
  }
  if (c >= 0xe0 && c <= 0xef) {
    if (left < 3 || !tail(1) || !tail(2)) {
      return 0;
    }
    return (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ? 0 : 3;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) {
      return 0;
    }
    return (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f) ? 0 : 4;
  }
  return 0;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  if (IsAscii(p, text.size())) {
    return true;
  }
  const uint8_t* const end = p + text.size();
  while (p < end) {
    if (end - p >= 8 && (LoadAt<uint64_t>(p) & kHighBits) == 0) {
      p += 8;
      continue;
    }
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const size_t n = SequenceLength(p, static_cast<size_t>(end - p));
    if (n == 0) {
      return false;
    }
    p += n;
  }
  return true;
}

StatusOr<int32_t> ValidatePrefix(std::string_view bytes, const ValidateOptions& options) {
  Checker checker(options);
  const char* end = checker.Document(bytes.data(), bytes.data() + bytes.size(), false);
  if (end == nullptr) [[unlikely]] {
    return Error(checker.too_deep() ? ErrorCode::kOverflow : ErrorCode::kInvalidBSON,
                 checker.error());
  }
  return static_cast<int32_t>(end - bytes.data());
}

Status Validate(std::string_view bytes, const ValidateOptions& options) {
  Checker checker(options);
  const char* end = checker.Document(bytes.data(), bytes.data() + bytes.size(), false);
  if (end == nullptr) [[unlikely]] {
    return Error(checker.too_deep() ? ErrorCode::kOverflow : ErrorCode::kInvalidBSON,
                 checker.error());
  }
  if (end != bytes.data() + bytes.size()) [[unlikely]] {
    return Error(ErrorCode::kInvalidBSON, "Bytes are left after the document");
  }
  return OkStatus();
}

}  // namespace septet::bson
