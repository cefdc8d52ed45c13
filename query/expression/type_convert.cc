// SPDX-License-Identifier: Apache-2.0
#include "query/expression/type_convert.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/date_parse.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

Status Failure(std::string_view text) {
  return Error(ErrorCode::kConversionFailure, text);
}

Status Unsupported(ValueView v, Type to) {
  return Failure(StrCat("Unsupported conversion from ", TypeName(v.type()), " to ", TypeName(to),
                        " in $convert with no onError value"));
}

Status BadNumber(std::string_view text, std::string_view why) {
  return Failure(
      StrCat("Failed to parse number '", text, "' in $convert with no onError value: ", why));
}

Status WouldOverflow(ValueView v) {
  return Failure(StrCat("Conversion would overflow target type in $convert with no onError value: ",
                        v.type() == Type::kInt64 ? std::string() : ValueText(v)));
}

bool LooksHexadecimal(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    text.remove_prefix(1);
  }
  return text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

Status CheckNotHexadecimal(std::string_view text) {
  return LooksHexadecimal(text)
             ? Failure(
                   StrCat("Illegal hexadecimal input in $convert with no onError value: ", text))
             : OkStatus();
}

// Whole base-10 text within [min, max].
StatusOr<int64_t> ParseInteger(std::string_view text, int64_t min, int64_t max) {
  RETURN_IF_ERROR(CheckNotHexadecimal(text));
  std::string_view digits = text;
  if (digits.starts_with('+')) {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) {
      return BadNumber(text, "Did not consume whole string.");
    }
  }
  int64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (text.empty() || digits.empty()) {
    return BadNumber(text, "No digits");
  }
  if (error == std::errc::result_out_of_range || (error == std::errc() && (n < min || n > max))) {
    return BadNumber(text, "Overflow");
  }
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return BadNumber(text, "Did not consume whole string.");
  }
  return n;
}

StatusOr<double> ParseDouble(std::string_view text) {
  RETURN_IF_ERROR(CheckNotHexadecimal(text));
  if (text.empty()) {
    return BadNumber(text, "Empty string");
  }
  if (std::isspace(static_cast<unsigned char>(text[0])) != 0) {
    return BadNumber(text, "Leading whitespace");
  }
  std::string_view rest = text;
  if (rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  double d = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), d);
  if (error == std::errc::invalid_argument) {
    return BadNumber(text, "Did not consume any digits");
  }
  if (end != rest.data() + rest.size()) {
    return BadNumber(text, "Did not consume whole string.");
  }
  if (error == std::errc::result_out_of_range) {
    return BadNumber(text, "Out of range");
  }
  return d;
}

StatusOr<bson::Decimal128> ParseDecimal(std::string_view text) {
  RETURN_IF_ERROR(CheckNotHexadecimal(text));
  if (text.empty()) {
    return BadNumber(text, "Empty string");
  }
  const std::optional<bson::Decimal128> d = bson::DecimalFromString(text);
  if (!d.has_value()) {
    return BadNumber(text, "Failed to parse string to decimal");
  }
  return *d;
}

// A number, bool or date as an integer, truncated.
StatusOr<int64_t> Truncate(ValueView v, int64_t min, int64_t max) {
  if (bson::IsNaN(v)) {
    return Failure(
        "Attempt to convert NaN value to integer type in $convert with no onError value");
  }
  if (bson::IsInfinite(v)) {
    return Failure(
        "Attempt to convert infinity value to integer type in $convert with no onError value");
  }
  int64_t n = 0;
  switch (v.type()) {
    case Type::kDouble: {
      const double d = std::trunc(v.AsDouble());
      if (!(d >= -0x1p63 && d < 0x1p63)) {
        return WouldOverflow(v);
      }
      n = static_cast<int64_t>(d);
      break;
    }
    case Type::kDecimal128: {
      bson::Arena arena;
      const std::optional<int64_t> whole = bson::ExactInt64(
          arena.Decimal(bson::DecimalApply(bson::DecimalUnary::kTrunc, v.AsDecimal())));
      if (!whole.has_value()) {
        return WouldOverflow(v);
      }
      n = *whole;
      break;
    }
    default:
      n = bson::ToInt64Clamped(v);
  }
  if (n < min || n > max) {
    return WouldOverflow(v);
  }
  return n;
}

StatusOr<int64_t> ToInteger(ValueView v, Type to) {
  const bool narrow = to == Type::kInt32;
  const int64_t min =
      narrow ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int64_t>::min();
  const int64_t max =
      narrow ? std::numeric_limits<int32_t>::max() : std::numeric_limits<int64_t>::max();
  if (v.is_number()) {
    return Truncate(v, min, max);
  }
  if (v.type() == Type::kBool) {
    return v.AsBool() ? 1 : 0;
  }
  if (v.is_string()) {
    return ParseInteger(v.AsString(), min, max);
  }
  if (v.type() == Type::kDate && !narrow) {
    return v.AsDateMillis();
  }
  return Unsupported(v, to);
}

