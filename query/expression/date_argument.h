// SPDX-License-Identifier: Apache-2.0
// Units, weekdays and field arithmetic shared by the date operators.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "query/expression/calendar.h"
#include "query/expression/operator.h"
#include "query/expression/time_zone.h"

namespace septet::query {

enum class TimeUnit {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
};

// By name: "year", "quarter", ...
std::optional<TimeUnit> FindTimeUnit(std::string_view name);
// Error: FailedToParse "unknown time unit value: x"; not a string: `not_string_code`.
StatusOr<TimeUnit> UnitArgument(std::string_view op, ValueView v, int not_string_code);

// Milliseconds of a unit of fixed length (week and shorter).
int64_t UnitMillis(TimeUnit unit);

// 1 = Monday ... 7 = Sunday for "mon", "Monday", ... in any case; nullopt if none.
std::optional<int> FindWeekday(std::string_view name);
StatusOr<int> WeekdayArgument(std::string_view op, ValueView v, int not_string_code);

// `millis` plus `amount` units, in the zone's calendar for days and longer; the day of the month is
// cut to the month's length. Error: DurationOverflow.
StatusOr<int64_t> AddUnits(int64_t millis, TimeUnit unit, int64_t amount, const TimeZone& zone);

}  // namespace septet::query
