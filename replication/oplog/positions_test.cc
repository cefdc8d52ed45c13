// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/positions.h"

#include <gtest/gtest.h>

#include "storage/memory/memory_engine.h"

namespace septet::repl {
namespace {

using Which = Positions::Which;

OpTimeAndWall At(uint32_t secs, uint32_t inc, int64_t term = 1) {
  return {{{secs, inc}, term}, int64_t{secs} * 1000};
}

class PositionsTest : public ::testing::Test {
 protected:
  void Write(const OpTimeAndWall& p) {
    positions_.BeginWrite();
    auto batch = engine_.NewBatch();
    batch->Put(storage::Space::kRecords, "k", std::to_string(p.optime.ts.AsU64()));
    ASSERT_TRUE(engine_.Write(batch.get()).ok());
    positions_.SetWritten(p);
  }
  // What the committed snapshot sees.
  std::string Committed() {
    OpTime at;
    auto snapshot = positions_.CommittedSnapshot(&at);
    if (snapshot == nullptr) {
      return "";
    }
    storage::PinnedValue value;
    EXPECT_TRUE(*engine_.Get(storage::Space::kRecords, "k", snapshot.get(), &value));
    EXPECT_EQ(value.view(), std::to_string(at.ts.AsU64()));
    return std::string(value.view());
  }