StatusOr<ValueView> ToDoubleValue(ValueView v, EvalContext* ctx) {
  switch (v.type()) {
    case Type::kDecimal128: {
      const double d = bson::DecimalToDouble(v.AsDecimal());
      if (std::isinf(d) && !bson::DecimalIsInfinite(v.AsDecimal())) {
        return WouldOverflow(v);
      }
      return ctx->arena->Double(d);
    }
    case Type::kInt32:
    case Type::kInt64:
      return ctx->arena->Double(bson::ToDouble(v));
    case Type::kBool:
      return ctx->arena->Double(v.AsBool() ? 1 : 0);
    case Type::kDate:
      return ctx->arena->Double(static_cast<double>(v.AsDateMillis()));
    case Type::kString: {
      ASSIGN_OR_RETURN(const double d, ParseDouble(v.AsString()));
      return ctx->arena->Double(d);
    }
    default:
      return Unsupported(v, Type::kDouble);
  }
}

StatusOr<ValueView> ToDecimalValue(ValueView v, EvalContext* ctx) {
  switch (v.type()) {
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
      return ctx->arena->Decimal(bson::ToDecimal(v));
    case Type::kBool:
      return ctx->arena->Decimal(bson::DecimalFromInt64(v.AsBool() ? 1 : 0));
    case Type::kDate:
      return ctx->arena->Decimal(bson::DecimalFromInt64(v.AsDateMillis()));
    case Type::kString: {
      ASSIGN_OR_RETURN(const bson::Decimal128 d, ParseDecimal(v.AsString()));
      return ctx->arena->Decimal(d);
    }
    default:
      return Unsupported(v, Type::kDecimal128);
  }
}

StatusOr<ValueView> ToStringValue(ValueView v, EvalContext* ctx) {
  switch (v.type()) {
    case Type::kDouble:
      if (!std::isfinite(v.AsDouble())) {
        return ctx->arena->String(std::isnan(v.AsDouble()) ? "NaN"
                                  : v.AsDouble() < 0       ? "-Infinity"
                                                           : "Infinity");
      }
      return ctx->arena->String(ValueText(v));
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDecimal128:
    case Type::kBool:
    case Type::kObjectId:
    case Type::kDate:
      return ctx->arena->String(ValueText(v));
    default:
      return Unsupported(v, Type::kString);
  }
}

StatusOr<ValueView> ToObjectIdValue(ValueView v, EvalContext* ctx) {
  if (!v.is_string()) {
    return Unsupported(v, Type::kObjectId);
  }
  const std::string_view text = v.AsString();
  const auto failure = [text](std::string_view why) {
    return Failure(
        StrCat("Failed to parse objectId '", text, "' in $convert with no onError value: ", why));
  };
  if (text.size() != 24) {
    return failure(
        StrCat("Invalid string length for parsing to OID, expected 24 but found ", text.size()));
  }
  bson::ObjectId id;
  for (size_t i = 0; i < 12; ++i) {
    const char* at = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, id.bytes[i], 16);
    if (error != std::errc() || end != at + 2) {
      return failure(StrCat("Invalid character found in hex string: ", text));
    }
  }
  return ctx->arena->Oid(id);
}

StatusOr<ValueView> ToDateValue(ValueView v, EvalContext* ctx) {
  switch (v.type()) {
    case Type::kDouble:
    case Type::kInt64:
    case Type::kDecimal128: {
      ASSIGN_OR_RETURN(const int64_t millis, Truncate(v, std::numeric_limits<int64_t>::min(),
                                                      std::numeric_limits<int64_t>::max()));
      return ctx->arena->Date(millis);
    }
    case Type::kString: {
      ASSIGN_OR_RETURN(const int64_t millis, ParseDate(v.AsString(), nullptr));
      return ctx->arena->Date(millis);
    }
    case Type::kObjectId:
    case Type::kTimestamp: {
      ASSIGN_OR_RETURN(const int64_t millis, MomentOf(v));
      return ctx->arena->Date(millis);
    }
    default:
      return Unsupported(v, Type::kDate);
  }
}

bool TruthOf(ValueView v) {
  return v.type() == Type::kBool || v.is_number() ? v.Truthy() : true;
}

// ---- the operators ----

