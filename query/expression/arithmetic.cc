// SPDX-License-Identifier: Apache-2.0
// $abs $add $bitAnd $bitNot $bitOr $bitXor $ceil $divide $floor $mod $multiply $round $subtract
// $trunc. Source: manual, "Arithmetic expression operators". Null or missing operands give null.
#include <cmath>
#include <limits>
#include <optional>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

Status NotNumeric(int code, const Call& call, ValueView v) {
  return Error(code, StrCat(call.name, " only supports numeric types, not ", TypeName(v.type())));
}

StatusOr<ValueView> Abs(const Call& call) {
  const ValueView v = call[0];
  switch (v.type()) {
    case Type::kInt32: {
      const int64_t wide = v.AsInt32();
      return call.ctx->arena->Integer(wide < 0 ? -wide : wide, true);
    }
    case Type::kInt64:
      if (v.AsInt64() == std::numeric_limits<int64_t>::min()) {
        return Error(28680, "can't take $abs of long long min");
      }
      return call.Int64(v.AsInt64() < 0 ? -v.AsInt64() : v.AsInt64());
    case Type::kDouble:
      return call.Double(std::fabs(v.AsDouble()));
    case Type::kDecimal128:
      return call.ctx->arena->Decimal(bson::DecimalApply(bson::DecimalUnary::kAbs, v.AsDecimal()));
    default:
      break;
  }
  if (v.nullish()) {
    return NullValue();
  }
  return NotNumeric(28765, call, v);
}

template <bson::DecimalUnary kOp>
StatusOr<ValueView> Integral(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  switch (v.type()) {
    case Type::kInt32:
    case Type::kInt64:
      return v;
    case Type::kDouble:
      return call.Double(kOp == bson::DecimalUnary::kCeil ? std::ceil(v.AsDouble())
                                                          : std::floor(v.AsDouble()));
    case Type::kDecimal128:
      // A server rounds decimals by IEEE quantize, where infinity is an invalid operand.
      return call.ctx->arena->Decimal(bson::DecimalIsInfinite(v.AsDecimal())
                                          ? bson::DecimalFromDouble(std::nan(""))
                                          : bson::DecimalApply(kOp, v.AsDecimal()));
    default:
      return NotNumeric(28765, call, v);
  }
}

// A running total of the widest type met so far: integers until they overflow, then doubles,
// decimal once a decimal is met. Doubles are added one after the other, without compensation ($sum
// has it).
class Total {
 public:
  void Add(ValueView v) {
    if (v.type() == Type::kDecimal128 && kind_ != Kind::kDecimal) {
      decimal_ = kind_ == Kind::kDouble ? bson::DecimalFromDoubleExact(double_)
                                        : bson::DecimalFromInt64(integer_);
      kind_ = Kind::kDecimal;
    } else if (v.type() == Type::kDouble && kind_ == Kind::kInteger) {
      ToDoubleTotal();
    }
    switch (kind_) {
      case Kind::kDecimal:
        decimal_ = bson::DecimalBinary(bson::DecimalOp::kAdd, decimal_, Exact(v));
        break;
      case Kind::kDouble:
        double_ += bson::ToDouble(v);
        break;
      case Kind::kInteger:
        AddInteger(v.type() == Type::kInt32 ? v.AsInt32() : v.AsInt64());
        narrow_ = narrow_ && v.type() == Type::kInt32;
        break;
    }
  }

  void AddInteger(int64_t n) {
    if (int64_t sum = 0; !__builtin_add_overflow(integer_, n, &sum)) {
      integer_ = sum;
      return;
    }
    ToDoubleTotal();
    double_ += static_cast<double>(n);
  }

  // A date to add to.
  void AddMillis(int64_t millis, bson::Arena* arena) {
    if (kind_ == Kind::kInteger) {
      AddInteger(millis);
    } else {
      Add(arena->Int64(millis));
    }
  }

  ValueView Result(bson::Arena* arena) const {
    switch (kind_) {
      case Kind::kDecimal:
        return arena->Decimal(decimal_);
      case Kind::kDouble:
        return arena->Double(double_);
      case Kind::kInteger:
        break;
    }
    return arena->Integer(integer_, narrow_);
  }

  StatusOr<ValueView> DateResult(bson::Arena* arena) const {
    if (kind_ == Kind::kInteger) {
      return arena->Date(integer_);
    }
    if (kind_ == Kind::kDecimal) {
      const std::optional<int64_t> whole =
          bson::ExactInt64(arena->Decimal(bson::DecimalRoundPlace(decimal_, 0, false)));
      if (whole.has_value()) {
        return arena->Date(*whole);
      }
    } else if (double_ >= -0x1p63 && double_ < 0x1p63) {
      return arena->Date(std::llround(double_));
    }
    return Error(ErrorCode::kOverflow, "date overflow in $add");
  }

 private:
  enum class Kind { kInteger, kDouble, kDecimal };
  static bson::Decimal128 Exact(ValueView v) {
    return v.type() == Type::kDouble ? bson::DecimalFromDoubleExact(v.AsDouble())
                                     : bson::ToDecimal(v);
  }
  void ToDoubleTotal() {
    double_ = static_cast<double>(integer_);
    kind_ = Kind::kDouble;
  }

