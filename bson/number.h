// SPDX-License-Identifier: Apache-2.0
// Arithmetic with the type promotion of the query language: int32 < int64 < double < decimal128.
// int32 overflow widens to int64; what int64 overflow does is the caller's rule (Overflow).
// Decimal128 arithmetic is Intel's library (bid_functions.h, only in number.cc).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "bson/value.h"
#include "bson/view.h"

namespace septet::bson {

enum class Overflow {
  kFail,      // update's $inc and $mul: error BadValue
  kToDouble,  // expressions' $add and $multiply
};

// Requires numbers. A result of the wider operand's type; allocated in `arena`.
StatusOr<ValueView> Add(ValueView a, ValueView b, Overflow overflow, Arena* arena);
StatusOr<ValueView> Subtract(ValueView a, ValueView b, Overflow overflow, Arena* arena);
StatusOr<ValueView> Multiply(ValueView a, ValueView b, Overflow overflow, Arena* arena);

// Value as double (decimal rounded to nearest); requires a number.
double ToDouble(ValueView v);
// Value as int64, truncated toward zero; requires a number. Out of range: clamped, NaN: 0.
int64_t ToInt64Clamped(ValueView v);
// Exact integral value, or nullopt (fraction, NaN, infinity, out of range, not a number).
std::optional<int64_t> ExactInt64(ValueView v);
bool IsNaN(ValueView v);
bool IsInfinite(ValueView v);
// -1, 0, 1; requires a number that is not NaN.
int Sign(ValueView v);

// A number as the nearest double not farther from zero, and whether the number is exactly that double.
// Two numbers are equal iff their parts are equal and, where not exact, their decimals are equal; the
// order of the doubles, then of the decimals, is the order of the numbers. Requires a number, not NaN.
// An infinite decimal is an infinite double.
struct NumberParts {
  double toward_zero;
  bool exact;
  Decimal128 decimal;  // the whole number; set only if !exact
};
NumberParts SplitNumber(ValueView v);

// (-1)^negative * coefficient * 10^exponent; coefficient < 10^34.
struct DecimalParts {
  bool negative;
  int exponent;  // -6176 ... 6111
  unsigned __int128 coefficient;
};
// Requires a finite decimal; a coefficient out of range reads as 0.
DecimalParts SplitDecimal(Decimal128 v);
// Requires a coefficient and exponent in range.
Decimal128 JoinDecimal(const DecimalParts& parts);
// Number of decimal digits; 0 for 0.
int CountDigits(unsigned __int128 coefficient);
unsigned __int128 PowerOfTen(int exponent);  // 0 ... 38

// Decimal128 helpers. Rounding: half to even.
Decimal128 DecimalFromInt64(int64_t v);
Decimal128 DecimalFromDouble(double v);       // 15 significant digits, as a server converts
Decimal128 DecimalFromDoubleExact(double v);  // 34 digits
// Exact or as near as possible; nullopt if the text is no number.
std::optional<Decimal128> DecimalFromString(std::string_view text);
std::string DecimalToString(Decimal128 v);
Decimal128 ToDecimal(ValueView v);
double DecimalToDouble(Decimal128 v);
bool DecimalIsNaN(Decimal128 v);
bool DecimalIsInfinite(Decimal128 v);
bool DecimalIsZero(Decimal128 v);
bool DecimalIsNegative(Decimal128 v);
int DecimalCompare(Decimal128 a, Decimal128 b);  // requires neither is NaN
enum class DecimalOp { kAdd, kSubtract, kMultiply, kDivide, kMod, kPow, kLog };
Decimal128 DecimalBinary(DecimalOp op, Decimal128 a, Decimal128 b);
enum class DecimalUnary {
  kAbs, kNegate, kCeil, kFloor, kTrunc, kRound, kSqrt, kExp, kLn, kLog10, kSin, kCos, kTan, kAsin,
  kAcos, kAtan, kSinh, kCosh, kTanh, kAsinh, kAcosh, kAtanh,
};
Decimal128 DecimalApply(DecimalUnary op, Decimal128 v);
// Rounds (half to even) or truncates to `place` digits after the point (negative: before it). The result
// has exactly that exponent if 34 digits suffice: 1 rounded to 2 places is 1.00.
Decimal128 DecimalRoundPlace(Decimal128 v, int place, bool truncate);

// A running sum that does not lose small addends: doubles by Kahan-Babuska compensation, integers
// exactly, decimals as decimals ($sum, $avg).
class SumState {
 public:
  void Add(ValueView v);  // requires a number
  // The sum with the type the addends ask for (int32 sums that overflow become int64, then double).
  ValueView Result(Arena* arena) const;
  // Sum divided by count, as double or decimal.
  ValueView Average(int64_t count, Arena* arena) const;

 private:
  Type widest_ = Type::kInt32;  // kInt32 < kInt64 < kDouble < kDecimal128
  void AddDouble(double x);
  double DoubleTotal() const;
  Decimal128 DecimalTotal() const;

  __int128 integers_ = 0;
  double sum_ = -0.0;  // the neutral element
  double compensation_ = 0;
  double plain_sum_ = -0.0;  // the answer once infinities or NaN are in
  Decimal128 decimals_ = {0, 0x3040000000000000ULL};
  bool has_integer_ = false;
};

}  // namespace septet::bson
