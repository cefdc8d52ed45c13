// SPDX-License-Identifier: Apache-2.0
// Decimal128 arithmetic and text. The only file that calls Intel's library, in the form of its variant
// 000: arguments by value, rounding mode and flags as arguments.
#define DECIMAL_CALL_BY_REFERENCE 0
#define DECIMAL_GLOBAL_ROUNDING 0
#define DECIMAL_GLOBAL_EXCEPTION_FLAGS 0
#include <bid_conf.h>
// bid_functions.h needs the macros of bid_conf.h.
#include <bid_functions.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "bson/number.h"

namespace septet::bson {
namespace {

constexpr unsigned kInexact = BID_INEXACT_EXCEPTION;
constexpr unsigned kInvalid = BID_INVALID_EXCEPTION;
constexpr Decimal128 kNaN = {0, 0x7c00000000000000ULL};
// 0E-6176: adding it writes a result with as many digits as fit.
constexpr Decimal128 kFinestZero = {0, 0};

BID_UINT128 In(Decimal128 v) {
  BID_UINT128 r;
  r.w[0] = v.low;
  r.w[1] = v.high;
  return r;
}
Decimal128 Out(BID_UINT128 v) { return {v.w[0], v.w[1]}; }

Decimal128 Plus(Decimal128 a, Decimal128 b) {
  unsigned flags = 0;
  return Out(bid128_add(In(a), In(b), BID_ROUNDING_TO_NEAREST, &flags));
}

bool IsSmallInteger(Decimal128 v, int64_t n) {
  return !DecimalIsNaN(v) && DecimalCompare(v, DecimalFromInt64(n)) == 0;
}

BID_UINT128 Power(BID_UINT128 a, BID_UINT128 b) {
  unsigned flags = 0;
  if (IsSmallInteger(Out(a), 10)) {
    return bid128_exp10(b, BID_ROUNDING_TO_NEAREST, &flags);
  }
  if (IsSmallInteger(Out(a), 2)) {
    return bid128_exp2(b, BID_ROUNDING_TO_NEAREST, &flags);
  }
  return bid128_pow(a, b, BID_ROUNDING_TO_NEAREST, &flags);
}

BID_UINT128 Logarithm(BID_UINT128 a, BID_UINT128 base) {
  unsigned flags = 0;
  if (IsSmallInteger(Out(base), 2)) {
    return bid128_log2(a, BID_ROUNDING_TO_NEAREST, &flags);
  }
  if (IsSmallInteger(Out(base), 10)) {
    return bid128_log10(a, BID_ROUNDING_TO_NEAREST, &flags);
  }
  return bid128_div(bid128_log(a, BID_ROUNDING_TO_NEAREST, &flags),
                    bid128_log(base, BID_ROUNDING_TO_NEAREST, &flags), BID_ROUNDING_TO_NEAREST,
                    &flags);
}

// sign? digits (. digits)? (e sign? digits)? with a digit somewhere before the exponent.
bool IsDecimalText(std::string_view text) {
  size_t i = 0;
  const auto digits = [&text, &i] {
    const size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') {
      ++i;
    }
    return i - from;
  };
  const auto sign = [&text, &i] {
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) {
      ++i;
    }
  };
  sign();
  size_t count = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    count += digits();
  }
  if (count == 0) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    sign();
    if (digits() == 0) {
      return false;
    }
  }
  return i == text.size();
}

using Unary = BID_UINT128 (*)(BID_UINT128, unsigned, unsigned*);
// By DecimalUnary, from kSqrt.
constexpr Unary kFunctions[] = {bid128_sqrt, bid128_exp,  bid128_log,   bid128_log10, bid128_sin,
                                bid128_cos,  bid128_tan,  bid128_asin,  bid128_acos,  bid128_atan,
                                bid128_sinh, bid128_cosh, bid128_tanh,  bid128_asinh, bid128_acosh,
                                bid128_atanh};

}  // namespace

Decimal128 DecimalFromInt64(int64_t v) {
  const bool negative = v < 0;
  const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  return {magnitude, (negative ? 1ULL << 63 : 0) | (6176ULL << 49)};
}

Decimal128 DecimalFromDoubleExact(double v) {
  unsigned flags = 0;
  return Out(binary64_to_bid128(v, BID_ROUNDING_TO_NEAREST, &flags));
}

Decimal128 DecimalFromDouble(double v) {
  constexpr int kDigits = 15;
  const Decimal128 exact = DecimalFromDoubleExact(v);
  if (v == 0 || !std::isfinite(v)) {
    return exact;
  }
  // Quantize to 15 digits, once more if rounding up made a sixteenth.
  Decimal128 result = exact;
  for (int round = 0; round < 2; ++round) {
    const DecimalParts parts = SplitDecimal(result);
    const int excess = CountDigits(parts.coefficient) - kDigits;
    if (round > 0 && excess <= 0) {
      break;
    }
    unsigned flags = 0;
    const Decimal128 quantum = JoinDecimal({false, parts.exponent + excess, 1});
    result = Out(bid128_quantize(In(result), In(quantum), BID_ROUNDING_TO_NEAREST, &flags));
  }
  return result;
}

std::optional<Decimal128> DecimalFromString(std::string_view text) {
  std::string_view body = text;
  const bool negative = !body.empty() && body[0] == '-';
  if (negative || (!body.empty() && body[0] == '+')) {
    body.remove_prefix(1);
  }
  const std::string word = ToLower(body.substr(0, 9));
  if (word == "nan") {
    return kNaN;
  }
  if (word == "inf" || word == "infinity") {
    return Decimal128{0, negative ? 0xf800000000000000ULL : 0x7800000000000000ULL};
  }
  if (!IsDecimalText(text)) {
    return std::nullopt;
  }
  std::string copy(text);  // the library takes a char*
  unsigned flags = 0;
  return Out(bid128_from_string(copy.data(), BID_ROUNDING_TO_NEAREST, &flags));
}