  Kind kind_ = Kind::kInteger;
  bool narrow_ = true;
  int64_t integer_ = 0;
  double double_ = 0;
  bson::Decimal128 decimal_;
};

StatusOr<ValueView> Add(const LazyCall& call) {
  Total total;
  bool date = false;
  for (size_t i = 0; i < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (v.is_number()) {
      total.Add(v);
    } else if (v.nullish()) {
      return NullValue();
    } else if (v.type() != Type::kDate) {
      return Error(16554,
                   StrCat("$add only supports numeric or date types, not ", TypeName(v.type())));
    } else if (date) {
      return Error(16612, "only one date allowed in an $add expression");
    } else {
      date = true;
      total.AddMillis(v.AsDateMillis(), call.ctx->arena);
    }
  }
  return date ? total.DateResult(call.ctx->arena)
              : StatusOr<ValueView>(total.Result(call.ctx->arena));
}

StatusOr<ValueView> Subtract(const Call& call) {
  const ValueView a = call[0];
  const ValueView b = call[1];
  if (a.is_number() && b.is_number()) {
    return bson::Subtract(a, b, bson::Overflow::kToDouble, call.ctx->arena);
  }
  if (call.AnyNullish()) {
    return NullValue();
  }
  if (a.type() == Type::kDate && (b.type() == Type::kDate || b.is_number())) {
    const bool dates = b.type() == Type::kDate;
    const int64_t other = dates ? b.AsDateMillis() : bson::ToInt64Clamped(b);
    int64_t result = 0;
    if (__builtin_sub_overflow(a.AsDateMillis(), other, &result)) {
      return Error(ErrorCode::kOverflow, "date overflow in $subtract");
    }
    return dates ? call.Int64(result) : call.ctx->arena->Date(result);
  }
  return Error(ErrorCode::kTypeMismatch,
               StrCat("can't $subtract ", TypeName(b.type()), " from ", TypeName(a.type())));
}

StatusOr<ValueView> Multiply(const LazyCall& call) {
  ValueView product;
  for (size_t i = 0; i < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (v.nullish()) {
      return NullValue();
    }
    if (!v.is_number()) {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("$multiply only supports numeric types, not ", TypeName(v.type())));
    }
    if (product.missing()) {
      product = v;
    } else {
      ASSIGN_OR_RETURN(product,
                       bson::Multiply(product, v, bson::Overflow::kToDouble, call.ctx->arena));
    }
  }
  return product.missing() ? call.ctx->arena->Int32(1) : product;
}

StatusOr<ValueView> Divide(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  const ValueView a = call[0];
  const ValueView b = call[1];
  if (!a.is_number() || !b.is_number()) {
    return Error(ErrorCode::kTypeMismatch, StrCat("$divide only supports numeric types, not ",
                                                  TypeName(a.type()), " and ", TypeName(b.type())));
  }
  if (a.type() == Type::kDecimal128 || b.type() == Type::kDecimal128) {
    const bson::Decimal128 divisor = bson::ToDecimal(b);
    if (bson::DecimalIsZero(divisor)) {
      return Error(ErrorCode::kBadValue, "can't $divide by zero");
    }
    return call.ctx->arena->Decimal(
        bson::DecimalBinary(bson::DecimalOp::kDivide, bson::ToDecimal(a), divisor));
  }
  const double divisor = bson::ToDouble(b);
  if (divisor == 0) {
    return Error(ErrorCode::kBadValue, "can't $divide by zero");
  }
  return call.Double(bson::ToDouble(a) / divisor);
}

StatusOr<ValueView> Mod(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  const ValueView a = call[0];
  const ValueView b = call[1];
  if (!a.is_number() || !b.is_number()) {
    return Error(16611, StrCat("$mod only supports numeric types, not ", TypeName(a.type()),
                               " and ", TypeName(b.type())));
  }
  const bool zero =
      b.type() == Type::kDecimal128 ? bson::DecimalIsZero(b.AsDecimal()) : bson::ToDouble(b) == 0;
  if (zero) {
    return Error(16610, "can't $mod by zero");
  }
  if (a.type() == Type::kDecimal128 || b.type() == Type::kDecimal128) {
    return call.ctx->arena->Decimal(
        bson::DecimalBinary(bson::DecimalOp::kMod, bson::ToDecimal(a), bson::ToDecimal(b)));
  }
  // A whole double divisor keeps the integer type of the dividend.
  const bool double_mod =
      a.type() == Type::kDouble || (b.type() == Type::kDouble && !bson::ExactInt64(b).has_value());
  if (double_mod) {
    return call.Double(std::fmod(bson::ToDouble(a), bson::ToDouble(b)));
  }
  const int64_t divisor = bson::ToInt64Clamped(b);
  const int64_t rest = divisor == -1 ? 0 : bson::ToInt64Clamped(a) % divisor;
  const bool narrow = a.type() == Type::kInt32 && b.type() != Type::kInt64;
  return call.ctx->arena->Integer(rest, narrow);
}

