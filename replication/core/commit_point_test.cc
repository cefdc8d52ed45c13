// SPDX-License-Identifier: Apache-2.0
// The three rules of replication.md 6.1 by which a commit point may be taken over, and the leader's.
#include "replication/core/commit_point.h"

#include <gtest/gtest.h>

namespace septet::repl {
namespace {

OpTimeAndWall P(uint32_t inc, int64_t term) { return {{{1, inc}, term}, inc}; }
using W = Progress::Which;

Progress ThreeAt(const OpTimeAndWall& a, const OpTimeAndWall& b, const OpTimeAndWall& c) {
  Progress p;
  p.Configure({{0, "a", true, true, {}}, {1, "b", true, true, {}}, {2, "c", true, true, {}}}, 0);
  p.SetSelf(a, a);
  p.Advance(1, b, b, 0);
  p.Advance(2, c, c, 0);
  return p;
}

TEST(CommitPoint, LeaderCommitsOnlyItsOwnTerm) {
  CommitPoint c;
  c.OnElected();
  Progress p = ThreeAt(P(5, 1), P(5, 1), P(5, 1));
  EXPECT_FALSE(c.AdvanceAsLeader(p, W::kDurable));  // nothing written in term 2 yet
  c.OnWritable(P(6, 2).optime);
  EXPECT_FALSE(c.AdvanceAsLeader(p, W::kDurable));  // on all members, but of an older term
  p.SetSelf(P(6, 2), P(6, 2));
  EXPECT_FALSE(c.AdvanceAsLeader(p, W::kDurable));
  p.Advance(2, P(6, 2), P(5, 1), 2);
  EXPECT_FALSE(c.AdvanceAsLeader(p, W::kDurable));  // written, not durable
  EXPECT_TRUE(c.AdvanceAsLeader(p, W::kWritten));
  EXPECT_EQ(c.value(), P(6, 2));
  EXPECT_FALSE(c.AdvanceAsLeader(p, W::kWritten));  // nothing moved
}

TEST(CommitPoint, FromTheSyncSource) {
  CommitPoint c;
  // Same term as my newest entry: as it is, also beyond my log.
  EXPECT_TRUE(c.LearnFromSyncSource(P(9, 2), P(7, 2)));
  EXPECT_EQ(c.value(), P(9, 2));
  // Newer term: no further than my log.
  EXPECT_FALSE(c.LearnFromSyncSource(P(20, 3), P(8, 2)));
  EXPECT_EQ(c.value(), P(9, 2));
  EXPECT_TRUE(c.LearnFromSyncSource(P(20, 3), P(12, 2)));
  EXPECT_EQ(c.value(), P(12, 2));
  // Older term than my newest entry: a leader of my term had it.
  EXPECT_TRUE(c.LearnFromSyncSource(P(14, 2), P(30, 4)));
  EXPECT_EQ(c.value(), P(14, 2));
}

TEST(CommitPoint, FromAHeartbeatOnlyOnTheSameBranch) {
  CommitPoint c;
  EXPECT_FALSE(c.LearnFromHeartbeat(P(9, 2), P(12, 1).optime));
  EXPECT_FALSE(c.LearnFromHeartbeat(P(9, 2), P(12, 3).optime));
  EXPECT_TRUE(c.LearnFromHeartbeat(P(9, 2), P(5, 2).optime));
}

TEST(CommitPoint, NeverGoesBack) {
  CommitPoint c;
  EXPECT_TRUE(c.LearnAsArbiter(P(9, 2)));
  EXPECT_FALSE(c.LearnAsArbiter(P(8, 2)));
  EXPECT_FALSE(c.LearnAsArbiter(P(100, 1)));
  EXPECT_FALSE(c.LearnAsArbiter({}));
  EXPECT_EQ(c.value(), P(9, 2));
}

}  // namespace
}  // namespace septet::repl
