// SPDX-License-Identifier: Apache-2.0
// Extended JSON to BSON. An object whose first name starts with '$' is built apart, with its own values
// already converted, and then turned into the value it stands for if its names say so.
#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/ejson_wrapper.h"

namespace septet::bson {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  StatusOr<std::string> Document() {
    DocBuilder b;
    SkipSpace();
    RETURN_IF_ERROR(Object(&b));
    SkipSpace();
    if (at_ != text_.size()) {
      return Fail("text after the object");
    }
    return b.Finish();
  }

 private:
  Status Fail(std::string_view what) const {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("Invalid extended JSON at byte ", at_, ": ", what));
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' ||
                                  text_[at_] == '\t')) {
      ++at_;
    }
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    SkipSpace();
    if (Peek() != c) {
      return false;
    }
    ++at_;
    return true;
  }

  Status Object(DocBuilder* b);
  Status Array(DocBuilder* b);
  Status Value(DocBuilder* b, std::string_view name);
  Status DollarObject(DocBuilder* b, std::string_view name);
  Status Number(DocBuilder* b, std::string_view name);
  Status Word(DocBuilder* b, std::string_view name);
  StatusOr<std::string> Text();
  StatusOr<uint32_t> Escape();
  StatusOr<uint32_t> FourHex();
  StatusOr<std::string> Name() {
    ASSIGN_OR_RETURN(std::string name, Text());
    if (name.find('\0') != std::string::npos) {
      return Fail("a name contains a zero byte");
    }
    return name;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

void AppendUtf8(std::string* out, uint32_t c) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    StrAppend(out, static_cast<char>(0xc0 | (c >> 6)), static_cast<char>(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    StrAppend(out, static_cast<char>(0xe0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
              static_cast<char>(0x80 | (c & 63)));
  } else {
    StrAppend(out, static_cast<char>(0xf0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 63)),
              static_cast<char>(0x80 | ((c >> 6) & 63)), static_cast<char>(0x80 | (c & 63)));
  }
}

StatusOr<uint32_t> Parser::FourHex() {
  uint32_t value = 0;
  const char* from = text_.data() + at_;
  if (text_.size() - at_ < 4 ||
      std::from_chars(from, from + 4, value, 16).ptr != from + 4) {
    return Fail("bad \\u escape");
  }
  at_ += 4;
  return value;
}

// After the backslash.
StatusOr<uint32_t> Parser::Escape() {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = Peek();
  ++at_;
  if (c != 'u') {
    const size_t i = kLetters.find(c);
    if (c == '\0' || i == std::string_view::npos) {
      return Fail("bad escape");
    }
    return static_cast<uint32_t>(kMeanings[i]);
  }
  ASSIGN_OR_RETURN(const uint32_t first, FourHex());
  if (first < 0xd800 || first > 0xdfff) {
    return first;
  }
  if (first > 0xdbff || !text_.substr(at_).starts_with("\\u")) {
    return Fail("lone surrogate");
  }
  at_ += 2;
  ASSIGN_OR_RETURN(const uint32_t second, FourHex());
  if (second < 0xdc00 || second > 0xdfff) {
    return Fail("lone surrogate");
  }
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

StatusOr<std::string> Parser::Text() {
  if (!Take('"')) {
    return Fail("expected a string");
  }
  std::string out;
  while (true) {
    const size_t from = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20) {
      ++at_;
    }
    out.append(text_.substr(from, at_ - from));
    const char c = Peek();
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c != '\\') {
      return Fail(at_ == text_.size() ? "string without end" : "control character in a string");
    }
    ++at_;
    ASSIGN_OR_RETURN(const uint32_t code, Escape());
    AppendUtf8(&out, code);
  }
}

Status Parser::Object(DocBuilder* b) {
  if (!Take('{')) {
    return Fail("expected {");
  }
  if (++depth_ > limits::kMaxBsonDepth) {
    return Error(ErrorCode::kOverflow, "Extended JSON is nested too deeply");
  }
  if (!Take('}')) {
    do {
      ASSIGN_OR_RETURN(const std::string name, Name());
      if (!Take(':')) {
        return Fail("expected :");
      }
      RETURN_IF_ERROR(Value(b, name));
    } while (Take(','));
    if (!Take('}')) {
      return Fail("expected , or }");
    }
  }
  --depth_;
  return OkStatus();
}