  storage::MemoryEngine engine_;
  Positions positions_{&engine_};
};

TEST_F(PositionsTest, WaitersRunOnceWhenReached) {
  int written = 0;
  int durable = 0;
  positions_.WaitFor(Which::kWritten, At(10, 2).optime, [&] { ++written; });
  positions_.WaitForTimestamp(Which::kWritten, {10, 1}, [&] { written += 10; });
  positions_.WaitFor(Which::kDurable, At(10, 2).optime, [&] { ++durable; });
  Write(At(10, 1));
  EXPECT_EQ(written, 10);
  Write(At(10, 3));
  EXPECT_EQ(written, 11);
  EXPECT_EQ(durable, 0);
  positions_.SetDurable(At(10, 3));
  EXPECT_EQ(durable, 1);
  positions_.WaitFor(Which::kWritten, At(10, 3).optime, [&] { ++written; });  // at once
  EXPECT_EQ(written, 12);
  const auto id = positions_.WaitFor(Which::kWritten, At(11, 1).optime, [&] { ++written; });
  positions_.CancelWait(id);
  Write(At(12, 1));
  EXPECT_EQ(written, 12);
}

// A position of a newer term is behind one of an older term with a greater timestamp.
TEST_F(PositionsTest, TermsComeFirst) {
  int reached = 0;
  positions_.WaitFor(Which::kWritten, At(10, 1, 2).optime, [&] { ++reached; });
  Write(At(11, 1, 1));
  EXPECT_EQ(reached, 0);
  Write(At(12, 1, 2));
  EXPECT_EQ(reached, 1);
}

TEST_F(PositionsTest, CommittedSnapshotHoldsExactlyAPrefix) {
  EXPECT_EQ(positions_.CommittedSnapshot(nullptr), nullptr);
  Write(At(10, 1));
  int reached = 0;
  positions_.WaitFor(Which::kCommitted, At(10, 1).optime, [&] { ++reached; });
  Write(At(10, 2));
  Write(At(10, 3));
  EXPECT_EQ(Committed(), "");
  positions_.SetCommitPoint(At(10, 2));
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(Committed(), std::to_string(At(10, 2).optime.ts.AsU64()));
  positions_.SetCommitPoint(At(10, 1));  // never back
  EXPECT_EQ(positions_.commit_point(), At(10, 2));
  positions_.SetCommitPoint(At(10, 3));
  EXPECT_EQ(Committed(), std::to_string(At(10, 3).optime.ts.AsU64()));
}

// Somebody waits, but nothing more is written: the candidate is made for him.
TEST_F(PositionsTest, DemandMakesACandidateWithoutFurtherWrites) {
  Write(At(10, 1));
  Write(At(10, 2));  // within the interval: no candidate
  int reached = 0;
  positions_.WaitFor(Which::kCommitted, At(10, 2).optime, [&] { ++reached; });
  positions_.SetCommitPoint(At(10, 2));
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(Committed(), std::to_string(At(10, 2).optime.ts.AsU64()));
}

// The last write before a pause is seen by majority reads although no candidate was due.
TEST_F(PositionsTest, S08_028_AllCommittedIsASnapshot) {
  Write(At(10, 1));
  Write(At(10, 2));  // within the interval: no candidate
  positions_.SetCommitPoint(At(10, 2));
  EXPECT_EQ(Committed(), std::to_string(At(10, 2).optime.ts.AsU64()));
}

// The writer that will wait says so before its entry is committed; later entries need not be.
TEST_F(PositionsTest, WantedSnapshotIsThereWhenItsEntryIsCommitted) {
  Write(At(10, 1));
  Write(At(10, 2));  // within the interval: no candidate
  positions_.WantCommittedSnapshot(At(10, 2).optime);
  Write(At(10, 3));
  positions_.SetCommitPoint(At(10, 2));
  int reached = 0;
  positions_.WaitFor(Which::kCommitted, At(10, 2).optime, [&] { ++reached; });
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(Committed(), std::to_string(At(10, 2).optime.ts.AsU64()));
}

// While a write is on its way the engine may hold more than the position says.
TEST_F(PositionsTest, NoCandidateWhileWriting) {
  Write(At(10, 1));
  positions_.BeginWrite();
  auto batch = engine_.NewBatch();
  batch->Put(storage::Space::kRecords, "k", std::to_string(At(10, 2).optime.ts.AsU64()));
  ASSERT_TRUE(engine_.Write(batch.get()).ok());
  int reached = 0;
  positions_.WaitFor(Which::kCommitted, At(10, 1).optime, [&] { ++reached; });
  positions_.SetCommitPoint(At(10, 1));
  Committed();  // checks itself
  positions_.SetWritten(At(10, 2));
  positions_.SetCommitPoint(At(10, 2));
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(Committed(), std::to_string(At(10, 2).optime.ts.AsU64()));
}

TEST_F(PositionsTest, RollbackDropsUncommittedCandidates) {
  Write(At(10, 1));
  positions_.SetDurable(At(10, 1));
  positions_.SetCommitPoint(At(10, 1));
  Write(At(10, 2));
  positions_.SetDurable(At(10, 2));
  auto batch = engine_.NewBatch();
  batch->Put(storage::Space::kRecords, "k", std::to_string(At(10, 1).optime.ts.AsU64()));
  ASSERT_TRUE(engine_.Write(batch.get()).ok());
  positions_.ResetAfterRollback(At(10, 1));
  EXPECT_EQ(positions_.written(), At(10, 1));
  EXPECT_EQ(positions_.durable(), At(10, 1));
  Write(At(11, 1, 2));
  positions_.SetCommitPoint(At(11, 1, 2));
  EXPECT_EQ(Committed().substr(0, 1), "4");
}

TEST_F(PositionsTest, S06_4_HybridClock) {
  positions_.AdvanceClusterTime({100, 5});
  EXPECT_EQ(positions_.Tick(1, 90), (bson::Timestamp{100, 6}));  // the wall clock is behind
  EXPECT_EQ(positions_.Tick(3, 90), (bson::Timestamp{100, 7}));
  EXPECT_EQ(positions_.ClusterTime(), (bson::Timestamp{100, 9}));
  EXPECT_EQ(positions_.Tick(1, 101), (bson::Timestamp{101, 1}));
  positions_.AdvanceClusterTime({50, 1});
  EXPECT_EQ(positions_.ClusterTime(), (bson::Timestamp{101, 1}));
  positions_.AdvanceClusterTime({200, 0x7ffffffe});
  EXPECT_EQ(positions_.Tick(5, 101), (bson::Timestamp{201, 1}));  // increments stay below 2^31
}

}  // namespace
}  // namespace septet::repl
