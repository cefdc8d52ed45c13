// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/sequencer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "bson/builder.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/undo.h"
#include "storage/memory/memory_engine.h"

namespace septet::repl {
namespace {

using storage::Space;

class TestUnit final : public CommitUnit {
 public:
  TestUnit(storage::Engine* engine, std::string name, int entries_wanted)
      : owned_(engine->NewBatch()), name_(std::move(name)) {
    batch = owned_.get();
    batch->Put(Space::kRecords, name_, "x");
    for (int i = 0; i < entries_wanted; ++i) {
      EntryFields fields;
      fields.op = 'i';
      fields.ns = "a.b";
      const std::string o = bson::MakeDoc("_id", name_, "i", i);
      fields.o = bson::DocView(o);
      BuildEntry(fields, &entries.emplace_back().bytes);
    }
  }
  void OnSequenced(const std::vector<OpTime>& optimes, int64_t, storage::WriteBatch* out) override {
    sequenced = optimes;
    out->Put(Space::kCatalog, "z" + name_, "y");
  }
  void OnWritten() override { written = true; }
  void OnAborted() override { aborted = true; }

  std::vector<OpTime> sequenced;
  bool written = false;
  bool aborted = false;

 private:
  std::unique_ptr<storage::WriteBatch> owned_;
  const std::string name_;
};

struct Log {
  std::vector<OpTimeAndWall> positions;
};

Log ReadLog(storage::Engine* engine) {
  Log out;
  auto cursor = engine->NewCursor(Space::kOplog, nullptr, {});
  for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
    out.positions.push_back(EntryOpTimeAndWall(bson::DocView(cursor->value())));
    EXPECT_EQ(TimestampOfKey(cursor->key()), out.positions.back().optime.ts);
  }
  return out;
}

class SequencerTest : public ::testing::Test {
 protected:
  SequencerTest() { Start(); }
  void Start() {
    positions_ = std::make_unique<Positions>(&engine_);
    Sequencer::Options options;
    options.oplog_chunk_bytes = 1000;
    sequencer_ = std::make_unique<Sequencer>(&engine_, positions_.get(), options);
    ASSERT_TRUE(sequencer_->Load().ok());
  }
  void Stop() {
    sequencer_.reset();
    positions_.reset();
  }
  StatusOr<OpTime> Commit(const std::string& name, int entries) {
    TestUnit unit(&engine_, name, entries);
    return sequencer_->Commit(&unit);
  }

  storage::MemoryEngine engine_;
  std::unique_ptr<Positions> positions_;
  std::unique_ptr<Sequencer> sequencer_;
};

TEST_F(SequencerTest, EntriesGetPositionsInOrder) {
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 3);
  TestUnit unit(&engine_, "u", 3);
  const auto optime = sequencer_->Commit(&unit);
  ASSERT_TRUE(optime.ok());
  EXPECT_TRUE(unit.written && !unit.aborted);
  ASSERT_EQ(unit.sequenced.size(), 3u);
  EXPECT_EQ(*optime, unit.sequenced.back());
  EXPECT_EQ(optime->term, 3);
  const Log log = ReadLog(&engine_);
  ASSERT_EQ(log.positions.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(log.positions[i].optime, unit.sequenced[i]);
    EXPECT_GT(log.positions[i].wall_millis, 0);
  }
  EXPECT_EQ(positions_->written().optime, *optime);
  EXPECT_EQ(sequencer_->oplog().count(), 3);
  // A change that is not replicated has no position.
  EXPECT_TRUE(Commit("local", 0)->IsNull());
  EXPECT_EQ(positions_->written().optime, *optime);
}

TEST_F(SequencerTest, ModesDecideWhoMayWrite) {
  EXPECT_EQ(Commit("standalone", 0)->term, kUninitializedTerm);
  sequencer_->SetMode(Sequencer::Mode::kFollower, 1);
  EXPECT_EQ(CodeOf(Commit("a", 1).status()), ErrorCode::kNotWritablePrimary);
  EXPECT_TRUE(Commit("local", 0).ok());
  TestUnit early(&engine_, "early", 1);
  early.epoch = sequencer_->epoch();
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 2);
  EXPECT_EQ(CodeOf(sequencer_->Commit(&early).status()),
            ErrorCode::kInterruptedDueToReplStateChange);
  EXPECT_TRUE(Commit("b", 1).ok());
  EXPECT_EQ(ReadLog(&engine_).positions.size(), 1u);
}

