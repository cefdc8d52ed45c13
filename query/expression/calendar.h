// SPDX-License-Identifier: Apache-2.0
// The proleptic Gregorian calendar: days, ISO weeks, and the parts of a moment. No time zones here
// (see time_zone.h). Algorithms: "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant, public
// domain). Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace septet::query {

inline constexpr int64_t kMillisPerSecond = 1000;
inline constexpr int64_t kMillisPerMinute = 60 * kMillisPerSecond;
inline constexpr int64_t kMillisPerHour = 60 * kMillisPerMinute;
inline constexpr int64_t kMillisPerDay = 24 * kMillisPerHour;

// Quotient rounded down, and the remainder that goes with it (divisor > 0).
constexpr int64_t FloorDiv(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}
constexpr int64_t FloorMod(int64_t a, int64_t b) {
  return a % b + (a % b < 0 ? b : 0);
}

struct DateParts {
  int64_t year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
};

// Days since 1970-01-01. Month and day may be out of range and roll over.
int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day);
// Year, month and day of a day number.
DateParts CivilFromDays(int64_t days);
int DaysInMonth(int64_t year, int month);

DateParts PartsOf(int64_t millis);
int64_t MillisOf(const DateParts& parts);

// 0 = Sunday ... 6 = Saturday.
int DayOfWeek(int64_t days);
// 1..366.
int DayOfYear(const DateParts& parts);
// Weeks begin on Sunday; days before the first Sunday are in week 0.
int SundayWeek(const DateParts& parts);
// ISO 8601: week 1 holds the year's first Thursday, weekday 1 = Monday.
struct IsoWeekDate {
  int64_t year;
  int week;
  int weekday;
};
IsoWeekDate IsoWeekOf(const DateParts& parts);
// Day number of a week date; week and weekday may be out of range and roll over.
int64_t DaysFromIsoWeek(int64_t year, int64_t week, int64_t weekday);

// "2021-03-14T09:26:53.589Z". Years outside 0..9999 are printed with a sign.
std::string DateText(int64_t millis);

}  // namespace septet::query
