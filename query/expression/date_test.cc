// SPDX-License-Identifier: Apache-2.0
// Dates and time zones. Expected values: the manual's pages of the operators named.
#include <gtest/gtest.h>

#include "query/expression/calendar.h"
#include "query/expression/testing.h"

namespace septet::query {
namespace {

using testing::Eval;

std::string WithDate(const std::string& expression, const std::string& iso) {
  return Eval(expression, R"({"d": {"$date": ")" + iso + R"("}})");
}
std::string Date(const std::string& iso) {
  return R"({"$date":")" + iso + R"("})";
}

TEST(Dates, AddCutsToTheMonth) {  // S04-091
  EXPECT_EQ(WithDate(R"({"$dateAdd": {"startDate": "$d", "unit": "month", "amount": 2}})",
                     "2020-12-31T12:10:05Z"),
            Date("2021-02-28T12:10:05Z"));
  EXPECT_EQ(WithDate(R"({"$dateSubtract": {"startDate": "$d", "unit": "year", "amount": 1}})",
                     "2020-02-29T00:00:00Z"),
            Date("2019-02-28T00:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateAdd": {"startDate": "$d", "unit": "eon", "amount": 1}})",
                 R"({"d": {"$date": "2020-02-29T00:00:00Z"}})"),
            "9: unknown time unit value: eon");
}

TEST(Dates, AddDaysKeepsTheLocalClock) {
  // New York springs forward on 2021-03-14.
  EXPECT_EQ(WithDate(R"({"$dateAdd": {"startDate": "$d", "unit": "day", "amount": 1,
                         "timezone": "America/New_York"}})",
                     "2021-03-13T17:00:00Z"),
            Date("2021-03-14T16:00:00Z"));
  EXPECT_EQ(WithDate(R"({"$dateAdd": {"startDate": "$d", "unit": "hour", "amount": 24,
                         "timezone": "America/New_York"}})",
                     "2021-03-13T17:00:00Z"),
            Date("2021-03-14T17:00:00Z"));
}

TEST(Dates, TruncatesToBinsOfWeeks) {  // S04-098, the manual's example
  const std::string expression =
      R"({"$dateTrunc": {"date": "$d", "unit": "week", "binSize": 2,
          "timezone": "America/Los_Angeles", "startOfWeek": "Monday"}})";
  EXPECT_EQ(WithDate(expression, "2020-05-18T14:10:30Z"), Date("2020-05-11T07:00:00Z"));
  EXPECT_EQ(WithDate(expression, "2021-03-20T11:30:05Z"), Date("2021-03-15T07:00:00Z"));
}

TEST(Dates, TruncatesUnits) {
  const auto trunc = [](const std::string& unit) {
    return WithDate(R"({"$dateTrunc": {"date": "$d", "unit": ")" + unit + R"("}})",
                    "2021-08-20T11:30:05.589Z");
  };
  EXPECT_EQ(trunc("year"), Date("2021-01-01T00:00:00Z"));
  EXPECT_EQ(trunc("quarter"), Date("2021-07-01T00:00:00Z"));
  EXPECT_EQ(trunc("month"), Date("2021-08-01T00:00:00Z"));
  EXPECT_EQ(trunc("week"), Date("2021-08-15T00:00:00Z"));
  EXPECT_EQ(trunc("day"), Date("2021-08-20T00:00:00Z"));
  EXPECT_EQ(trunc("hour"), Date("2021-08-20T11:00:00Z"));
  EXPECT_EQ(trunc("second"), Date("2021-08-20T11:30:05Z"));
}

TEST(Dates, DiffCountsBoundaries) {  // S04-092, S05-067
  const auto diff = [](const std::string& from, const std::string& to, const std::string& rest) {
    return Eval(R"({"$dateDiff": {"startDate": "$a", "endDate": "$b", )" + rest + "}}",
                R"({"a": {"$date": ")" + from + R"("}, "b": {"$date": ")" + to + R"("}})");
  };
  EXPECT_EQ(diff("2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", R"("unit": "year")"), "1");
  EXPECT_EQ(diff("2021-01-01T00:00:00Z", "2020-12-31T23:59:59Z", R"("unit": "month")"), "-1");
  EXPECT_EQ(diff("2020-10-31T00:00:00Z", "2020-11-05T00:00:00Z", R"("unit": "day")"), "5");
  // Sunday starts a week by default.
  EXPECT_EQ(diff("2021-01-09T00:00:00Z", "2021-01-10T00:00:00Z", R"("unit": "week")"), "1");
  EXPECT_EQ(diff("2021-01-09T00:00:00Z", "2021-01-10T00:00:00Z",
                 R"("unit": "week", "startOfWeek": "monday")"),
            "0");
}

