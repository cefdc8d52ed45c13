// SPDX-License-Identifier: Apache-2.0
// $ltrim $rtrim $trim {input, chars} and $replaceAll $replaceOne {input, find, replacement}.
// Source: manual, "String expression operators".
#include <vector>

#include "base/strings.h"
#include "query/expression/operator.h"
#include "query/expression/utf8.h"

namespace septet::query {

using bson::TypeName;

namespace {

// What is trimmed without `chars`.
constexpr std::string_view kWhitespace[] = {std::string_view("\0", 1),
                                            " ",
                                            "\t",
                                            "\n",
                                            "\v",
                                            "\f",
                                            "\r",
                                            "\u00A0",
                                            "\u1680",
                                            "\u2000",
                                            "\u2001",
                                            "\u2002",
                                            "\u2003",
                                            "\u2004",
                                            "\u2005",
                                            "\u2006",
                                            "\u2007",
                                            "\u2008",
                                            "\u2009",
                                            "\u200A"};

// Whether one code point is to go.
bool IsTrimmed(std::string_view code_point, const ValueView chars) {
  if (chars.missing()) {
    for (const std::string_view space : kWhitespace) {
      if (space == code_point) {
        return true;
      }
    }
    return false;
  }
  const std::string_view set = chars.AsString();
  for (size_t at = 0; at < set.size();) {
    const size_t next = NextCodePoint(set, at);
    if (set.substr(at, next - at) == code_point) {
      return true;
    }
    at = next;
  }
  return false;
}

template <bool kLeft, bool kRight>
StatusOr<ValueView> Trim(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView input, call(0));
  if (input.nullish()) {
    return NullValue();
  }
  if (!input.is_string()) {
    return Error(50699,
                 StrCat(call.name, " requires its input to be a string, got ", ValueText(input),
                        " (of type ", TypeName(input.type()), ") instead."));
  }
  ValueView chars;
  if (call.Has(1)) {
    ASSIGN_OR_RETURN(chars, call(1));
    if (chars.nullish()) {
      return NullValue();
    }
    if (!chars.is_string()) {
      return Error(50700,
                   StrCat(call.name, " requires 'chars' to be a string, got ", ValueText(chars),
                          " (of type ", TypeName(chars.type()), ") instead."));
    }
  }
  std::string_view text = input.AsString();
  while (kLeft && !text.empty()) {
    const size_t next = NextCodePoint(text, 0);
    if (!IsTrimmed(text.substr(0, next), chars)) {
      break;
    }
    text.remove_prefix(next);
  }
  while (kRight && !text.empty()) {
    const size_t last = PreviousCodePoint(text, text.size());
    if (!IsTrimmed(text.substr(last), chars)) {
      break;
    }
    text = text.substr(0, last);
  }
  return call.ctx->arena->String(text);
}

constexpr NamedArgument kTrimArguments[] = {
    {"input", 50695, "$op requires an 'input' field"},
    {"chars"},
};
constexpr std::string_view kTrimNames[] = {"input", "chars"};
constexpr NamedSpec kTrim = {50696,          "$op only supports an object as an argument, found %",
                             50694,          "$op found an unknown argument: %",
                             kTrimArguments, kTrimNames};

template <bool kAll>
StatusOr<ValueView> Replace(const Call& call) {
  constexpr std::string_view kNames[] = {"input", "find", "replacement"};
  constexpr int kCodes[] = {51746, 51745, 51744};
  bool null = false;
  for (size_t i = 0; i < 3; ++i) {
    if (call[i].nullish()) {
      null = true;
    } else if (!call[i].is_string()) {
      return Error(kCodes[i], StrCat(call.name, " requires that '", kNames[i],
                                     "' be a string, found: ", ValueText(call[i])));
    }
  }
  if (null) {
    return NullValue();
  }
  const std::string_view text = call[0].AsString();
  const std::string_view find = call[1].AsString();
  const std::string_view replacement = call[2].AsString();
  std::string* out = call.ctx->arena->TakeBuffer();
  size_t start = 0;
  for (;;) {
    const size_t at = text.find(find, start);
    if (at == std::string_view::npos) {
      break;
    }
    out->append(text, start, at - start);
    out->append(replacement);
    start = at + find.size();
    if (find.empty() && start < text.size()) {
      const size_t next = NextCodePoint(text, start);
      if (kAll) {
        out->append(text, start, next - start);
        start = next;
      }
    } else if (find.empty()) {
      break;
    }
    if (!kAll) {
      break;
    }
  }
  out->append(text.substr(start));
  const ValueView result = call.String(*out);
  call.ctx->arena->ReleaseBuffer(out);
  return result;
}

constexpr NamedArgument kReplaceArguments[] = {
    {"input", 51749, "$op requires 'input' to be specified"},
    {"find", 51748, "$op requires 'find' to be specified"},
    {"replacement", 51747, "$op requires 'replacement' to be specified"},
};
constexpr std::string_view kReplaceNames[] = {"input", "find", "replacement"};
constexpr NamedSpec kReplace = {51751,
                                "$op requires an object as an argument, found: %",
                                51750,
                                "$op found an unknown argument: %",
                                kReplaceArguments,
                                kReplaceNames};

constexpr ExpressionRow kRows[] = {
    {"$ltrim", ParseNamedLazy<kTrim, Trim<true, false>>},
    {"$replaceAll", ParseNamed<kReplace, Replace<true>>},
    {"$replaceOne", ParseNamed<kReplace, Replace<false>>},
    {"$rtrim", ParseNamedLazy<kTrim, Trim<false, true>>},
    {"$trim", ParseNamedLazy<kTrim, Trim<true, true>>},
};

}  // namespace

std::span<const ExpressionRow> StringTrimExpressions() {
  return kRows;
}

}  // namespace septet::query