TEST_F(SequencerTest, FailedWriteIsTakenBack) {
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 1);
  ASSERT_TRUE(Commit("a", 1).ok());
  const OpTime before = positions_->written().optime;
  engine_.SetDiskFull(true);
  TestUnit unit(&engine_, "b", 2);
  EXPECT_EQ(CodeOf(sequencer_->Commit(&unit).status()), ErrorCode::kOutOfDiskSpace);
  EXPECT_TRUE(unit.aborted && !unit.written);
  EXPECT_EQ(positions_->written().optime, before);
  EXPECT_EQ(sequencer_->oplog().count(), 1);
  engine_.SetDiskFull(false);
  ASSERT_TRUE(Commit("c", 1).ok());
  EXPECT_EQ(sequencer_->oplog().count(), 2);
}

TEST_F(SequencerTest, ThreadsAndModeChangesLeaveAnOrderedLogWithoutForeignTerms) {
  constexpr int kThreads = 4;
  constexpr int kUnits = 200;
  std::atomic<bool> stop{false};
  std::atomic<int> committed{0};
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kUnits; ++i) {
        const int entries = 1 + i % 3;
        const auto optime = Commit(std::to_string(t) + "." + std::to_string(i), entries);
        if (optime.ok()) {
          committed += entries;
        } else {
          EXPECT_EQ(CodeOf(optime.status()), ErrorCode::kNotWritablePrimary);
        }
      }
    });
  }
  std::thread modes([&] {
    int64_t term = 1;
    while (!stop) {
      sequencer_->SetMode(Sequencer::Mode::kFollower, term);
      // Nothing of the old term may appear from now on.
      const OpTime at = positions_->written().optime;
      std::this_thread::yield();
      EXPECT_EQ(positions_->written().optime, at);
      ++term;
      sequencer_->SetMode(Sequencer::Mode::kPrimary, term);
      std::this_thread::yield();
    }
  });
  for (std::thread& t : threads) {
    t.join();
  }
  stop = true;
  modes.join();
  const Log log = ReadLog(&engine_);
  EXPECT_EQ(static_cast<int>(log.positions.size()), committed.load());
  EXPECT_EQ(sequencer_->oplog().count(), committed.load());
  for (size_t i = 1; i < log.positions.size(); ++i) {
    EXPECT_LT(log.positions[i - 1].optime, log.positions[i].optime);
    EXPECT_LT(log.positions[i - 1].optime.ts, log.positions[i].optime.ts);
    EXPECT_LE(log.positions[i - 1].wall_millis, log.positions[i].wall_millis);
  }
}

TEST_F(SequencerTest, EverySnapshotIsAPrefix) {
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 1);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      auto snapshot = engine_.GetSnapshot();
      auto cursor = engine_.NewCursor(Space::kOplog, snapshot, {});
      int entries = 0;
      for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
        // The data of each entry is there with it.
        const std::string id(
            bson::DocView(cursor->value()).Find("o").AsDoc().Find("_id").AsString());
        storage::PinnedValue value;
        EXPECT_TRUE(*engine_.Get(Space::kRecords, id, snapshot.get(), &value));
        ++entries;
      }
      EXPECT_EQ(entries % 2, 0);
    }
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Commit("u" + std::to_string(i), 2).ok());
  }
  stop = true;
  reader.join();
}

TEST_F(SequencerTest, DurablePositionFollowsSync) {
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 1);
  const OpTime optime = *Commit("a", 1);
  std::atomic<bool> durable{false};
  absl::Notification done;
  positions_->WaitFor(Positions::Which::kDurable, optime, [&] {
    durable = true;
    done.Notify();
  });
  sequencer_->RequestSync();
  done.WaitForNotification();
  EXPECT_GE(engine_.synced_sequence(), 1u);
  EXPECT_EQ(positions_->durable().optime, optime);
  Random random(1);
  Stop();
  engine_.Crash(&random);
  Start();
  EXPECT_EQ(positions_->written().optime, optime);
  EXPECT_EQ(positions_->durable().optime, optime);
  EXPECT_EQ(sequencer_->oplog().count(), 1);
  // Time goes on behind what was seen before.
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 2);
  EXPECT_GT(Commit("b", 1)->ts, optime.ts);
}

TEST_F(SequencerTest, ApplyBatchKeepsOrder) {
  sequencer_->SetMode(Sequencer::Mode::kFollower, 1);
  const auto make = [](uint32_t inc) {
    EntryFields fields;
    fields.ns = "";
    std::string bytes;
    BuildEntry(fields, &bytes);
    StampEntry(&bytes, OpTime{{100, inc}, 5}, 1234);
    return bytes;
  };
  auto batch = engine_.NewBatch();
  ASSERT_TRUE(sequencer_->ApplyBatch(batch.get(), {make(1), make(2)}, {"", "U"}).ok());
  EXPECT_EQ(positions_->written(), (OpTimeAndWall{{{100, 2}, 5}, 1234}));
  storage::PinnedValue value;
  EXPECT_TRUE(*engine_.Get(Space::kUndo, OplogKey({100, 2}), nullptr, &value));
  batch->Clear();
  EXPECT_EQ(CodeOf(sequencer_->ApplyBatch(batch.get(), {make(2)}, {})),
            ErrorCode::kOplogOutOfOrder);
  EXPECT_GE(positions_->ClusterTime(), (bson::Timestamp{100, 2}));
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 6);
  batch->Clear();
  EXPECT_FALSE(sequencer_->ApplyBatch(batch.get(), {make(3)}, {}).ok());
}