// In the 'to' argument: a type's name or number.
StatusOr<Type> TargetType(ValueView to) {
  constexpr int kKnown[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,   10, 11,
                            12, 13, 14, 15, 16, 17, 18, 19, 127, 255};
  if (to.is_string()) {
    for (const int number : kKnown) {
      const auto type = static_cast<Type>(number);
      if (TypeName(type) == to.AsString()) {
        return type;
      }
    }
    if (to.AsString() == "missing") {
      return Type::kMissing;
    }
    return Error(ErrorCode::kBadValue, StrCat("Unknown type name: ", to.AsString()));
  }
  if (!to.is_number()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("$convert's 'to' argument must be a string or number, but is ",
                        TypeName(to.type())));
  }
  const std::optional<int64_t> number = bson::ExactInt64(to);
  if (!number.has_value()) {
    return Error(ErrorCode::kFailedToParse, "In $convert, numeric 'to' argument is not an integer");
  }
  for (const int known : kKnown) {
    if (*number == known || (*number == -1 && known == 255)) {
      return static_cast<Type>(known);
    }
  }
  return Error(
      ErrorCode::kFailedToParse,
      StrCat("In $convert, numeric value for 'to' does not correspond to a BSON type: ", *number));
}

constexpr std::string_view kNames[] = {"input", "to", "onError", "onNull"};
constexpr NamedArgument kArguments[] = {
    {"input", static_cast<int>(ErrorCode::kFailedToParse), "Missing '%' parameter to $op"},
    {"to", static_cast<int>(ErrorCode::kFailedToParse), "Missing '%' parameter to $op"},
    {"onError"},
    {"onNull"},
};
constexpr NamedSpec kConvert = {static_cast<int>(ErrorCode::kFailedToParse),
                                "$op expects an object of named arguments but found: %",
                                static_cast<int>(ErrorCode::kFailedToParse),
                                "$op found an unknown argument: %",
                                kArguments,
                                kNames};

StatusOr<ValueView> Convert(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView to, call(1));
  ASSIGN_OR_RETURN(const ValueView input, call(0));
  if (input.nullish()) {
    return call.Has(3) ? call(3) : StatusOr<ValueView>(NullValue());
  }
  if (to.nullish()) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const Type type, TargetType(to));
  StatusOr<ValueView> converted = ConvertValue(input, type, call.ctx);
  if (!converted.ok() && call.Has(2) &&
      CodeOf(converted.status()) == ErrorCode::kConversionFailure) {
    return call(2);
  }
  return converted;
}

template <Type kTo>
StatusOr<ValueView> ConvertTo(const Call& call) {
  return call[0].nullish() ? StatusOr<ValueView>(NullValue())
                           : ConvertValue(call[0], kTo, call.ctx);
}

template <Type kTo>
StatusOr<ExpressionPtr> ParseTo(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
  if (operands.size() != 1) {
    return Error(50723, StrCat(name, " requires a single argument, got ", operands.size()));
  }
  return FinishEager(ConvertTo<kTo>, name, {}, std::move(operands), ctx);
}

StatusOr<ValueView> TypeOf(const Call& call) {
  return call.String(TypeName(call[0].type()));
}
StatusOr<ValueView> IsNumber(const Call& call) {
  return BoolValue(call[0].is_number());
}

constexpr ExpressionRow kRows[] = {
    {"$convert", ParseNamedLazy<kConvert, Convert>},
    {"$isNumber", ParsePositional<IsNumber, 1>},
    {"$toBool", ParseTo<Type::kBool>},
    {"$toDate", ParseTo<Type::kDate>},
    {"$toDecimal", ParseTo<Type::kDecimal128>},
    {"$toDouble", ParseTo<Type::kDouble>},
    {"$toInt", ParseTo<Type::kInt32>},
    {"$toLong", ParseTo<Type::kInt64>},
    {"$toObjectId", ParseTo<Type::kObjectId>},
    {"$toString", ParseTo<Type::kString>},
    {"$type", ParsePositional<TypeOf, 1>},
};

}  // namespace

StatusOr<ValueView> ConvertValue(ValueView v, Type to, EvalContext* ctx) {
  switch (to) {
    case Type::kBool:
      return BoolValue(TruthOf(v));
    case Type::kInt32: {
      ASSIGN_OR_RETURN(const int64_t n, ToInteger(v, to));
      return ctx->arena->Int32(static_cast<int32_t>(n));
    }
    case Type::kInt64: {
      ASSIGN_OR_RETURN(const int64_t n, ToInteger(v, to));
      return ctx->arena->Int64(n);
    }
    case Type::kDouble:
      return v.type() == to ? v : ToDoubleValue(v, ctx);
    case Type::kDecimal128:
      return v.type() == to ? v : ToDecimalValue(v, ctx);
    case Type::kString:
      return v.type() == to ? v : ToStringValue(v, ctx);
    case Type::kObjectId:
      return v.type() == to ? v : ToObjectIdValue(v, ctx);
    case Type::kDate:
      return v.type() == to ? v : ToDateValue(v, ctx);
    default:
      return Unsupported(v, to);
  }
}

std::span<const ExpressionRow> TypeConvertExpressions() {
  return kRows;
}

}  // namespace septet::query
