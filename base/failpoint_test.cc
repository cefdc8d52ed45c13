// SPDX-License-Identifier: Apache-2.0
#include "base/failpoint.h"

#include <gtest/gtest.h>

namespace septet {
namespace {

TEST(FailPointTest, S02_114_TimesCountsDownToOff) {
  FailPoint point;
  EXPECT_FALSE(point.Enter(nullptr));
  point.Set({.mode = FailPoint::Mode::kTimes, .count = 2, .data = "d"});
  std::string data;
  EXPECT_TRUE(point.Enter(&data));
  EXPECT_EQ(data, "d");
  EXPECT_TRUE(point.Enter(&data));
  EXPECT_FALSE(point.Enter(&data));
  EXPECT_FALSE(point.on());
  EXPECT_EQ(point.Set({}), 2);
}

TEST(FailPointTest, S02_114_SkipMissesFirst) {
  FailPoint point;
  point.Set({.mode = FailPoint::Mode::kSkip, .count = 1});
  EXPECT_FALSE(point.Enter(nullptr));
  EXPECT_TRUE(point.Enter(nullptr));
  EXPECT_TRUE(point.Enter(nullptr));
}

TEST(FailPointTest, EntriesThatDoNotMatchDoNotCount) {
  FailPoint point;
  point.Set({.mode = FailPoint::Mode::kTimes, .count = 1, .data = "insert"});
  EXPECT_FALSE(point.Enter([](std::string_view d) { return d == "find"; }, nullptr));
  EXPECT_TRUE(point.Enter([](std::string_view d) { return d == "insert"; }, nullptr));
  EXPECT_FALSE(point.on());
}

TEST(FailPointTest, Probability) {
  FailPoint point;
  point.Set({.mode = FailPoint::Mode::kProbability, .probability = 0.0});
  EXPECT_FALSE(point.Enter(nullptr));
  point.Set({.mode = FailPoint::Mode::kProbability, .probability = 1.0});
  EXPECT_TRUE(point.Enter(nullptr));
}

TEST(FailPointTest, RegistryKnowsItsNames) {
  FailPoints points;
  EXPECT_EQ(points.Find("failCommand"), &points.Get(FailPointName::kFailCommand));
  EXPECT_EQ(points.Find("nosuch"), nullptr);
}

}  // namespace
}  // namespace septet
