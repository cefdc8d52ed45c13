// SPDX-License-Identifier: Apache-2.0
// $concat $indexOfBytes $indexOfCP $split $strLenBytes $strLenCP $strcasecmp $substr $substrBytes
// $substrCP $toLower $toUpper. Case folding is ASCII only. Positions are bytes or code points (CP).
// Source: manual, "String expression operators".
#include <algorithm>
#include <optional>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/calendar.h"
#include "query/expression/index_argument.h"
#include "query/expression/operator.h"
#include "query/expression/utf8.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

std::string TimestampText(bson::Timestamp t) {
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const DateParts p = PartsOf(static_cast<int64_t>(t.secs) * kMillisPerSecond);
  return StrCat(kMonths[p.month - 1], p.day < 10 ? "  " : " ", p.day, " ",
                DateText(static_cast<int64_t>(t.secs) * kMillisPerSecond).substr(11, 8), ":",
                t.inc);
}

// Numbers and dates become text, null and missing the empty string.
StatusOr<std::string_view> ToText(const Call& call, ValueView v) {
  bson::Arena* arena = call.ctx->arena;
  switch (v.type()) {
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return v.AsString();
    case Type::kNull:
    case Type::kUndefined:
    case Type::kMissing:
      return std::string_view();
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
    case Type::kDate:
      return arena->Copy(ValueText(v));
    case Type::kTimestamp:
      return arena->Copy(TimestampText(v.AsTimestamp()));
    default:
      return Error(16007,
                   StrCat("can't convert from BSON type ", TypeName(v.type()), " to String"));
  }
}

StatusOr<ValueView> Concat(const LazyCall& call) {
  std::string* buffer = call.ctx->arena->TakeBuffer();
  StatusOr<ValueView> result = ValueView();
  for (size_t i = 0; i < call.size() && result.ok() && result->missing(); ++i) {
    StatusOr<ValueView> v = call(i);
    if (!v.ok()) {
      result = v;
    } else if (v->nullish()) {
      result = NullValue();
    } else if (!v->is_string()) {
      result = Error(16702, StrCat("$concat only supports strings, not ", TypeName(v->type())));
    } else {
      buffer->append(v->AsString());
    }
  }
  if (result.ok() && result->missing()) {
    result = call.ctx->arena->String(*buffer);
  }
  call.ctx->arena->ReleaseBuffer(buffer);
  return result;
}

// Positions of $indexOfCP in bytes. No more than size().
size_t ByteOffset(std::string_view s, int64_t code_points) {
  size_t at = 0;
  while (code_points-- > 0 && at < s.size()) {
    at = NextCodePoint(s, at);
  }
  return at;
}

template <bool kCodePoints>
StatusOr<ValueView> IndexOf(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  for (size_t i = 0; i < 2; ++i) {
    if (!call[i].is_string()) {
      return Error((kCodePoints ? 40093 : 40091) + static_cast<int>(i),
                   StrCat(call.name, " requires a string as the ", i == 0 ? "first" : "second",
                          " argument, found: ", TypeName(call[i].type())));
    }
  }
  const std::string_view text = call[0].AsString();
  const std::string_view wanted = call[1].AsString();
  ASSIGN_OR_RETURN(const int64_t start, StartArgument(call));
  ASSIGN_OR_RETURN(const int64_t end, EndArgument(call));
  const int64_t size = kCodePoints ? CountCodePoints(text) : static_cast<int64_t>(text.size());
  if (start > size || end < start) {
    return call.Int32(-1);
  }
  const size_t from = kCodePoints ? ByteOffset(text, start) : static_cast<size_t>(start);
  const size_t to =
      kCodePoints ? ByteOffset(text, end) : static_cast<size_t>(std::min<int64_t>(end, size));
  const size_t at = text.substr(0, to).find(wanted, from);
  if (at == std::string_view::npos) {
    return call.Int32(-1);
  }
  return call.Int32(static_cast<int32_t>(kCodePoints ? CountCodePoints(text.substr(0, at))
                                                     : static_cast<int64_t>(at)));
}

StatusOr<ValueView> Split(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  for (size_t i = 0; i < 2; ++i) {
    if (!call[i].is_string()) {
      return Error(
          40085 + static_cast<int>(i),
          StrCat("$split requires an expression that evaluates to a string as a ",
                 i == 0 ? "first" : "second", " argument, found: ", TypeName(call[i].type())));
    }
  }
  const std::string_view text = call[0].AsString();
  const std::string_view separator = call[1].AsString();
  if (separator.empty()) {
    return Error(40087, "$split requires a non-empty separator");
  }
  ArrayWriter out(call.ctx);
  for (size_t start = 0;;) {
    const size_t at = text.find(separator, start);
    out.Add(call.String(text.substr(start, at - start)));
    if (at == std::string_view::npos) {
      return out.Finish();
    }
    start = at + separator.size();
  }
}

