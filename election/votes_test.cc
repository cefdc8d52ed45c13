// SPDX-License-Identifier: Apache-2.0
#include "election/votes.h"

#include <gtest/gtest.h>

namespace septet::election {
namespace {

using Result = VoteCount::Result;

TEST(VoteCount, MajorityDecidesEarly) {
  VoteCount v({0, 1, 2, 3, 4});
  EXPECT_EQ(v.needed(), 3);
  v.Yes(0);
  v.Yes(1);
  v.Yes(1);  // once
  v.Yes(9);  // a stranger
  EXPECT_EQ(v.result(), Result::kPending);
  v.No(2);
  v.Unreachable(3);
  EXPECT_EQ(v.result(), Result::kPending);
  v.Yes(4);
  EXPECT_EQ(v.result(), Result::kWon);
  EXPECT_EQ(v.Answered(), (std::vector<int>{0, 1, 2, 4}));
}

TEST(VoteCount, LostWhenAMajorityIsOutOfReach) {
  VoteCount v({0, 1, 2, 3});
  v.Yes(0);
  v.No(1);
  EXPECT_EQ(v.result(), Result::kPending);
  v.Unreachable(2);
  EXPECT_EQ(v.result(), Result::kLost);
  v.Yes(2);  // the first answer counts
  EXPECT_EQ(v.result(), Result::kLost);
}

TEST(VoteCount, OneThatMustAgree) {
  VoteCount v({0, 1, 2}, 2);
  v.Yes(0);
  v.Yes(1);
  EXPECT_EQ(v.result(), Result::kPending);
  VoteCount w = v;
  v.Yes(2);
  EXPECT_EQ(v.result(), Result::kWon);
  w.No(2);
  EXPECT_EQ(w.result(), Result::kLost);
}

}  // namespace
}  // namespace septet::election
