// SPDX-License-Identifier: Apache-2.0
// $dayOfMonth $dayOfWeek $dayOfYear $hour $isoDayOfWeek $isoWeek $isoWeekYear $millisecond $minute
// $month $second $week $year: a date, [date] or {date, timezone}. $dateToParts {date, timezone,
// iso8601} and $dateFromParts. Dates are Date, Timestamp and ObjectId. Source: manual, "Date
// expression operators".
#include <limits>
#include <optional>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/date_argument.h"
#include "query/expression/date_parse.h"

namespace septet::query {

using bson::TypeName;

namespace {

using PartFunction = int64_t (*)(const DateParts& parts);

int64_t Year(const DateParts& p) {
  return p.year;
}
int64_t Month(const DateParts& p) {
  return p.month;
}
int64_t DayOfMonth(const DateParts& p) {
  return p.day;
}
int64_t DayInYear(const DateParts& p) {
  return DayOfYear(p);
}
int64_t Hour(const DateParts& p) {
  return p.hour;
}
int64_t Minute(const DateParts& p) {
  return p.minute;
}
int64_t Second(const DateParts& p) {
  return p.second;
}
int64_t Millisecond(const DateParts& p) {
  return p.millisecond;
}
int64_t WeekDay(const DateParts& p) {
  return DayOfWeek(DaysFromCivil(p.year, p.month, p.day)) + 1;
}
int64_t Week(const DateParts& p) {
  return SundayWeek(p);
}
int64_t IsoWeek(const DateParts& p) {
  return IsoWeekOf(p).week;
}
int64_t IsoDayOfWeek(const DateParts& p) {
  return IsoWeekOf(p).weekday;
}
int64_t IsoWeekYear(const DateParts& p) {
  return IsoWeekOf(p).year;
}

constexpr std::string_view kPartNames[] = {"date", "timezone"};

template <PartFunction kPart, bool kWide>
StatusOr<ValueView> Part(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView date, call(0));
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(1));
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(1), 40533, call.ctx));
  if (zone == nullptr || date.nullish()) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const int64_t millis, MomentOf(date));
  const int64_t part = kPart(PartsOf(zone->ToLocal(millis)));
  return kWide ? call.ctx->arena->Int64(part) : call.ctx->arena->Int32(static_cast<int32_t>(part));
}

Status ParsePartArguments(std::string_view name, ValueView operand,
                          std::vector<ExpressionPtr>* operands, ParseContext* ctx) {
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "date") {
      ASSIGN_OR_RETURN((*operands)[0], ParseExpression(e.value(), ctx));
    } else if (e.name() == "timezone") {
      ASSIGN_OR_RETURN((*operands)[1], ParseExpression(e.value(), ctx));
    } else {
      return Error(40535, StrCat("unrecognized option to ", name, ": \"", e.name(), "\""));
    }
  }
  if ((*operands)[0] == nullptr) {
    return Error(40539, StrCat("missing 'date' argument to ", name, ", provided: ", name, ": ",
                               bson::ToShellText(operand)));
  }
  return OkStatus();
}

template <PartFunction kPart, bool kWide = false>
StatusOr<ExpressionPtr> ParsePart(std::string_view name, ValueView operand, ParseContext* ctx) {
  std::vector<ExpressionPtr> operands(2);
  const bool named =
      operand.is_object() &&
      !(!operand.AsDoc().empty() && operand.AsDoc().FirstElement().name().starts_with('$'));
  if (named) {
    RETURN_IF_ERROR(ParsePartArguments(name, operand, &operands, ctx));
  } else {
    ASSIGN_OR_RETURN(auto list, ParseOperands(operand, ctx));
    if (list.size() != 1) {
      return Error(40536, StrCat(name,
                                 " accepts exactly one argument if given an array, but was "
                                 "given ",
                                 list.size()));
    }
    operands[0] = std::move(list[0]);
  }
  return FinishLazy(Part<kPart, kWide>, name, kPartNames, std::move(operands), ctx);
}

// ---- $dateToParts ----

