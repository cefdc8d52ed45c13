// SPDX-License-Identifier: Apache-2.0
// S08-041: codes and texts as in the recorded answers (w: "nope").
#include "replication/core/write_concern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace septet::repl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

OpTimeAndWall P(uint32_t inc, int64_t term = 1) { return {{{1, inc}, term}, inc}; }

Progress Three() {
  Progress p;
  p.Configure({{0, "a", true, true, {{"dc", "e"}}},
               {1, "b", true, true, {{"dc", "w"}}},
               {2, "c", true, false, {}}},
              0);
  return p;
}

WriteConcern Number(int w, WriteConcern::Journal j = WriteConcern::Journal::kUnset) {
  return {WriteConcern::Kind::kNumber, w, "", j};
}
WriteConcern Mode(std::string name) {
  return {WriteConcern::Kind::kMode, 0, std::move(name), WriteConcern::Journal::kUnset};
}

std::vector<uint64_t> Take(WriteConcernQueue* q, const Progress& p, const OpTime& commit) {
  std::vector<uint64_t> done;
  q->TakeSatisfied(p, commit, &done);
  return done;
}

TEST(WriteConcernQueue, WhatCanNeverBeSatisfied) {
  WriteConcernQueue q;
  q.Configure({{"everywhere", {{"dc", 2}}}, {"too many", {{"dc", 3}}}}, true);
  const Progress p = Three();
  EXPECT_TRUE(q.CheckSatisfiable(Number(2), p).ok());
  const Status s = q.CheckSatisfiable(Number(3), p);  // the third member is an arbiter
  EXPECT_EQ(CodeOf(s), ErrorCode::kUnsatisfiableWriteConcern);
  EXPECT_EQ(TextOf(s), "Not enough data-bearing nodes");
  const Status unknown = q.CheckSatisfiable(Mode("nope"), p);
  EXPECT_EQ(CodeOf(unknown), ErrorCode::kUnknownReplWriteConcern);
  EXPECT_EQ(TextOf(unknown), "No write concern mode named 'nope' found in replica set configuration");
  EXPECT_TRUE(q.CheckSatisfiable(Mode("everywhere"), p).ok());
  EXPECT_EQ(CodeOf(q.CheckSatisfiable(Mode("too many"), p)), ErrorCode::kUnsatisfiableWriteConcern);
}

TEST(WriteConcernQueue, SatisfiesInOrderOfWhatIsReached) {
  WriteConcernQueue q;
  q.Configure({{"everywhere", {{"dc", 2}}}}, true);
  Progress p = Three();
  p.SetSelf(P(9), P(5));
  p.Advance(1, P(6), P(4), 1);
  q.Add(1, Number(1), P(9).optime);
  q.Add(2, Number(1, WriteConcern::Journal::kYes), P(9).optime);
  q.Add(3, Number(2), P(6).optime);
  q.Add(4, Number(2), P(7).optime);
  q.Add(5, WriteConcern{}, P(4).optime);
  q.Add(6, WriteConcern{}, P(5).optime);
  q.Add(7, Mode("everywhere"), P(6).optime);
  EXPECT_THAT(Take(&q, p, P(4).optime), UnorderedElementsAre(1, 3, 5, 7));
  EXPECT_EQ(q.size(), 3u);
  EXPECT_THAT(Take(&q, p, P(4).optime), IsEmpty());
  p.SetSelf(P(9), P(9));
  EXPECT_THAT(Take(&q, p, P(5).optime), UnorderedElementsAre(2, 6));
  q.Remove(4);
  q.Remove(4);
  EXPECT_EQ(q.size(), 0u);
}

TEST(WriteConcernQueue, APositionOfAnotherTermDoesNotCount) {
  WriteConcernQueue q;
  q.Configure({}, true);
  Progress p = Three();
  p.SetSelf(P(9, 3), P(9, 3));
  p.Advance(1, P(100, 2), P(100, 2), 2);  // far ahead, on an older branch
  q.Add(1, Number(2), P(9, 3).optime);
  EXPECT_THAT(Take(&q, p, {}), IsEmpty());
  std::vector<uint64_t> all;
  q.TakeAll(&all);
  EXPECT_THAT(all, ElementsAre(1));
}

TEST(WriteConcernQueue, MajorityWithoutJournalDefaultStillHonoursJ) {
  WriteConcernQueue q;
  q.Configure({}, /*majority_journal_default=*/false);
  Progress p = Three();
  p.SetSelf(P(9), P(3));
  p.Advance(1, P(9), P(2), 1);
  WriteConcern journaled;
  journaled.journal = WriteConcern::Journal::kYes;
  EXPECT_TRUE(q.IsSatisfied(WriteConcern{}, P(9).optime, p, P(9).optime));
  EXPECT_FALSE(q.IsSatisfied(journaled, P(9).optime, p, P(9).optime));
  EXPECT_TRUE(q.IsSatisfied(journaled, P(2).optime, p, P(9).optime));
}

}  // namespace
}  // namespace septet::repl