template <bool kCodePoints>
StatusOr<ValueView> StrLen(const Call& call) {
  if (!call[0].is_string()) {
    return Error(
        kCodePoints ? 34471 : 34473,
        StrCat(call.name, " requires a string argument, found: ", TypeName(call[0].type())));
  }
  const std::string_view s = call[0].AsString();
  return call.Int32(
      static_cast<int32_t>(kCodePoints ? CountCodePoints(s) : static_cast<int64_t>(s.size())));
}

char Upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

StatusOr<ValueView> StrCaseCmp(const Call& call) {
  ASSIGN_OR_RETURN(const std::string_view a, ToText(call, call[0]));
  ASSIGN_OR_RETURN(const std::string_view b, ToText(call, call[1]));
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    const int difference =
        static_cast<unsigned char>(Upper(a[i])) - static_cast<unsigned char>(Upper(b[i]));
    if (difference != 0) {
      return call.Int32(difference < 0 ? -1 : 1);
    }
  }
  return call.Int32(a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1));
}

template <char (*kFold)(char)>
StatusOr<ValueView> FoldCase(const Call& call) {
  ASSIGN_OR_RETURN(const std::string_view text, ToText(call, call[0]));
  const ValueView copy = call.String(text);
  char* at = const_cast<char*>(copy.AsString().data());  // our own fresh copy in the arena
  std::transform(at, at + text.size(), at, kFold);
  return copy;
}

StatusOr<ValueView> SubstrBytes(const Call& call) {
  ASSIGN_OR_RETURN(const std::string_view text, ToText(call, call[0]));
  for (size_t i = 1; i < 3; ++i) {
    if (!call[i].is_number()) {
      return Error(i == 1 ? 16034 : 16035,
                   StrCat(call.name, ":  ", i == 1 ? "starting index" : "length",
                          " must be a numeric type (is BSON type ", TypeName(call[i].type()), ")"));
    }
  }
  const int64_t start = bson::ToInt64Clamped(call[1]);
  const int64_t length = bson::ToInt64Clamped(call[2]);
  if (start < 0) {
    return Error(50752,
                 StrCat(call.name, ":  starting index must be non-negative (got: ", start, ")"));
  }
  const auto size = static_cast<int64_t>(text.size());
  if (start >= size) {
    return call.String("");
  }
  if (IsContinuation(text[static_cast<size_t>(start)])) {
    return Error(
        28656, StrCat(call.name, ":  Invalid range, starting index is a UTF-8 continuation byte."));
  }
  const int64_t end = length < 0 || length > size - start ? size : start + length;
  if (end < size && IsContinuation(text[static_cast<size_t>(end)])) {
    return Error(
        28657,
        StrCat(call.name, ":  Invalid range, ending index is in the middle of a UTF-8 character."));
  }
  return call.String(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)));
}

StatusOr<ValueView> SubstrCp(const Call& call) {
  ASSIGN_OR_RETURN(const std::string_view text, ToText(call, call[0]));
  int32_t numbers[2];
  for (size_t i = 0; i < 2; ++i) {
    const ValueView v = call[i + 1];
    const std::string_view which = i == 0 ? "starting index" : "length";
    if (!v.is_number()) {
      return Error(i == 0 ? 34450 : 34452,
                   StrCat(call.name, ": ", which, " must be a numeric type (is BSON type ",
                          TypeName(v.type()), ")"));
    }
    const std::optional<int32_t> n = ExactInt32(v);
    if (!n.has_value()) {
      return Error(i == 0 ? 34451 : 34453,
                   StrCat(call.name, ": ", which,
                          " cannot be represented as a 32-bit integral value: ", ValueText(v)));
    }
    numbers[i] = *n;
  }
  if (numbers[1] < 0) {
    return Error(34454, StrCat(call.name, ": length must be a nonnegative integer."));
  }
  if (numbers[0] < 0) {
    return Error(34455, StrCat(call.name, ": the starting index must be nonnegative integer."));
  }
  const std::string_view rest = text.substr(ByteOffset(text, numbers[0]));
  return call.String(rest.substr(0, ByteOffset(rest, numbers[1])));
}

constexpr ExpressionRow kRows[] = {
    {"$concat", ParseLazy<Concat, 0, -1>},
    {"$indexOfBytes", ParsePositional<IndexOf<false>, 2, 4>},
    {"$indexOfCP", ParsePositional<IndexOf<true>, 2, 4>},
    {"$split", ParsePositional<Split, 2>},
    {"$strLenBytes", ParsePositional<StrLen<false>, 1>},
    {"$strLenCP", ParsePositional<StrLen<true>, 1>},
    {"$strcasecmp", ParsePositional<StrCaseCmp, 2>},
    {"$substr", ParsePositional<SubstrBytes, 3>},
    {"$substrBytes", ParsePositional<SubstrBytes, 3>},
    {"$substrCP", ParsePositional<SubstrCp, 3>},
    {"$toLower", ParsePositional<FoldCase<Lower>, 1>},
    {"$toUpper", ParsePositional<FoldCase<Upper>, 1>},
};

}  // namespace

std::span<const ExpressionRow> StringExpressions() {
  return kRows;
}

}  // namespace septet::query