constexpr NamedArgument kToPartsArguments[] = {
    {"date", 40522, "Missing 'date' parameter to $op"}, {"timezone"}, {"iso8601"}};
constexpr std::string_view kToPartsNames[] = {"date", "timezone", "iso8601"};
constexpr NamedSpec kToParts = {40524,
                                "$op only supports an object as its argument",
                                40520,
                                "Unrecognized argument to $op: %",
                                kToPartsArguments,
                                kToPartsNames};

StatusOr<ValueView> DateToParts(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView date, call(0));
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(1));
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(1), 40517, call.ctx));
  if (zone == nullptr) {
    return NullValue();
  }
  bool iso = false;
  if (call.Has(2)) {
    ASSIGN_OR_RETURN(const ValueView v, call(2));
    if (v.nullish()) {
      return NullValue();
    }
    if (v.type() != bson::Type::kBool) {
      return Error(40521, StrCat("iso8601 must evaluate to a bool, found ", TypeName(v.type())));
    }
    iso = v.AsBool();
  }
  if (date.nullish()) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const int64_t millis, MomentOf(date));
  const DateParts p = PartsOf(zone->ToLocal(millis));
  ObjectWriter out(call.ctx);
  const auto add = [&](std::string_view name, int64_t n) {
    out.Add(name, call.ctx->arena->Int32(static_cast<int32_t>(n)));
  };
  if (iso) {
    const IsoWeekDate week = IsoWeekOf(p);
    add("isoWeekYear", week.year);
    add("isoWeek", week.week);
    add("isoDayOfWeek", week.weekday);
  } else {
    add("year", p.year);
    add("month", p.month);
    add("day", p.day);
  }
  add("hour", p.hour);
  add("minute", p.minute);
  add("second", p.second);
  add("millisecond", p.millisecond);
  return out.Finish();
}

// ---- $dateFromParts ----

enum FromPart : size_t {
  kYear,
  kMonth,
  kDay,
  kIsoWeekYear,
  kIsoWeek,
  kIsoDayOfWeek,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kTimezone,
  kFromPartCount,
};
constexpr std::string_view kFromPartsNames[] = {"year",    "month",        "day",     "isoWeekYear",
                                                "isoWeek", "isoDayOfWeek", "hour",    "minute",
                                                "second",  "millisecond",  "timezone"};

// The number an argument gives, `otherwise` if it was not given, nullopt for null.
StatusOr<std::optional<int64_t>> FromPartNumber(const LazyCall& call, size_t at, int64_t otherwise,
                                                int64_t low, int64_t high) {
  if (!call.Has(at)) {
    return otherwise;
  }
  ASSIGN_OR_RETURN(const ValueView v, call(at));
  if (v.nullish()) {
    return std::nullopt;
  }
  const std::optional<int64_t> n = v.is_number() ? bson::ExactInt64(v) : std::nullopt;
  if (!n.has_value()) {
    return Error(40515, StrCat("'", kFromPartsNames[at], "' must evaluate to an integer, found ",
                               TypeName(v.type()), " with value ", ValueText(v)));
  }
  if (*n < low || *n > high) {
    if (at == kYear || at == kIsoWeekYear) {
      return Error(at == kYear ? 40523 : 31095,
                   StrCat("'", kFromPartsNames[at], "' must evaluate to an integer in the range ",
                          low, " to ", high, ", found ", *n));
    }
    return Error(31034,
                 StrCat("'", kFromPartsNames[at], "' must evaluate to a value in the range [", low,
                        ", ", high, "]; value ", *n, " is not in range"));
  }
  return *n;
}

