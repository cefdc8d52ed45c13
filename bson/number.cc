// SPDX-License-Identifier: Apache-2.0
#include "bson/number.h"

#include <cmath>
#include <limits>

#include "base/check.h"

namespace septet::bson {

namespace decimal_internal {  // decimal.cc
double TowardZero(Decimal128 v, bool* exact);
int64_t Truncated(Decimal128 v, bool* exact);
}  // namespace decimal_internal

namespace {

// int32, int64, double, decimal: the order of promotion.
int Rank(Type type) {
  switch (type) {
    case Type::kInt32:
      return 0;
    case Type::kInt64:
      return 1;
    case Type::kDouble:
      return 2;
    default:
      return 3;
  }
}

int64_t Integer(ValueView v) { return v.type() == Type::kInt32 ? v.AsInt32() : v.AsInt64(); }

enum class Op { kAdd, kSubtract, kMultiply };

bool IntegerOp(Op op, int64_t a, int64_t b, int64_t* out) {
  switch (op) {
    case Op::kAdd:
      return !__builtin_add_overflow(a, b, out);
    case Op::kSubtract:
      return !__builtin_sub_overflow(a, b, out);
    case Op::kMultiply:
      return !__builtin_mul_overflow(a, b, out);
  }
  return false;
}

double DoubleOp(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd:
      return a + b;
    case Op::kSubtract:
      return a - b;
    default:
      return a * b;
  }
}

StatusOr<ValueView> Arithmetic(Op op, ValueView a, ValueView b, Overflow overflow, Arena* arena) {
  const int rank = std::max(Rank(a.type()), Rank(b.type()));
  if (rank == 3) {
    const DecimalOp decimal_op = op == Op::kAdd        ? DecimalOp::kAdd
                                 : op == Op::kSubtract ? DecimalOp::kSubtract
                                                       : DecimalOp::kMultiply;
    return arena->Decimal(DecimalBinary(decimal_op, ToDecimal(a), ToDecimal(b)));
  }
  if (rank == 2) {
    return arena->Double(DoubleOp(op, ToDouble(a), ToDouble(b)));
  }
  int64_t result = 0;
  if (IntegerOp(op, Integer(a), Integer(b), &result)) {
    return arena->Integer(result, rank == 0);
  }
  if (overflow == Overflow::kFail) {
    return Error(ErrorCode::kBadValue, "The result does not fit a 64-bit integer");
  }
  return arena->Double(DoubleOp(op, ToDouble(a), ToDouble(b)));
}

// x + y = sum + error exactly (Knuth).
void TwoSum(double x, double y, double* sum, double* error) {
  *sum = x + y;
  const double y_part = *sum - x;
  *error = (x - (*sum - y_part)) + (y - y_part);
}

// An exact split of a wide integer into doubles, largest first.
void SplitInteger(__int128 n, double parts[3]) {
  for (int i = 0; i < 3; ++i) {
    parts[i] = static_cast<double>(n);
    n -= static_cast<__int128>(parts[i]);
  }
}

NumberParts SplitInt64(int64_t n) {
  constexpr int64_t kExactBound = int64_t{1} << 53;
  auto d = static_cast<double>(n);
  if (n >= -kExactBound && n <= kExactBound) {
    return {d, true, {}};
  }
  if (std::fabs(d) >= 0x1p63) {
    // INT64_MIN is exact; near INT64_MAX the nearest double is 2^63, too far out.
    if (n < 0 && n == std::numeric_limits<int64_t>::min()) {
      return {d, true, {}};
    }
    return {std::nextafter(d, 0.0), false, DecimalFromInt64(n)};
  }
  const auto back = static_cast<int64_t>(d);
  if (back == n) {
    return {d, true, {}};
  }
  if (n > 0 ? back > n : back < n) {
    d = std::nextafter(d, 0.0);
  }
  return {d, false, DecimalFromInt64(n)};
}

}  // namespace

StatusOr<ValueView> Add(ValueView a, ValueView b, Overflow overflow, Arena* arena) {
  return Arithmetic(Op::kAdd, a, b, overflow, arena);
}
StatusOr<ValueView> Subtract(ValueView a, ValueView b, Overflow overflow, Arena* arena) {
  return Arithmetic(Op::kSubtract, a, b, overflow, arena);
}
StatusOr<ValueView> Multiply(ValueView a, ValueView b, Overflow overflow, Arena* arena) {
  return Arithmetic(Op::kMultiply, a, b, overflow, arena);
}

double ToDouble(ValueView v) {
  switch (v.type()) {
    case Type::kInt32:
      return v.AsInt32();
    case Type::kInt64:
      return static_cast<double>(v.AsInt64());
    case Type::kDouble:
      return v.AsDouble();
    default:
      return DecimalToDouble(v.AsDecimal());
  }
}

int64_t ToInt64Clamped(ValueView v) {
  if (v.type() == Type::kDouble) {
    const double d = v.AsDouble();
    if (std::isnan(d)) {
      return 0;
    }
    if (d >= 0x1p63) {
      return std::numeric_limits<int64_t>::max();
    }
    return d < -0x1p63 ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(d);
  }
  if (v.type() == Type::kDecimal128) {
    bool exact = false;
    return decimal_internal::Truncated(v.AsDecimal(), &exact);
  }
  return Integer(v);
}