StatusOr<ValueView> RoundInteger(const Call& call, ValueView v, int place, bool truncate) {
  const int64_t n = v.type() == Type::kInt32 ? v.AsInt32() : v.AsInt64();
  if (place >= 0) {
    return v;
  }
  bson::Arena* arena = call.ctx->arena;
  const ValueView rounded =
      arena->Decimal(bson::DecimalRoundPlace(bson::DecimalFromInt64(n), place, truncate));
  const std::optional<int64_t> whole = bson::ExactInt64(rounded);
  if (!whole.has_value()) {
    return Error(51080, StrCat("invalid conversion from Decimal128 result in ", call.name,
                               " resulting from arguments: [", n, ", ", place, "]"));
  }
  return arena->Integer(*whole, v.type() == Type::kInt32);
}

template <bool kTruncate>
StatusOr<ValueView> Round(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (!v.is_number()) {
    return NotNumeric(51081, call, v);
  }
  int place = 0;
  if (call.size() > 1) {
    if (call[1].nullish()) {
      return NullValue();
    }
    if (!call[1].is_number()) {
      return Error(16004,
                   StrCat("can't convert from BSON type ", TypeName(call[1].type()), " to long"));
    }
    const std::optional<int64_t> wanted = bson::ExactInt64(call[1]);
    if (!wanted.has_value() || *wanted != static_cast<int32_t>(*wanted)) {
      return Error(51082,
                   StrCat("precision argument to  ", call.name, " must be a integral value"));
    }
    if (*wanted < -20 || *wanted > 100) {
      return Error(51083, StrCat("cannot apply ", call.name, " with precision value ", *wanted,
                                 " value must be in [-20, 100]"));
    }
    place = static_cast<int>(*wanted);
  }
  switch (v.type()) {
    case Type::kDecimal128:
      return call.ctx->arena->Decimal(bson::DecimalRoundPlace(v.AsDecimal(), place, kTruncate));
    case Type::kDouble: {
      const double d = v.AsDouble();
      if (!std::isfinite(d)) {
        return v;
      }
      if (place == 0) {
        return call.Double(kTruncate ? std::trunc(d) : std::nearbyint(d));
      }
      return call.Double(bson::DecimalToDouble(
          bson::DecimalRoundPlace(bson::DecimalFromDoubleExact(d), place, kTruncate)));
    }
    default:
      return RoundInteger(call, v, place, kTruncate);
  }
}

enum class Bit { kAnd, kOr, kXor };

template <Bit kBit>
StatusOr<ValueView> BitNary(const LazyCall& call) {
  int64_t result = kBit == Bit::kAnd ? -1 : 0;
  bool narrow = true;
  for (size_t i = 0; i < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (v.nullish()) {
      return NullValue();
    }
    if (v.type() != Type::kInt32 && v.type() != Type::kInt64) {
      return Error(
          ErrorCode::kTypeMismatch,
          StrCat(call.name, " only supports int and long operands, not ", TypeName(v.type()), "."));
    }
    narrow = narrow && v.type() == Type::kInt32;
    const int64_t n = v.type() == Type::kInt32 ? v.AsInt32() : v.AsInt64();
    switch (kBit) {
      case Bit::kAnd:
        result &= n;
        break;
      case Bit::kOr:
        result |= n;
        break;
      case Bit::kXor:
        result ^= n;
        break;
    }
  }
  return call.ctx->arena->Integer(result, narrow);
}

StatusOr<ValueView> BitNot(const Call& call) {
  const ValueView v = call[0];
  if (v.nullish()) {
    return NullValue();
  }
  if (v.type() == Type::kInt32) {
    return call.Int32(~v.AsInt32());
  }
  if (v.type() == Type::kInt64) {
    return call.Int64(~v.AsInt64());
  }
  return Error(ErrorCode::kTypeMismatch,
               StrCat("$bitNot only supports int and long, not: ", TypeName(v.type()), "."));
}

constexpr ExpressionRow kRows[] = {
    {"$abs", ParsePositional<Abs, 1>},
    {"$add", ParseLazy<Add, 0, -1>},
    {"$bitAnd", ParseLazy<BitNary<Bit::kAnd>, 0, -1>},
    {"$bitNot", ParsePositional<BitNot, 1>},
    {"$bitOr", ParseLazy<BitNary<Bit::kOr>, 0, -1>},
    {"$bitXor", ParseLazy<BitNary<Bit::kXor>, 0, -1>},
    {"$ceil", ParsePositional<Integral<bson::DecimalUnary::kCeil>, 1>},
    {"$divide", ParsePositional<Divide, 2>},
    {"$floor", ParsePositional<Integral<bson::DecimalUnary::kFloor>, 1>},
    {"$mod", ParsePositional<Mod, 2>},
    {"$multiply", ParseLazy<Multiply, 0, -1>},
    {"$round", ParsePositional<Round<false>, 1, 2>},
    {"$subtract", ParsePositional<Subtract, 2>},
    {"$trunc", ParsePositional<Round<true>, 1, 2>},
};

}  // namespace

std::span<const ExpressionRow> ArithmeticExpressions() {
  return kRows;
}

}  // namespace septet::query
