// SPDX-License-Identifier: Apache-2.0
#include "query/expression/date_argument.h"

#include <algorithm>

#include "base/strings.h"

namespace septet::query {

namespace {

constexpr std::string_view kUnitNames[] = {"year", "quarter", "month",  "week",       "day",
                                           "hour", "minute",  "second", "millisecond"};
constexpr std::string_view kWeekdayNames[] = {"monday", "tuesday",  "wednesday", "thursday",
                                              "friday", "saturday", "sunday"};

Status OutOfRange() {
  return Error(ErrorCode::kDurationOverflow, "date overflow in date arithmetic");
}

StatusOr<int64_t> AddMonths(int64_t millis, int64_t months, const TimeZone& zone) {
  DateParts parts = PartsOf(zone.ToLocal(millis));
  const int64_t month = parts.month - 1 + months;
  parts.year += FloorDiv(month, 12);
  parts.month = static_cast<int>(FloorMod(month, 12)) + 1;
  parts.day = std::min(parts.day, DaysInMonth(parts.year, parts.month));
  return zone.ToUtc(MillisOf(parts));
}

}  // namespace

std::optional<TimeUnit> FindTimeUnit(std::string_view name) {
  for (size_t i = 0; i < std::size(kUnitNames); ++i) {
    if (kUnitNames[i] == name) {
      return static_cast<TimeUnit>(i);
    }
  }
  return std::nullopt;
}

StatusOr<TimeUnit> UnitArgument(std::string_view op, ValueView v, int not_string_code) {
  if (!v.is_string()) {
    return Error(not_string_code,
                 StrCat(op, " requires 'unit' to be a string, but got ", bson::TypeName(v.type())));
  }
  const std::optional<TimeUnit> unit = FindTimeUnit(v.AsString());
  if (!unit.has_value()) {
    return Error(ErrorCode::kFailedToParse, StrCat("unknown time unit value: ", v.AsString()));
  }
  return *unit;
}

int64_t UnitMillis(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kWeek:
      return 7 * kMillisPerDay;
    case TimeUnit::kDay:
      return kMillisPerDay;
    case TimeUnit::kHour:
      return kMillisPerHour;
    case TimeUnit::kMinute:
      return kMillisPerMinute;
    case TimeUnit::kSecond:
      return kMillisPerSecond;
    default:
      return 1;
  }
}

std::optional<int> FindWeekday(std::string_view name) {
  const std::string lower = ToLower(name);
  for (size_t i = 0; i < std::size(kWeekdayNames); ++i) {
    if (lower == kWeekdayNames[i] || lower == kWeekdayNames[i].substr(0, 3)) {
      return static_cast<int>(i) + 1;
    }
  }
  return std::nullopt;
}

StatusOr<int> WeekdayArgument(std::string_view op, ValueView v, int not_string_code) {
  if (!v.is_string()) {
    return Error(not_string_code, StrCat(op, " requires 'startOfWeek' to be a string, but got ",
                                         bson::TypeName(v.type())));
  }
  const std::optional<int> day = FindWeekday(v.AsString());
  if (!day.has_value()) {
    return Error(ErrorCode::kFailedToParse, StrCat(op,
                                                   " parameter 'startOfWeek' value cannot be "
                                                   "recognized as a day of a week: ",
                                                   v.AsString()));
  }
  return *day;
}

StatusOr<int64_t> AddUnits(int64_t millis, TimeUnit unit, int64_t amount, const TimeZone& zone) {
  // Beyond this no date is left, and the calendar's arithmetic stays within int64.
  constexpr int64_t kMaxMonths = 12LL * 600'000'000;
  switch (unit) {
    case TimeUnit::kYear:
    case TimeUnit::kQuarter:
    case TimeUnit::kMonth: {
      const int64_t factor = unit == TimeUnit::kYear ? 12 : (unit == TimeUnit::kQuarter ? 3 : 1);
      if (amount > kMaxMonths / factor || amount < -kMaxMonths / factor) {
        return OutOfRange();
      }
      return AddMonths(millis, amount * factor, zone);
    }
    default:
      break;
  }
  int64_t delta = 0;
  int64_t result = 0;
  if (__builtin_mul_overflow(amount, UnitMillis(unit), &delta)) {
    return OutOfRange();
  }
  const bool by_days = unit == TimeUnit::kWeek || unit == TimeUnit::kDay;
  const int64_t base = by_days ? zone.ToLocal(millis) : millis;
  if (__builtin_add_overflow(base, delta, &result)) {
    return OutOfRange();
  }
  return by_days ? zone.ToUtc(result) : result;
}

}  // namespace septet::query