std::optional<int64_t> ExactInt64(ValueView v) {
  switch (v.type()) {
    case Type::kInt32:
    case Type::kInt64:
      return Integer(v);
    case Type::kDouble: {
      const double d = v.AsDouble();
      if (!(d >= -0x1p63 && d < 0x1p63) || d != std::trunc(d)) {
        return std::nullopt;
      }
      return static_cast<int64_t>(d);
    }
    case Type::kDecimal128: {
      bool exact = false;
      const int64_t n = decimal_internal::Truncated(v.AsDecimal(), &exact);
      return exact ? std::optional<int64_t>(n) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

bool IsNaN(ValueView v) {
  return (v.type() == Type::kDouble && std::isnan(v.AsDouble())) ||
         (v.type() == Type::kDecimal128 && DecimalIsNaN(v.AsDecimal()));
}

bool IsInfinite(ValueView v) {
  return (v.type() == Type::kDouble && std::isinf(v.AsDouble())) ||
         (v.type() == Type::kDecimal128 && DecimalIsInfinite(v.AsDecimal()));
}

int Sign(ValueView v) {
  if (v.type() == Type::kDecimal128) {
    const Decimal128 d = v.AsDecimal();
    return DecimalIsZero(d) ? 0 : DecimalIsNegative(d) ? -1 : 1;
  }
  if (v.type() == Type::kDouble) {
    const double d = v.AsDouble();
    return d > 0 ? 1 : d < 0 ? -1 : 0;
  }
  const int64_t n = Integer(v);
  return n > 0 ? 1 : n < 0 ? -1 : 0;
}

Decimal128 ToDecimal(ValueView v) {
  switch (v.type()) {
    case Type::kDouble:
      return DecimalFromDouble(v.AsDouble());
    case Type::kDecimal128:
      return v.AsDecimal();
    default:
      return DecimalFromInt64(Integer(v));
  }
}

NumberParts SplitNumber(ValueView v) {
  switch (v.type()) {
    case Type::kInt32:
      return {static_cast<double>(v.AsInt32()), true, {}};
    case Type::kInt64:
      return SplitInt64(v.AsInt64());
    case Type::kDouble:
      return {v.AsDouble(), true, {}};
    default: {
      const Decimal128 decimal = v.AsDecimal();
      bool exact = false;
      const double d = decimal_internal::TowardZero(decimal, &exact);
      return {d, exact, decimal};
    }
  }
}

void SumState::AddDouble(double x) {
  plain_sum_ += x;
  double error = 0;
  TwoSum(sum_, x, &sum_, &error);
  compensation_ += error;
}

void SumState::Add(ValueView v) {
  if (Rank(v.type()) > Rank(widest_)) {
    widest_ = v.type();
  }
  switch (v.type()) {
    case Type::kDouble:
      AddDouble(v.AsDouble());
      return;
    case Type::kDecimal128:
      decimals_ = DecimalBinary(DecimalOp::kAdd, decimals_, v.AsDecimal());
      return;
    default:
      has_integer_ = true;
      integers_ += Integer(v);
  }
}

double SumState::DoubleTotal() const {
  if (!has_integer_) {
    const double total = sum_ + compensation_;
    return std::isfinite(total) ? (total == 0 ? plain_sum_ : total) : plain_sum_;
  }
  SumState all = *this;
  double parts[3];
  SplitInteger(integers_, parts);
  for (const double part : parts) {
    all.AddDouble(part);
  }
  const double total = all.sum_ + all.compensation_;
  return std::isfinite(total) ? total : all.plain_sum_;
}

Decimal128 SumState::DecimalTotal() const {
  Decimal128 total = decimals_;
  const auto add = [&total](Decimal128 d) { total = DecimalBinary(DecimalOp::kAdd, total, d); };
  if (has_integer_) {
    // Three pieces of 60 bits each cover every sum of int64 values.
    constexpr int64_t kPiece = int64_t{1} << 60;
    add(DecimalFromInt64(static_cast<int64_t>(integers_ % kPiece)));
    if (const __int128 rest = integers_ / kPiece; rest != 0) {
      add(DecimalBinary(DecimalOp::kMultiply, DecimalFromInt64(kPiece),
                        DecimalFromInt64(static_cast<int64_t>(rest))));
    }
  }
  if (std::isfinite(sum_ + compensation_)) {
    if (sum_ != 0 || compensation_ != 0) {
      add(DecimalFromDoubleExact(sum_));
      add(DecimalFromDoubleExact(compensation_));
    }
  } else {
    add(DecimalFromDoubleExact(plain_sum_));
  }
  return total;
}

ValueView SumState::Result(Arena* arena) const {
  if (widest_ == Type::kDecimal128) {
    return arena->Decimal(DecimalTotal());
  }
  if (widest_ != Type::kDouble && integers_ >= std::numeric_limits<int64_t>::min() &&
      integers_ <= std::numeric_limits<int64_t>::max()) {
    return arena->Integer(static_cast<int64_t>(integers_), widest_ == Type::kInt32);
  }
  return arena->Double(DoubleTotal());
}

ValueView SumState::Average(int64_t count, Arena* arena) const {
  if (widest_ == Type::kDecimal128) {
    return arena->Decimal(
        DecimalBinary(DecimalOp::kDivide, DecimalTotal(), DecimalFromInt64(count)));
  }
  return arena->Double(DoubleTotal() / static_cast<double>(count));
}

}  // namespace septet::bson