TEST_F(SequencerTest, S08_066_OplogFrontGoesInChunks) {
  sequencer_->SetMode(Sequencer::Mode::kPrimary, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Commit("u" + std::to_string(i), 1).ok());
  }
  const int64_t bytes = sequencer_->oplog().bytes();
  OplogBook::CutLimits limits;
  limits.max_bytes = bytes / 2;
  limits.now_secs = 4'000'000'000;
  limits.min_retention_secs = 3'999'999'999;
  EXPECT_FALSE(*sequencer_->TruncateOplog(limits));  // too young
  limits.min_retention_secs = 0;
  limits.keep_from = {1, 1};
  EXPECT_FALSE(*sequencer_->TruncateOplog(limits));  // held
  limits.keep_from = {};
  EXPECT_TRUE(*sequencer_->TruncateOplog(limits));
  EXPECT_LE(sequencer_->oplog().bytes(), bytes / 2 + 1500);
  EXPECT_GE(sequencer_->oplog().bytes(), bytes / 2);
  const Log log = ReadLog(&engine_);
  EXPECT_EQ(static_cast<int64_t>(log.positions.size()), sequencer_->oplog().count());
  const auto oldest = OldestEntry(&engine_, sequencer_->oplog().first());
  EXPECT_EQ(oldest->optime, log.positions.front().optime);
  const int64_t count = sequencer_->oplog().count();
  const int64_t left = sequencer_->oplog().bytes();
  Stop();
  Start();
  EXPECT_EQ(sequencer_->oplog().count(), count);
  EXPECT_EQ(sequencer_->oplog().bytes(), left);
}

TEST(EntryTest, S08_058_FieldsAndStamps) {
  EntryFields fields;
  fields.op = 'u';
  fields.ns = "db.c";
  const uint8_t uuid[16] = {1, 2, 3};
  fields.uuid = uuid;
  const std::string o = bson::MakeDoc("$v", 2);
  const std::string o2 = bson::MakeDoc("_id", 7);
  const std::string lsid = bson::MakeDoc("id", 1);
  fields.o = bson::DocView(o);
  fields.o2 = o2;
  fields.lsid = lsid;
  fields.txn_number = 9;
  fields.stmt_id = 4;
  fields.prev = {{1, 2}, 3};
  std::string bytes;
  BuildEntry(fields, &bytes);
  AppendRetryImage(&bytes, true);
  StampEntry(&bytes, {{50, 60}, 70}, 80);
  auto entry = ParseEntry(bson::DocView(bytes));
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->optime, (OpTime{{50, 60}, 70}));
  EXPECT_EQ(entry->wall_millis, 80);
  EXPECT_EQ(entry->op, 'u');
  EXPECT_EQ(entry->prev, (OpTime{{1, 2}, 3}));
  EXPECT_EQ(entry->txn_number, 9);
  EXPECT_EQ(entry->stmt_ids, std::vector<int32_t>{4});
  EXPECT_EQ(entry->retry_image, "postImage");
  StampPrevious(&bytes, {{4, 5}, 6});
  entry = ParseEntry(bson::DocView(bytes));
  EXPECT_EQ(entry->prev, (OpTime{{4, 5}, 6}));
  EXPECT_EQ(entry->o2.AsDoc().Find("_id").AsInt32(), 7);
  EXPECT_EQ(bson::DocView(bytes).Find("v").AsInt64(), 2);
}

TEST(UndoTest, RoundTrip) {
  UndoRecord record;
  const std::string doc = bson::MakeDoc("_id", 1);
  record.rid = 77;
  record.document = doc;
  record.has_session = true;  // there was none
  std::string bytes;
  EncodeUndo(record, &bytes);
  UndoRecord image;
  image.has_image = true;
  image.image = doc;
  EncodeUndo(image, &bytes);
  const auto decoded = DecodeUndo(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->rid, 77);
  EXPECT_EQ(decoded->document, doc);
  EXPECT_TRUE(decoded->has_session && decoded->session.empty());
  EXPECT_EQ(decoded->image, doc);
  EXPECT_FALSE(DecodeUndo("R123").ok());
  EXPECT_FALSE(DecodeUndo("Q").ok());
}

}  // namespace
}  // namespace septet::repl
