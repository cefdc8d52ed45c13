// SPDX-License-Identifier: Apache-2.0
#include "query/expression/calendar.h"

#include <cstdio>

namespace septet::query {

int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  year += FloorDiv(month - 1, 12);
  month = FloorMod(month - 1, 12) + 1;
  // Years begin in March, so that the leap day is the last one.
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = FloorDiv(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468 + day - 1;
}

DateParts CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = FloorDiv(days, 146097);
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  DateParts parts;
  parts.day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  parts.month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  parts.year = year_of_era + era * 400 + (parts.month <= 2 ? 1 : 0);
  return parts;
}

int DaysInMonth(int64_t year, int month) {
  return static_cast<int>(DaysFromCivil(year, month + 1, 1) - DaysFromCivil(year, month, 1));
}

DateParts PartsOf(int64_t millis) {
  DateParts parts = CivilFromDays(FloorDiv(millis, kMillisPerDay));
  int64_t rest = FloorMod(millis, kMillisPerDay);
  parts.hour = static_cast<int>(rest / kMillisPerHour);
  rest %= kMillisPerHour;
  parts.minute = static_cast<int>(rest / kMillisPerMinute);
  rest %= kMillisPerMinute;
  parts.second = static_cast<int>(rest / kMillisPerSecond);
  parts.millisecond = static_cast<int>(rest % kMillisPerSecond);
  return parts;
}

int64_t MillisOf(const DateParts& parts) {
  return DaysFromCivil(parts.year, parts.month, parts.day) * kMillisPerDay +
         parts.hour * kMillisPerHour + parts.minute * kMillisPerMinute +
         parts.second * kMillisPerSecond + parts.millisecond;
}

int DayOfWeek(int64_t days) {
  return static_cast<int>(FloorMod(days + 4, 7));
}

int DayOfYear(const DateParts& parts) {
  return static_cast<int>(DaysFromCivil(parts.year, parts.month, parts.day) -
                          DaysFromCivil(parts.year, 1, 1)) +
         1;
}

int SundayWeek(const DateParts& parts) {
  const int weekday = DayOfWeek(DaysFromCivil(parts.year, parts.month, parts.day));
  return (DayOfYear(parts) - 1 + 7 - weekday) / 7;
}

IsoWeekDate IsoWeekOf(const DateParts& parts) {
  const int64_t days = DaysFromCivil(parts.year, parts.month, parts.day);
  const int weekday = static_cast<int>(FloorMod(days + 3, 7)) + 1;
  const int64_t thursday = days - weekday + 4;
  const int64_t year = CivilFromDays(thursday).year;
  return {year, static_cast<int>((thursday - DaysFromCivil(year, 1, 1)) / 7) + 1, weekday};
}

int64_t DaysFromIsoWeek(int64_t year, int64_t week, int64_t weekday) {
  const int64_t january_4th = DaysFromCivil(year, 1, 4);
  const int64_t monday = january_4th - FloorMod(january_4th + 3, 7);
  return monday + (week - 1) * 7 + weekday - 1;
}

std::string DateText(int64_t millis) {
  const DateParts p = PartsOf(millis);
  char text[64];
  const char* format = p.year >= 0 && p.year <= 9999 ? "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ"
                                                     : "%+lld-%02d-%02dT%02d:%02d:%02d.%03dZ";
  const int size = std::snprintf(text, sizeof(text), format, static_cast<long long>(p.year),
                                 p.month, p.day, p.hour, p.minute, p.second, p.millisecond);
  return {text, static_cast<size_t>(size)};
}

}  // namespace septet::query
