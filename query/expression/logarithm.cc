// SPDX-License-Identifier: Apache-2.0
// $exp $ln $log $log10 $pow $sqrt. Decimal in, decimal out; everything else gives a double, except
// $pow of integers, which stays an integer while the result is exact. Source: manual, "Arithmetic
// expression operators".
#include <cmath>
#include <optional>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::DecimalUnary;
using bson::Type;
using bson::TypeName;

namespace {

StatusOr<ValueView> CheckNumeric(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_number()) {
    return Error(28765,
                 StrCat(call.name, " only supports numeric types, not ", TypeName(call[0].type())));
  }
  return ValueView();
}

template <DecimalUnary kOp, double (*kDouble)(double)>
ValueView Apply(const Call& call) {
  const ValueView v = call[0];
  if (v.type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(bson::DecimalApply(kOp, v.AsDecimal()));
  }
  return call.Double(kDouble(bson::ToDouble(v)));
}

double DoubleExp(double d) {
  return std::exp(d);
}
double DoubleLn(double d) {
  return std::log(d);
}
double DoubleLog10(double d) {
  return std::log10(d);
}
double DoubleSqrt(double d) {
  return std::sqrt(d);
}

StatusOr<ValueView> Exp(const Call& call) {
  ASSIGN_OR_RETURN(const ValueView early, CheckNumeric(call));
  return early.missing() ? Apply<DecimalUnary::kExp, DoubleExp>(call) : early;
}

StatusOr<ValueView> Sqrt(const Call& call) {
  ASSIGN_OR_RETURN(const ValueView early, CheckNumeric(call));
  if (!early.missing()) {
    return early;
  }
  if (!bson::IsNaN(call[0]) && bson::Sign(call[0]) < 0) {
    return Error(28714, "$sqrt's argument must be greater than or equal to 0");
  }
  return Apply<DecimalUnary::kSqrt, DoubleSqrt>(call);
}

template <DecimalUnary kOp, double (*kDouble)(double), int kCode>
StatusOr<ValueView> Logarithm(const Call& call) {
  ASSIGN_OR_RETURN(const ValueView early, CheckNumeric(call));
  if (!early.missing()) {
    return early;
  }
  if (!bson::IsNaN(call[0]) && bson::Sign(call[0]) <= 0) {
    return Error(kCode, StrCat(call.name, "'s argument must be a positive number, but is ",
                               ValueText(call[0])));
  }
  // A decimal that is no number comes back as a double (recorded S04-053).
  return bson::IsNaN(call[0]) ? StatusOr<ValueView>(call.Double(std::nan("")))
                              : Apply<kOp, kDouble>(call);
}

StatusOr<ValueView> Log(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  const ValueView n = call[0];
  const ValueView base = call[1];
  if (!n.is_number()) {
    return Error(28756, StrCat("$log's argument must be numeric, not ", TypeName(n.type())));
  }
  if (!base.is_number()) {
    return Error(28757, StrCat("$log's base must be numeric, not ", TypeName(base.type())));
  }
  if (!bson::IsNaN(n) && bson::Sign(n) <= 0) {
    return Error(28758, StrCat("$log's argument must be a positive number, but is ", ValueText(n)));
  }
  if (!bson::IsNaN(base) && (bson::Sign(base) <= 0 || bson::ToDouble(base) == 1.0)) {
    return Error(28759, StrCat("$log's base must be a positive number not equal to 1, but is ",
                               ValueText(base)));
  }
  if (n.type() == Type::kDecimal128 || base.type() == Type::kDecimal128) {
    const bson::Decimal128 top = bson::DecimalApply(DecimalUnary::kLn, bson::ToDecimal(n));
    const bson::Decimal128 bottom = bson::DecimalApply(DecimalUnary::kLn, bson::ToDecimal(base));
    return call.ctx->arena->Decimal(bson::DecimalBinary(bson::DecimalOp::kDivide, top, bottom));
  }
  return call.Double(std::log(bson::ToDouble(n)) / std::log(bson::ToDouble(base)));
}

// n to the power of e, if it fits an int64; e >= 0.
std::optional<int64_t> IntegerPower(int64_t n, int64_t e) {
  int64_t result = 1;
  int64_t square = n;
  for (; e > 0; e >>= 1) {
    if ((e & 1) != 0 && __builtin_mul_overflow(result, square, &result)) {
      return std::nullopt;
    }
    if (e > 1 && __builtin_mul_overflow(square, square, &square)) {
      return std::nullopt;
    }
  }
  return result;
}

StatusOr<ValueView> Pow(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  const ValueView base = call[0];
  const ValueView exponent = call[1];
  if (!base.is_number()) {
    return Error(28762, StrCat("$pow's base must be numeric, not ", TypeName(base.type())));
  }
  if (!exponent.is_number()) {
    return Error(28763, StrCat("$pow's exponent must be numeric, not ", TypeName(exponent.type())));
  }
  const bool numbers = !bson::IsNaN(base) && !bson::IsNaN(exponent);
  if (numbers && bson::Sign(base) == 0 && bson::Sign(exponent) < 0) {
    return Error(28764, "$pow cannot take a base of 0 and a negative exponent");
  }
  if (base.type() == Type::kDecimal128 || exponent.type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(bson::DecimalBinary(
        bson::DecimalOp::kPow, bson::ToDecimal(base), bson::ToDecimal(exponent)));
  }
  if (base.type() != Type::kDouble && exponent.type() != Type::kDouble) {
    const int64_t n = bson::ToInt64Clamped(base);
    const int64_t e = bson::ToInt64Clamped(exponent);
    std::optional<int64_t> exact;
    if (e >= 0) {
      exact = IntegerPower(n, e);
    } else if (n == 1 || n == -1) {
      exact = (n == 1 || e % 2 == 0) ? 1 : -1;
    }
    if (exact.has_value()) {
      return call.ctx->arena->Integer(
          *exact, base.type() == Type::kInt32 && exponent.type() == Type::kInt32);
    }
  }
  return call.Double(std::pow(bson::ToDouble(base), bson::ToDouble(exponent)));
}

constexpr ExpressionRow kRows[] = {
    {"$exp", ParsePositional<Exp, 1>},
    {"$ln", ParsePositional<Logarithm<DecimalUnary::kLn, DoubleLn, 28766>, 1>},
    {"$log", ParsePositional<Log, 2>},
    {"$log10", ParsePositional<Logarithm<DecimalUnary::kLog10, DoubleLog10, 28761>, 1>},
    {"$pow", ParsePositional<Pow, 2>},
    {"$sqrt", ParsePositional<Sqrt, 1>},
};

}  // namespace

std::span<const ExpressionRow> LogarithmExpressions() {
  return kRows;
}

}  // namespace septet::query
