// SPDX-License-Identifier: Apache-2.0
#include "replication/core/progress.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace septet::repl {
namespace {

OpTimeAndWall P(uint32_t inc, int64_t term = 1) { return {{{1, inc}, term}, inc}; }

std::vector<MemberSpec> Specs(int count) {
  std::vector<MemberSpec> specs;
  for (int i = 0; i < count; ++i) {
    specs.push_back({i, "h" + std::to_string(i), true, true, {}});
  }
  return specs;
}

TEST(Progress, WriteMajorityLeavesArbitersOut) {
  Progress p;
  auto specs = Specs(3);
  specs[2].bears_data = false;
  p.Configure(specs, 0);
  EXPECT_EQ(p.majority_votes(), 2);
  EXPECT_EQ(p.writable_voters(), 2);
  EXPECT_EQ(p.write_majority(), 2);
  specs = Specs(4);
  specs[1].bears_data = specs[2].bears_data = specs[3].bears_data = false;
  p.Configure(specs, 0);
  EXPECT_EQ(p.write_majority(), 1);  // min(4/2+1, 4-3)
}

TEST(Progress, ReachedByCountsTheRightMembers) {
  Progress p;
  auto specs = Specs(4);
  specs[3].voter = false;
  p.Configure(specs, 0);
  p.SetSelf(P(9), P(8));
  p.Advance(1, P(7), P(6), 1);
  p.Advance(2, P(5), P(4), 1);
  p.Advance(3, P(9), P(9), 1);
  using W = Progress::Which;
  EXPECT_EQ(p.ReachedBy(2, W::kWritten, true), P(7));
  EXPECT_EQ(p.ReachedBy(2, W::kDurable, true), P(6));
  EXPECT_EQ(p.ReachedBy(3, W::kWritten, true), P(5));
  EXPECT_EQ(p.ReachedBy(2, W::kWritten, false), P(9));
  EXPECT_TRUE(p.ReachedBy(5, W::kWritten, false).optime.IsNull());
  EXPECT_TRUE(p.ReachedBy(0, W::kWritten, false).optime.IsNull());
}

TEST(Progress, OthersNeverGoBackAndSelfMay) {
  Progress p;
  p.Configure(Specs(2), 0);
  EXPECT_TRUE(p.Advance(1, P(5), P(5), 1));
  EXPECT_FALSE(p.Advance(1, P(4), P(3), 1));
  EXPECT_EQ(p.Find(1)->written, P(5));
  // A newer term is further, whatever its timestamp.
  EXPECT_TRUE(p.Advance(1, P(2, 2), P(2, 2), 2));
  p.SetSelf(P(9), P(9));
  p.SetSelf(P(3), P(3));
  EXPECT_EQ(p.Find(0)->written, P(3));
  p.Forget(1);
  EXPECT_TRUE(p.Find(1)->written.optime.IsNull());
}

TEST(Progress, ANewHostUnderAnOldIdStartsFromNothing) {
  Progress p;
  p.Configure(Specs(2), 0);
  p.Advance(1, P(5), P(5), 1);
  auto specs = Specs(2);
  p.Configure(specs, 0);
  EXPECT_EQ(p.Find(1)->written, P(5));
  specs[1].host = "other";
  p.Configure(specs, 0);
  EXPECT_TRUE(p.Find(1)->written.optime.IsNull());
}

// Against counting by hand, on random positions.
TEST(Progress, ReachedByAgreesWithCounting) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    const int n = static_cast<int>(random.Between(1, 9));
    Progress p;
    auto specs = Specs(n);
    for (auto& s : specs) {
      s.voter = !random.OneIn(0.3);
      s.bears_data = !random.OneIn(0.2);
    }
    p.Configure(specs, 0);
    p.SetSelf(P(static_cast<uint32_t>(random.Between(1, 6))), P(1));
    for (int i = 1; i < n; ++i) {
      p.Advance(i, P(static_cast<uint32_t>(random.Between(1, 6)), random.Between(0, 2)), P(1), 1);
    }
    const int count = static_cast<int>(random.Between(1, n));
    const OpTime reached = p.ReachedBy(count, Progress::Which::kWritten, true).optime;
    int at = 0;
    int above = 0;
    for (const auto& m : p.members()) {
      if (m.spec.voter && m.spec.bears_data) {
        at += m.written.optime >= reached ? 1 : 0;
        above += m.written.optime > reached ? 1 : 0;
      }
    }
    if (!reached.IsNull()) {
      EXPECT_GE(at, count);
      EXPECT_LT(above, count);
    }
  }
}

TEST(Progress, ReachedByTags) {
  Progress p;
  auto specs = Specs(4);
  specs[0].tags = {{"dc", "east"}, {"rack", "1"}};
  specs[1].tags = {{"dc", "east"}, {"rack", "2"}};
  specs[2].tags = {{"dc", "west"}};
  p.Configure(specs, 0);
  p.SetSelf(P(9), P(9));
  p.Advance(1, P(7), P(7), 1);
  p.Advance(2, P(4), P(4), 1);
  p.Advance(3, P(8), P(8), 1);
  using W = Progress::Which;
  EXPECT_EQ(p.ReachedByTags({{"dc", 1}}, W::kWritten), P(9).optime);
  EXPECT_EQ(p.ReachedByTags({{"dc", 2}}, W::kWritten), P(4).optime);
  EXPECT_EQ(p.ReachedByTags({{"rack", 2}}, W::kWritten), P(7).optime);
  EXPECT_EQ(p.ReachedByTags({{"rack", 2}, {"dc", 2}}, W::kWritten), P(4).optime);
  EXPECT_TRUE(p.ReachedByTags({{"dc", 3}}, W::kWritten).IsNull());
}

}  // namespace
}  // namespace septet::repl