StatusOr<ValueView> DateFromParts(const LazyCall& call) {
  constexpr int64_t kMin = -32768;
  constexpr int64_t kMax = 32767;
  const bool iso = call.Has(kIsoWeekYear);
  const size_t first = iso ? kIsoWeekYear : kYear;
  int64_t n[kFromPartCount] = {};
  for (size_t at = first; at < kTimezone; at = at == first + 2 ? size_t{kHour} : at + 1) {
    const bool year = at == kYear || at == kIsoWeekYear;
    // Seconds and milliseconds may be any int64 that is no overflow.
    const bool wide = at == kSecond || at == kMillisecond;
    constexpr int64_t kWide = 1LL << 53;
    ASSIGN_OR_RETURN(const std::optional<int64_t> value,
                     FromPartNumber(call, at, at < kHour ? 1 : 0, year ? 1 : (wide ? -kWide : kMin),
                                    year ? 9999 : (wide ? kWide : kMax)));
    if (!value.has_value()) {
      return NullValue();
    }
    n[at] = *value;
  }
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(kTimezone));
  ASSIGN_OR_RETURN(const TimeZone* zone, TimeZoneArgument(call.name, zone_argument,
                                                          call.Has(kTimezone), 40517, call.ctx));
  if (zone == nullptr) {
    return NullValue();
  }
  const int64_t days = iso ? DaysFromIsoWeek(n[kIsoWeekYear], n[kIsoWeek], n[kIsoDayOfWeek])
                           : DaysFromCivil(n[kYear], n[kMonth], n[kDay]);
  int64_t millis = 0;
  if (__builtin_mul_overflow(n[kSecond], kMillisPerSecond, &millis) ||
      __builtin_add_overflow(millis,
                             n[kMillisecond] + days * kMillisPerDay + n[kHour] * kMillisPerHour +
                                 n[kMinute] * kMillisPerMinute,
                             &millis)) {
    return Error(ErrorCode::kDurationOverflow, "date overflow in $dateFromParts");
  }
  return call.ctx->arena->Date(zone->ToUtc(millis));
}

StatusOr<ExpressionPtr> ParseDateFromParts(std::string_view name, ValueView operand,
                                           ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(40519, "$dateFromParts only supports an object as its argument");
  }
  std::vector<ExpressionPtr> operands(kFromPartCount);
  for (const bson::ElementView e : operand.AsDoc()) {
    size_t at = 0;
    while (at < kFromPartCount && kFromPartsNames[at] != e.name()) {
      ++at;
    }
    if (at == kFromPartCount) {
      return Error(40518, StrCat("Unrecognized argument to $dateFromParts: ", e.name()));
    }
    ASSIGN_OR_RETURN(operands[at], ParseExpression(e.value(), ctx));
  }
  if (operands[kYear] == nullptr && operands[kIsoWeekYear] == nullptr) {
    return Error(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  }
  if (operands[kYear] != nullptr &&
      (operands[kIsoWeekYear] != nullptr || operands[kIsoWeek] != nullptr ||
       operands[kIsoDayOfWeek] != nullptr)) {
    return Error(40489, "$dateFromParts does not allow mixing natural dates with ISO dates");
  }
  if (operands[kIsoWeekYear] != nullptr &&
      (operands[kMonth] != nullptr || operands[kDay] != nullptr)) {
    return Error(40525, "$dateFromParts does not allow mixing ISO dates with natural dates");
  }
  return FinishLazy(DateFromParts, name, kFromPartsNames, std::move(operands), ctx);
}

constexpr ExpressionRow kRows[] = {
    {"$dateFromParts", ParseDateFromParts},
    {"$dateToParts", ParseNamedLazy<kToParts, DateToParts>},
    {"$dayOfMonth", ParsePart<DayOfMonth>},
    {"$dayOfWeek", ParsePart<WeekDay>},
    {"$dayOfYear", ParsePart<DayInYear>},
    {"$hour", ParsePart<Hour>},
    {"$isoDayOfWeek", ParsePart<IsoDayOfWeek>},
    {"$isoWeek", ParsePart<IsoWeek>},
    {"$isoWeekYear", ParsePart<IsoWeekYear, true>},
    {"$millisecond", ParsePart<Millisecond>},
    {"$minute", ParsePart<Minute>},
    {"$month", ParsePart<Month>},
    {"$second", ParsePart<Second>},
    {"$week", ParsePart<Week>},
    {"$year", ParsePart<Year>},
};

}  // namespace

std::span<const ExpressionRow> DatePartsExpressions() {
  return kRows;
}

}  // namespace septet::query
