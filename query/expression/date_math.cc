// SPDX-License-Identifier: Apache-2.0
// $dateAdd $dateSubtract {startDate, unit, amount, timezone},
// $dateDiff {startDate, endDate, unit, timezone, startOfWeek},
// $dateTrunc {date, unit, binSize, timezone, startOfWeek}.
// Units of a day and longer are steps of the zone's calendar. Source: manual, "$dateAdd",
// "$dateDiff",
// "$dateTrunc".
#include <limits>
#include <optional>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/date_argument.h"
#include "query/expression/date_parse.h"

namespace septet::query {

using bson::TypeName;

namespace {

// A date argument; its own error names the argument.
StatusOr<int64_t> DateArgument(std::string_view op, std::string_view argument, int code,
                               ValueView v) {
  StatusOr<int64_t> millis = MomentOf(v);
  if (!millis.ok()) {
    return Error(code, StrCat(op, " requires ", argument, " to be convertible to a date"));
  }
  return millis;
}

// ---- $dateAdd, $dateSubtract ----

constexpr NamedArgument kAddArguments[] = {
    {"startDate", 5166402, "$op requires startDate, unit, and amount to be present"},
    {"unit", 5166402, "$op requires startDate, unit, and amount to be present"},
    {"amount", 5166402, "$op requires startDate, unit, and amount to be present"},
    {"timezone"},
};
constexpr std::string_view kAddNames[] = {"startDate", "unit", "amount", "timezone"};
constexpr NamedSpec kAdd = {5166400,
                            "$op expects an object as its argument.found:%",
                            5166401,
                            "Unrecognized argument to $op: %. Expected arguments are "
                            "startDate, unit, amount, and optionally timezone.",
                            kAddArguments,
                            kAddNames};

template <int kSign>
StatusOr<ValueView> DateAdd(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView start, call(0));
  ASSIGN_OR_RETURN(const ValueView unit_argument, call(1));
  ASSIGN_OR_RETURN(const ValueView amount_argument, call(2));
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(3));
  if (start.nullish() || unit_argument.nullish() || amount_argument.nullish() ||
      (call.Has(3) && zone_argument.nullish())) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const int64_t millis, DateArgument(call.name, "startDate", 5166403, start));
  ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(call.name, unit_argument, 5166404));
  const std::optional<int64_t> amount =
      amount_argument.is_number() ? bson::ExactInt64(amount_argument) : std::nullopt;
  if (!amount.has_value()) {
    return Error(5166405, StrCat(call.name, " expects integer amount of time units"));
  }
  if (kSign < 0 && *amount == std::numeric_limits<int64_t>::min()) {
    return Error(6045000, StrCat("invalid $dateSubtract 'amount' parameter value: ", *amount));
  }
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(3), 40517, call.ctx));
  ASSIGN_OR_RETURN(const int64_t result, AddUnits(millis, unit, kSign * *amount, *zone));
  return call.ctx->arena->Date(result);
}

// ---- $dateDiff ----

constexpr NamedArgument kDiffArguments[] = {
    {"startDate", 5166303, "Missing '%' parameter to $op"},
    {"endDate", 5166304, "Missing '%' parameter to $op"},
    {"unit", 5166305, "Missing '%' parameter to $op"},
    {"timezone"},
    {"startOfWeek"},
};
constexpr std::string_view kDiffNames[] = {"startDate", "endDate", "unit", "timezone",
                                           "startOfWeek"};
constexpr NamedSpec kDiff = {5166301,        "$op only supports an object as its argument",
                             5166302,        "Unrecognized argument to $op: %",
                             kDiffArguments, kDiffNames};

// Number of the unit a local time lies in; differences of these numbers are boundaries crossed.
int64_t UnitNumber(int64_t local, TimeUnit unit, int start_of_week) {
  const int64_t days = FloorDiv(local, kMillisPerDay);
  const DateParts p = CivilFromDays(days);
  switch (unit) {
    case TimeUnit::kYear:
      return p.year;
    case TimeUnit::kQuarter:
      return p.year * 4 + (p.month - 1) / 3;
    case TimeUnit::kMonth:
      return p.year * 12 + p.month - 1;
    case TimeUnit::kWeek:
      return FloorDiv(days + 3 - (start_of_week - 1), 7);
    default:
      return FloorDiv(local, UnitMillis(unit));
  }
}

StatusOr<ValueView> DateDiff(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView start, call(0));
  ASSIGN_OR_RETURN(const ValueView end, call(1));
  ASSIGN_OR_RETURN(const ValueView unit_argument, call(2));
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(3));
  ASSIGN_OR_RETURN(const ValueView week_argument, call(4));
  if (start.nullish() || end.nullish() || unit_argument.nullish() ||
      (call.Has(3) && zone_argument.nullish())) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(call.name, unit_argument, 5439013));
  int start_of_week = 7;
  if (unit == TimeUnit::kWeek && call.Has(4)) {
    if (week_argument.nullish()) {
      return NullValue();
    }
    ASSIGN_OR_RETURN(start_of_week, WeekdayArgument(call.name, week_argument, 5439015));
  }
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(3), 40517, call.ctx));
  ASSIGN_OR_RETURN(int64_t from, MomentOf(start));
  ASSIGN_OR_RETURN(int64_t to, MomentOf(end));
  // Seconds and milliseconds do not depend on the zone; hours and minutes by the local clock, but
  // an hour repeated or skipped still counts as time that went by.
  if (unit < TimeUnit::kHour) {
    from = zone->ToLocal(from);
    to = zone->ToLocal(to);
  } else if (unit == TimeUnit::kHour || unit == TimeUnit::kMinute) {
    const int64_t offset = zone->OffsetAt(from);
    from += offset;
    to += offset;
  }
  int64_t difference = 0;
  if (__builtin_sub_overflow(UnitNumber(to, unit, start_of_week),
                             UnitNumber(from, unit, start_of_week), &difference)) {
    return Error(5166308, "dateDiff overflowed");
  }
  return call.ctx->arena->Int64(difference);
}