TEST(Dates, FromParts) {  // S04-093
  EXPECT_EQ(Eval(R"({"$dateFromParts": {"year": 2017, "month": 14, "day": 1, "hour": 12}})"),
            Date("2018-02-01T12:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateFromParts": {"year": 2017, "month": 0}})"),
            Date("2016-12-01T00:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateFromParts": {"isoWeekYear": 2017, "isoWeek": 6, "isoDayOfWeek": 3}})"),
            Date("2017-02-08T00:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateFromParts": {"year": 2016, "month": 12, "day": 31, "hour": 23,
                     "minute": 46, "second": 12, "timezone": "America/New_York"}})"),
            Date("2017-01-01T04:46:12Z"));
}

TEST(Dates, FromWrittenForms) {  // S05-065
  const auto parse = [](const std::string& text) {
    return Eval(R"({"$dateFromString": {"dateString": ")" + text + R"("}})");
  };
  EXPECT_EQ(parse("2017-02-08T12:10:40.787"), Date("2017-02-08T12:10:40.787Z"));
  EXPECT_EQ(parse("2017-02-08"), Date("2017-02-08T00:00:00Z"));
  EXPECT_EQ(parse("2017-02-08 10:11"), Date("2017-02-08T10:11:00Z"));
  EXPECT_EQ(parse("2017-02-08T12:10:40+0530"), Date("2017-02-08T06:40:40Z"));
  EXPECT_EQ(parse("July 4, 2020"), Date("2020-07-04T00:00:00Z"));
  EXPECT_EQ(parse("Sat, 4 Jul 2020 10:11:12 GMT"), Date("2020-07-04T10:11:12Z"));
  EXPECT_EQ(parse("4-Jul-2020"), Date("2020-07-04T00:00:00Z"));
  EXPECT_EQ(parse("7/4/2020 5:06 PM"), Date("2020-07-04T17:06:00Z"));
  EXPECT_EQ(parse("20200704T101112Z"), Date("2020-07-04T10:11:12Z"));
}

TEST(Dates, FromFormat) {  // S04-094
  EXPECT_EQ(Eval(R"({"$dateFromString": {"dateString": "06-15-2018", "format": "%m-%d-%Y"}})"),
            Date("2018-06-15T00:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateFromString": {"dateString": "2018/17/06 10 pm +0200",
                     "format": "%Y/%d/%m %H pm %z"}})"),
            Date("2018-06-17T08:00:00Z"));
  EXPECT_EQ(Eval(R"({"$dateFromString": {"dateString": "17 Aug 2018", "format": "%d %b %Y"}})"),
            Date("2018-08-17T00:00:00Z"));
}

TEST(Dates, ToStringByFormat) {  // S04-097, the manual's example
  const std::string iso = "2014-01-01T08:15:39.736Z";
  const auto print = [&](const std::string& rest) {
    return WithDate(R"({"$dateToString": {"date": "$d", )" + rest + "}}", iso);
  };
  EXPECT_EQ(print(R"("format": "%Y-%m-%d")"), R"("2014-01-01")");
  EXPECT_EQ(print(R"("format": "%H:%M:%S:%L%z", "timezone": "America/New_York")"),
            R"("03:15:39:736-0500")");
  EXPECT_EQ(print(R"("format": "%j %U-%w %G-W%V-%u %b %B")"),
            R"("001 00-4 2014-W01-3 Jan January")");
  EXPECT_EQ(print(R"("format": "%Z", "timezone": "America/New_York")"), R"("-300")");
}

TEST(Calendar, RoundTrips) {
  for (int64_t days = -800'000; days < 800'000; days += 97) {
    const DateParts p = CivilFromDays(days);
    ASSERT_EQ(DaysFromCivil(p.year, p.month, p.day), days);
    const IsoWeekDate week = IsoWeekOf(p);
    ASSERT_EQ(DaysFromIsoWeek(week.year, week.week, week.weekday), days);
    ASSERT_GE(week.week, 1);
    ASSERT_LE(week.week, 53);
  }
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
  EXPECT_EQ(DateText(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace septet::query