// The to-scientific-string rules of the decimal128 specification of BSON.
std::string DecimalToString(Decimal128 v) {
  if (DecimalIsNaN(v)) {
    return "NaN";
  }
  std::string out = DecimalIsNegative(v) ? "-" : "";
  if (DecimalIsInfinite(v)) {
    return out + "Infinity";
  }
  const DecimalParts parts = SplitDecimal(v);
  char digits[40];
  char* p = digits + sizeof(digits);
  unsigned __int128 c = parts.coefficient;
  do {
    *--p = static_cast<char>('0' + static_cast<int>(c % 10));
    c /= 10;
  } while (c != 0);
  const std::string_view text(p, static_cast<size_t>(digits + sizeof(digits) - p));
  const int count = static_cast<int>(text.size());
  const int adjusted = parts.exponent + count - 1;
  if (parts.exponent > 0 || adjusted < -6) {
    out.push_back(text[0]);
    if (count > 1) {
      StrAppend(&out, '.', text.substr(1));
    }
    StrAppend(&out, 'E', adjusted < 0 ? "" : "+", adjusted);
  } else if (parts.exponent == 0) {
    out.append(text);
  } else if (adjusted >= 0) {
    const auto point = static_cast<size_t>(count + parts.exponent);
    StrAppend(&out, text.substr(0, point), '.', text.substr(point));
  } else {
    StrAppend(&out, "0.", std::string(static_cast<size_t>(-adjusted - 1), '0'), text);
  }
  return out;
}

double DecimalToDouble(Decimal128 v) {
  unsigned flags = 0;
  return bid128_to_binary64(In(v), BID_ROUNDING_TO_NEAREST, &flags);
}

// -1, 0, 1.
int DecimalCompare(Decimal128 a, Decimal128 b) {
  unsigned flags = 0;
  if (bid128_quiet_less(In(a), In(b), &flags) != 0) {
    return -1;
  }
  return bid128_quiet_equal(In(a), In(b), &flags) != 0 ? 0 : 1;
}

Decimal128 DecimalBinary(DecimalOp op, Decimal128 a, Decimal128 b) {
  unsigned flags = 0;
  switch (op) {
    case DecimalOp::kAdd:
      return Plus(a, b);
    case DecimalOp::kSubtract:
      return Out(bid128_sub(In(a), In(b), BID_ROUNDING_TO_NEAREST, &flags));
    case DecimalOp::kMultiply:
      return Out(bid128_mul(In(a), In(b), BID_ROUNDING_TO_NEAREST, &flags));
    case DecimalOp::kDivide:
      return Out(bid128_div(In(a), In(b), BID_ROUNDING_TO_NEAREST, &flags));
    case DecimalOp::kMod:
      return Out(bid128_fmod(In(a), In(b), &flags));
    case DecimalOp::kPow:
      return Plus(Out(Power(In(a), In(b))), kFinestZero);
    case DecimalOp::kLog:
      return Plus(Out(Logarithm(In(a), In(b))), kFinestZero);
  }
  return kNaN;
}

Decimal128 DecimalApply(DecimalUnary op, Decimal128 v) {
  unsigned flags = 0;
  switch (op) {
    case DecimalUnary::kAbs:
      return Out(bid128_abs(In(v)));
    case DecimalUnary::kNegate:
      return Out(bid128_negate(In(v)));
    case DecimalUnary::kCeil:
      return Out(bid128_round_integral_positive(In(v), &flags));
    case DecimalUnary::kFloor:
      return Out(bid128_round_integral_negative(In(v), &flags));
    case DecimalUnary::kTrunc:
      return Out(bid128_round_integral_zero(In(v), &flags));
    case DecimalUnary::kRound:
      return Out(bid128_round_integral_nearest_even(In(v), &flags));
    default: {
      const auto i = static_cast<size_t>(op) - static_cast<size_t>(DecimalUnary::kSqrt);
      const Decimal128 result = Out(kFunctions[i](In(v), BID_ROUNDING_TO_NEAREST, &flags));
      return op == DecimalUnary::kSqrt ? result : Plus(result, kFinestZero);
    }
  }
}

Decimal128 DecimalRoundPlace(Decimal128 v, int place, bool truncate) {
  if (DecimalIsNaN(v) || DecimalIsInfinite(v)) {
    return v;
  }
  const int exponent = std::clamp(-place, -6176, 6111);
  unsigned flags = 0;
  const Decimal128 rounded =
      Out(bid128_quantize(In(v), In(JoinDecimal({false, exponent, 1})),
                          truncate ? BID_ROUNDING_TO_ZERO : BID_ROUNDING_TO_NEAREST, &flags));
  // More digits than fit: then there is nothing behind that place either.
  return (flags & kInvalid) != 0 ? v : rounded;
}

namespace decimal_internal {

double TowardZero(Decimal128 v, bool* exact) {
  unsigned flags = 0;
  const double d = bid128_to_binary64(In(v), BID_ROUNDING_TO_ZERO, &flags);
  *exact = (flags & kInexact) == 0;
  return d;
}

int64_t Truncated(Decimal128 v, bool* exact) {
  unsigned flags = 0;
  const int64_t n = bid128_to_int64_xint(In(v), &flags);
  *exact = (flags & (kInexact | kInvalid)) == 0;
  if ((flags & kInvalid) == 0) {
    return n;
  }
  if (DecimalIsNaN(v)) {
    return 0;
  }
  return DecimalIsNegative(v) ? INT64_MIN : INT64_MAX;
}

}  // namespace decimal_internal
}  // namespace septet::bson