// ---- $dateTrunc ----

constexpr NamedArgument kTruncArguments[] = {
    {"date", 5439009, "Missing '%' parameter to $op"},
    {"unit", 5439010, "Missing '%' parameter to $op"},
    {"binSize"},
    {"timezone"},
    {"startOfWeek"},
};
constexpr std::string_view kTruncNames[] = {"date", "unit", "binSize", "timezone", "startOfWeek"};
constexpr NamedSpec kTrunc = {5439007,         "$op only supports an object as its argument",
                              5439008,         "Unrecognized argument to $op: %",
                              kTruncArguments, kTruncNames};

// Bins are counted from 2000-01-01T00:00, bins of weeks from the first start of a week after it.
int64_t ReferenceDays(TimeUnit unit, int start_of_week) {
  const int64_t first = DaysFromCivil(2000, 1, 1);  // a Saturday
  if (unit != TimeUnit::kWeek) {
    return first;
  }
  const int weekday = static_cast<int>(FloorMod(first + 3, 7)) + 1;
  return first + FloorMod(start_of_week - weekday, 7);
}

StatusOr<int64_t> Truncate(int64_t millis, TimeUnit unit, int64_t bin, const TimeZone& zone,
                           int start_of_week) {
  const int64_t reference = ReferenceDays(unit, start_of_week) * kMillisPerDay;
  if (unit >= TimeUnit::kHour) {
    // Steps of fixed length from the reference moment in the zone.
    const int64_t base = zone.ToUtc(reference);
    int64_t length = 0;
    if (__builtin_mul_overflow(bin, UnitMillis(unit), &length)) {
      return base;
    }
    return base + FloorDiv(millis - base, length) * length;
  }
  const int64_t local = zone.ToLocal(millis);
  if (unit == TimeUnit::kWeek || unit == TimeUnit::kDay) {
    int64_t length = 0;
    if (__builtin_mul_overflow(bin, UnitMillis(unit), &length)) {
      return zone.ToUtc(reference);
    }
    return zone.ToUtc(reference + FloorDiv(local - reference, length) * length);
  }
  const DateParts p = PartsOf(local);
  const int64_t months = (p.year - 2000) * 12 + p.month - 1;
  const int64_t factor = unit == TimeUnit::kYear ? 12 : (unit == TimeUnit::kQuarter ? 3 : 1);
  int64_t length = 0;
  if (__builtin_mul_overflow(bin, factor, &length)) {
    return zone.ToUtc(reference);
  }
  const int64_t start = FloorDiv(months, length) * length;
  return zone.ToUtc(DaysFromCivil(2000, 1 + start, 1) * kMillisPerDay);
}

StatusOr<ValueView> DateTrunc(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView date, call(0));
  ASSIGN_OR_RETURN(const ValueView unit_argument, call(1));
  ASSIGN_OR_RETURN(const ValueView bin_argument, call(2));
  ASSIGN_OR_RETURN(const ValueView zone_argument, call(3));
  ASSIGN_OR_RETURN(const ValueView week_argument, call(4));
  if (date.nullish() || unit_argument.nullish() || (call.Has(2) && bin_argument.nullish()) ||
      (call.Has(3) && zone_argument.nullish())) {
    return NullValue();
  }
  ASSIGN_OR_RETURN(const int64_t millis, DateArgument(call.name, "'date'", 5439012, date));
  int64_t bin = 1;
  if (call.Has(2)) {
    const std::optional<int64_t> n =
        bin_argument.is_number() ? bson::ExactInt64(bin_argument) : std::nullopt;
    if (!n.has_value()) {
      return Error(5439017,
                   StrCat("$dateTrunc requires 'binSize' to be a 64-bit integer, but got value '",
                          ValueText(bin_argument), "' of type ", TypeName(bin_argument.type())));
    }
    if (*n <= 0) {
      return Error(5439018, StrCat("$dateTrunc requires 'binSize' to be greater than 0, but got "
                                   "value ",
                                   *n));
    }
    bin = *n;
  }
  ASSIGN_OR_RETURN(const TimeUnit unit, UnitArgument(call.name, unit_argument, 5439013));
  int start_of_week = 7;
  if (unit == TimeUnit::kWeek && call.Has(4)) {
    if (week_argument.nullish()) {
      return NullValue();
    }
    ASSIGN_OR_RETURN(start_of_week, WeekdayArgument(call.name, week_argument, 5439015));
  }
  ASSIGN_OR_RETURN(const TimeZone* zone,
                   TimeZoneArgument(call.name, zone_argument, call.Has(3), 40517, call.ctx));
  ASSIGN_OR_RETURN(const int64_t result, Truncate(millis, unit, bin, *zone, start_of_week));
  return call.ctx->arena->Date(result);
}

constexpr ExpressionRow kRows[] = {
    {"$dateAdd", ParseNamedLazy<kAdd, DateAdd<1>>},
    {"$dateDiff", ParseNamedLazy<kDiff, DateDiff>},
    {"$dateSubtract", ParseNamedLazy<kAdd, DateAdd<-1>>},
    {"$dateTrunc", ParseNamedLazy<kTrunc, DateTrunc>},
};

}  // namespace

std::span<const ExpressionRow> DateMathExpressions() {
  return kRows;
}

}  // namespace septet::query
