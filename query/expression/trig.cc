// SPDX-License-Identifier: Apache-2.0
// Trigonometry, in radians; decimal in, decimal out. Outside a function's domain: 50989.
// Source: manual, "Trigonometry expression operators".
#include <cmath>
#include <limits>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::DecimalUnary;
using bson::Type;
using bson::TypeName;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The closed interval [low, high] a function is defined on. Infinite ends stand for "every finite
// number" (open) unless the function takes infinities too.
struct Domain {
  double low;
  double high;
  bool finite_only;
  std::string_view text;
};
constexpr Domain kAll = {-kInfinity, kInfinity, false, ""};
constexpr Domain kFinite = {-kInfinity, kInfinity, true, "(-inf,inf)"};
constexpr Domain kUnit = {-1, 1, false, "[-1,1]"};
constexpr Domain kFromOne = {1, kInfinity, false, "[1,inf]"};

template <DecimalUnary kOp, double (*kDouble)(double), const Domain& kDomain>
StatusOr<ValueView> Apply(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (!v.is_number()) {
    return Error(28765,
                 StrCat(call.name, " only supports numeric types, not ", TypeName(v.type())));
  }
  if (bson::IsNaN(v)) {
    return v.type() == Type::kDecimal128 ? v : call.Double(std::nan(""));
  }
  const double d = bson::ToDouble(v);
  if (d < kDomain.low || d > kDomain.high || (kDomain.finite_only && std::isinf(d))) {
    return Error(50989, StrCat("cannot apply ", call.name, " to ", ValueText(v),
                               ", value must be in ", kDomain.text));
  }
  if (v.type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(bson::DecimalApply(kOp, v.AsDecimal()));
  }
  return call.Double(kDouble(d));
}

// The overloads of <cmath> by name, for template arguments.
double Sin(double d) {
  return std::sin(d);
}
double Cos(double d) {
  return std::cos(d);
}
double Tan(double d) {
  return std::tan(d);
}
double Asin(double d) {
  return std::asin(d);
}
double Acos(double d) {
  return std::acos(d);
}
double Atan(double d) {
  return std::atan(d);
}
double Sinh(double d) {
  return std::sinh(d);
}
double Cosh(double d) {
  return std::cosh(d);
}
double Tanh(double d) {
  return std::tanh(d);
}
double Asinh(double d) {
  return std::asinh(d);
}
double Acosh(double d) {
  return std::acosh(d);
}
double Atanh(double d) {
  return std::atanh(d);
}

// Text that is a decimal.
bson::Decimal128 Constant(std::string_view text) {
  return bson::DecimalFromString(text).value_or(bson::Decimal128());
}

// The angle of the point (x, y): by quadrant from the arc tangent.
bson::Decimal128 DecimalAtan2(bson::Decimal128 y, bson::Decimal128 x) {
  constexpr std::string_view kPi = "3.141592653589793238462643383279503";
  constexpr std::string_view kHalfPi = "1.570796326794896619231321691639751";
  const auto signed_like_y = [y](bson::Decimal128 v) {
    return bson::DecimalIsNegative(y) ? bson::DecimalApply(DecimalUnary::kNegate, v) : v;
  };
  if (bson::DecimalIsNaN(x) || bson::DecimalIsNaN(y)) {
    return bson::DecimalFromDouble(std::nan(""));
  }
  if (bson::DecimalIsZero(y)) {
    return bson::DecimalIsNegative(x) ? signed_like_y(Constant(kPi)) : y;
  }
  if (bson::DecimalIsZero(x)) {
    return signed_like_y(Constant(kHalfPi));
  }
  if (bson::DecimalIsInfinite(x) && bson::DecimalIsInfinite(y)) {
    return signed_like_y(Constant(bson::DecimalIsNegative(x)
                                      ? "2.356194490192344928846982537459627"
                                      : "0.7853981633974483096156608458198757"));
  }
  const bson::Decimal128 angle =
      bson::DecimalApply(DecimalUnary::kAtan, bson::DecimalBinary(bson::DecimalOp::kDivide, y, x));
  return bson::DecimalIsNegative(x)
             ? bson::DecimalBinary(bson::DecimalOp::kAdd, angle, signed_like_y(Constant(kPi)))
             : angle;
}

StatusOr<ValueView> Atan2(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  for (size_t i = 0; i < 2; ++i) {
    if (!call[i].is_number()) {
      return Error(51044 + static_cast<int>(i),
                   StrCat("$atan2 only supports numeric types, not ", TypeName(call[i].type())));
    }
  }
  if (call[0].type() == Type::kDecimal128 || call[1].type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(
        DecimalAtan2(bson::ToDecimal(call[0]), bson::ToDecimal(call[1])));
  }
  return call.Double(std::atan2(bson::ToDouble(call[0]), bson::ToDouble(call[1])));
}

// pi / 180 and 180 / pi to 34 digits.
constexpr std::string_view kRadiansPerDegree = "0.01745329251994329576923690768488613";
constexpr std::string_view kDegreesPerRadian = "57.29577951308232087679815481410517";

template <bool kToRadians>
StatusOr<ValueView> Angle(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (!v.is_number()) {
    return Error(28765,
                 StrCat(call.name, " only supports numeric types, not ", TypeName(v.type())));
  }
  if (v.type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(
        bson::DecimalBinary(bson::DecimalOp::kMultiply, v.AsDecimal(),
                            Constant(kToRadians ? kRadiansPerDegree : kDegreesPerRadian)));
  }
  const double d = bson::ToDouble(v);
  return call.Double(kToRadians ? d * (M_PI / 180) : d * (180 / M_PI));
}

constexpr ExpressionRow kRows[] = {
    {"$acos", ParsePositional<Apply<DecimalUnary::kAcos, Acos, kUnit>, 1>},
    {"$acosh", ParsePositional<Apply<DecimalUnary::kAcosh, Acosh, kFromOne>, 1>},
    {"$asin", ParsePositional<Apply<DecimalUnary::kAsin, Asin, kUnit>, 1>},
    {"$asinh", ParsePositional<Apply<DecimalUnary::kAsinh, Asinh, kAll>, 1>},
    {"$atan", ParsePositional<Apply<DecimalUnary::kAtan, Atan, kAll>, 1>},
    {"$atan2", ParsePositional<Atan2, 2>},
    {"$atanh", ParsePositional<Apply<DecimalUnary::kAtanh, Atanh, kUnit>, 1>},
    {"$cos", ParsePositional<Apply<DecimalUnary::kCos, Cos, kFinite>, 1>},
    {"$cosh", ParsePositional<Apply<DecimalUnary::kCosh, Cosh, kAll>, 1>},
    {"$degreesToRadians", ParsePositional<Angle<true>, 1>},
    {"$radiansToDegrees", ParsePositional<Angle<false>, 1>},
    {"$sin", ParsePositional<Apply<DecimalUnary::kSin, Sin, kFinite>, 1>},
    {"$sinh", ParsePositional<Apply<DecimalUnary::kSinh, Sinh, kAll>, 1>},
    {"$tan", ParsePositional<Apply<DecimalUnary::kTan, Tan, kFinite>, 1>},
    {"$tanh", ParsePositional<Apply<DecimalUnary::kTanh, Tanh, kAll>, 1>},
};

}  // namespace

std::span<const ExpressionRow> TrigExpressions() {
  return kRows;
}

}  // namespace septet::query