Status Parser::Array(DocBuilder* b) {
  ++at_;
  if (++depth_ > limits::kMaxBsonDepth) {
    return Error(ErrorCode::kOverflow, "Extended JSON is nested too deeply");
  }
  if (!Take(']')) {
    do {
      // Copied: nested arrays use the builder's index text too.
      const std::string index(b->NextIndex());
      RETURN_IF_ERROR(Value(b, index));
    } while (Take(','));
    if (!Take(']')) {
      return Fail("expected , or ]");
    }
  }
  --depth_;
  return OkStatus();
}

Status Parser::DollarObject(DocBuilder* b, std::string_view name) {
  DocBuilder apart;
  RETURN_IF_ERROR(Object(&apart));
  const std::string bytes = apart.Finish();
  const Status status = AppendWrapped(DocView(bytes), name, b);
  return status.ok() ? status : Fail(TextOf(status));
}

Status Parser::Value(DocBuilder* b, std::string_view name) {
  SkipSpace();
  switch (Peek()) {
    case '{': {
      size_t next = at_ + 1;
      while (next < text_.size() && (text_[next] == ' ' || text_[next] == '\n' ||
                                     text_[next] == '\r' || text_[next] == '\t')) {
        ++next;
      }
      // '$' may be written \u0024.
      const std::string_view start = text_.substr(next, 2);
      if (start == "\"$" || start == "\"\\") {
        return DollarObject(b, name);
      }
      b->OpenObject(name);
      RETURN_IF_ERROR(Object(b));
      b->Close();
      return OkStatus();
    }
    case '[':
      b->OpenArray(name);
      RETURN_IF_ERROR(Array(b));
      b->Close();
      return OkStatus();
    case '"': {
      ASSIGN_OR_RETURN(const std::string text, Text());
      b->Append(name, text);
      return OkStatus();
    }
    case 't':
    case 'f':
    case 'n':
      return Word(b, name);
    default:
      return Number(b, name);
  }
}

Status Parser::Word(DocBuilder* b, std::string_view name) {
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("true")) {
    at_ += 4;
    b->Append(name, true);
  } else if (rest.starts_with("false")) {
    at_ += 5;
    b->Append(name, false);
  } else if (rest.starts_with("null")) {
    at_ += 4;
    b->AppendNull(name);
  } else {
    return Fail("unknown word");
  }
  return OkStatus();
}

// Integers take the smallest of int32, int64 and double that holds them.
Status Parser::Number(DocBuilder* b, std::string_view name) {
  size_t end = at_;
  const auto digits = [this, &end] {
    const size_t from = end;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') {
      ++end;
    }
    return end - from;
  };
  const auto is = [this, &end](char c) { return end < text_.size() && text_[end] == c; };
  end += is('-') ? 1 : 0;
  const bool leading_zero = is('0');
  const size_t whole = digits();
  bool integral = true;
  bool good = whole == 1 || (whole > 1 && !leading_zero);
  if (is('.')) {
    ++end;
    integral = false;
    good = digits() > 0 && good;
  }
  if (is('e') || is('E')) {
    ++end;
    integral = false;
    end += is('+') || is('-') ? 1 : 0;
    good = digits() > 0 && good;
  }
  if (!good) {
    return Fail("unexpected character");
  }
  const char* const first = text_.data() + at_;
  const char* const last = text_.data() + end;
  at_ = end;
  int64_t n = 0;
  if (integral && std::from_chars(first, last, n).ec == std::errc()) {
    if (n == static_cast<int32_t>(n)) {
      b->Append(name, static_cast<int32_t>(n));
    } else {
      b->Append(name, n);
    }
    return OkStatus();
  }
  const std::optional<double> d = DoubleFromText({first, static_cast<size_t>(last - first)});
  if (!d.has_value()) {
    return Fail("number out of range");
  }
  b->Append(name, *d);
  return OkStatus();
}

}  // namespace

StatusOr<std::string> FromJson(std::string_view json) { return Parser(json).Document(); }

}  // namespace septet::bson
