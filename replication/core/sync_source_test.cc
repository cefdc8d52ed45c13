// SPDX-License-Identifier: Apache-2.0
// The rules of replication.md 4.1, one test each.
#include "replication/core/sync_source.h"

#include <gtest/gtest.h>

namespace septet::repl {
namespace {

OpTime T(uint32_t secs, uint32_t inc = 1, int64_t term = 1) { return {{secs, inc}, term}; }

SourceCandidate C(int id, const OpTime& written, int ping) {
  SourceCandidate c;
  c.id = id;
  c.host = "h" + std::to_string(id);
  c.up = c.readable = true;
  c.written = written;
  c.ping_millis = ping;
  return c;
}

SourceQuery Q(std::vector<SourceCandidate> candidates) {
  SourceQuery q;
  q.candidates = std::move(candidates);
  q.self_host = "h0";
  q.written = T(100);
  return q;
}

TEST(SyncSource, TheClosestMemberThatIsAhead) {
  SourceQuery q = Q({C(1, T(101), 20), C(2, T(101), 10), C(3, T(100), 1)});
  EXPECT_EQ(ChooseSyncSource(q, {}), 2);
  q.candidates[1].up = false;
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
  q.candidates[0].readable = false;
  EXPECT_EQ(ChooseSyncSource(q, {}), std::nullopt);  // 3 is not ahead
}

TEST(SyncSource, EqualIsEnoughWithANewerCommitPointOrFromThePrimary) {
  SourceQuery q = Q({C(1, T(100), 1)});
  EXPECT_EQ(ChooseSyncSource(q, {}), std::nullopt);
  q.candidates[0].commit_point = T(90);
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
  q.commit_point = T(95);
  EXPECT_EQ(ChooseSyncSource(q, {}), std::nullopt);
  q.candidates[0].primary = true;
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
}

TEST(SyncSource, ANewerTermIsAheadWhateverItsTimestamp) {
  EXPECT_EQ(ChooseSyncSource(Q({C(1, T(50, 1, 2), 1)}), {}), 1);
}

TEST(SyncSource, PreferredFirstThenAnybody) {
  SourceQuery q = Q({C(1, T(101), 1), C(2, T(101), 50)});
  for (const auto& change : std::vector<void (*)(SourceCandidate*)>{
           [](SourceCandidate* c) { c->hidden = true; }, [](SourceCandidate* c) { c->voter = false; },
           [](SourceCandidate* c) { c->delay_secs = 5; }}) {
    SourceQuery changed = q;
    change(&changed.candidates[0]);
    EXPECT_EQ(ChooseSyncSource(changed, {}), 2);
    changed.candidates.pop_back();
    EXPECT_EQ(ChooseSyncSource(changed, {}), 1);  // better than none
  }
  q.candidates[0].builds_indexes = false;
  q.candidates.pop_back();
  EXPECT_EQ(ChooseSyncSource(q, {}), std::nullopt);  // never
}

TEST(SyncSource, NotTooFarBehindThePrimary) {
  SourceQuery q = Q({C(1, T(101), 1), C(2, T(140), 50)});
  q.candidates[1].primary = true;
  EXPECT_EQ(ChooseSyncSource(q, {}), 2);
  q.max_lag_secs = 60;
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
}

TEST(SyncSource, OnlyThePrimaryWithoutChaining) {
  SourceQuery q = Q({C(1, T(101), 1), C(2, T(100), 50)});
  q.chaining_allowed = false;
  q.candidates[1].primary = true;
  EXPECT_EQ(ChooseSyncSource(q, {}), 2);
  Denylist d;
  d.Add("h2", TimePoint(Millis(5)));
  EXPECT_EQ(ChooseSyncSource(q, d), std::nullopt);  // it will come back
  q.candidates[1].primary = false;                  // no primary at all: from anybody
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
  q.catching_up = true;  // a primary-elect may chain
  q.candidates[1].primary = false;
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
}

TEST(SyncSource, DeniedForAWhile) {
  Denylist d;
  SourceQuery q = Q({C(1, T(101), 1)});
  q.now = TimePoint(Millis(1000));
  d.Add("h1", TimePoint(Millis(1500)));
  EXPECT_EQ(ChooseSyncSource(q, d), std::nullopt);
  q.now = TimePoint(Millis(1500));
  EXPECT_EQ(ChooseSyncSource(q, d), 1);
}

TEST(SyncSource, CatchingUpBreaksCycles) {
  SourceQuery q = Q({C(1, T(100), 1)});
  q.catching_up = true;
  q.candidates[0].commit_point = T(99);
  q.candidates[0].syncing_from = "h0";
  EXPECT_EQ(ChooseSyncSource(q, {}), std::nullopt);
  q.candidates[0].written = T(101);  // it is ahead all the same
  EXPECT_EQ(ChooseSyncSource(q, {}), 1);
}

SourceChangeQuery Change(const std::string& host, const OpTime& written) {
  SourceChangeQuery c;
  c.current_host = host;
  c.source_written = written;
  c.source_syncs_from = "h9";
  return c;
}

TEST(SyncSource, StaysWithoutAReason) {
  const SourceQuery q = Q({C(1, T(101), 10), C(2, T(102), 8)});
  EXPECT_EQ(WhyChangeSource(q, Change("h1", T(101)), {}), "");
}

TEST(SyncSource, ReasonsToChange) {
  SourceQuery q = Q({C(1, T(101), 10), C(2, T(102), 8)});
  EXPECT_NE(WhyChangeSource(q, Change("gone", T(101)), {}), "");
  // The source has no source and nothing new.
  SourceChangeQuery dead_end = Change("h1", T(100));
  dead_end.source_syncs_from.clear();
  EXPECT_NE(WhyChangeSource(q, dead_end, {}), "");
  dead_end.source_is_primary = true;
  EXPECT_EQ(WhyChangeSource(q, dead_end, {}), "");
  // Another one is more than 30 s ahead of it.
  q.candidates[1].written = T(140);
  EXPECT_NE(WhyChangeSource(q, Change("h1", T(101)), {}), "");
  // A significantly closer one, at most three times an hour.
  q.candidates[1].written = T(102);
  q.candidates[1].ping_millis = 4;
  SourceChangeQuery closer = Change("h1", T(101));
  EXPECT_EQ(WhyChangeSource(q, closer, {}), kMuchCloser);
  closer.recent_changes = 3;
  EXPECT_EQ(WhyChangeSource(q, closer, {}), "");
  // Chaining was switched off.
  q.chaining_allowed = false;
  q.candidates[1].primary = true;
  EXPECT_NE(WhyChangeSource(q, Change("h1", T(101)), {}), "");
}

}  // namespace
}  // namespace septet::repl
