// SPDX-License-Identifier: Apache-2.0
// What only the memory engine has: crashes, collection of old versions, a disk that is full.
#include "storage/memory/memory_engine.h"

#include <memory>
#include <set>
#include <string>

#include "gtest/gtest.h"

#include "base/strings.h"

namespace septet::storage {
namespace {

std::string Key(int n) { return StrCat("k", 1000 + n); }

void WriteNumber(Engine* engine, int n) {
  auto batch = engine->NewBatch();
  batch->Put(Space::kRecords, Key(n), StrCat(n));
  batch->Put(Space::kOplog, Key(n), "");
  batch->Put(Space::kCatalog, "last", StrCat(n));
  ASSERT_TRUE(engine->Write(batch.get()).ok());
}

std::string Last(Engine* engine) {
  PinnedValue value;
  return engine->Get(Space::kCatalog, "last", nullptr, &value).value() ? std::string(value.view())
                                                                       : "-";
}

int Count(Engine* engine, Space space) {
  auto cursor = engine->NewCursor(space, nullptr, {});
  int count = 0;
  for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
    EXPECT_EQ(cursor->key(), Key(count));
    ++count;
  }
  return count;
}

TEST(MemoryEngineTest, CrashKeepsAPrefixBehindTheLastSync) {
  Random random(3);
  MemoryEngine engine;
  std::set<int> seen;
  int count = 0;
  for (int round = 0; round < 200; ++round) {
    int synced = count;
    for (int i = 0; i < 6; ++i) {
      WriteNumber(&engine, count++);
      if (i == 2) {
        ASSERT_TRUE(engine.Sync().ok());
        synced = count;
      }
    }
    engine.Crash(&random);
    const int left = Count(&engine, Space::kRecords);
    EXPECT_GE(left, synced);
    EXPECT_LE(left, count);
    EXPECT_EQ(Count(&engine, Space::kOplog), left);
    EXPECT_EQ(Last(&engine), StrCat(left - 1));
    seen.insert(left - synced);
    count = left;
  }
  EXPECT_EQ(seen, (std::set<int>{0, 1, 2, 3}));  // every prefix is possible
}

TEST(MemoryEngineTest, CrashBringsOverwrittenAndDeletedValuesBack) {
  MemoryEngine engine;
  auto batch = engine.NewBatch();
  batch->Put(Space::kRecords, "a", "old");
  batch->Put(Space::kRecords, "b", "old");
  ASSERT_TRUE(engine.Write(batch.get()).ok());
  ASSERT_TRUE(engine.Sync().ok());
  batch->Clear();
  batch->Put(Space::kRecords, "a", "new");
  batch->DeleteRange(Space::kRecords, "b", "c");
  batch->Put(Space::kRecords, "d", "new");
  ASSERT_TRUE(engine.Write(batch.get()).ok());
  Random random(1);
  while (engine.last_sequence() != engine.synced_sequence()) {
    engine.Crash(&random);
  }
  PinnedValue value;
  const bool kept = engine.Get(Space::kRecords, "d", nullptr, &value).value();
  ASSERT_TRUE(engine.Get(Space::kRecords, "a", nullptr, &value).value());
  EXPECT_EQ(value.view(), kept ? "new" : "old");
  EXPECT_EQ(engine.Get(Space::kRecords, "b", nullptr, &value).value(), !kept);
}

TEST(MemoryEngineTest, OldVersionsAreCollected) {
  MemoryEngine engine;
  for (int i = 0; i < 1000; ++i) {
    WriteNumber(&engine, 0);
    ASSERT_TRUE(engine.Sync().ok());
  }
  EXPECT_LE(engine.version_count(), 6u);
  auto snapshot = engine.GetSnapshot();
  for (int i = 0; i < 100; ++i) {
    WriteNumber(&engine, 0);
    ASSERT_TRUE(engine.Sync().ok());
  }
  EXPECT_LE(engine.version_count(), 9u);  // what the snapshot sees and the newest
  snapshot.reset();
  ASSERT_TRUE(engine.Sync().ok());
  EXPECT_LE(engine.version_count(), 3u);
  auto batch = engine.NewBatch();
  batch->Delete(Space::kRecords, Key(0));
  batch->Delete(Space::kOplog, Key(0));
  batch->Delete(Space::kCatalog, "last");
  ASSERT_TRUE(engine.Write(batch.get()).ok());
  ASSERT_TRUE(engine.Sync().ok());
  EXPECT_EQ(engine.version_count(), 0u);
}

TEST(MemoryEngineTest, FullDiskRefusesWritesAndServesReads) {
  MemoryEngine engine;
  WriteNumber(&engine, 0);
  engine.SetDiskFull(true);
  auto batch = engine.NewBatch();
  batch->Put(Space::kRecords, "a", "1");
  EXPECT_EQ(CodeOf(engine.Write(batch.get())), ErrorCode::kOutOfDiskSpace);
  EXPECT_EQ(CodeOf(engine.Health()), ErrorCode::kOutOfDiskSpace);
  EXPECT_EQ(Last(&engine), "0");
  engine.SetDiskFull(false);
  EXPECT_TRUE(engine.Write(batch.get()).ok());
  EXPECT_TRUE(engine.Health().ok());
}

TEST(MemoryEngineTest, CheckpointIsAClearError) {
  MemoryEngine engine;
  EXPECT_EQ(CodeOf(engine.Checkpoint("/nowhere")), ErrorCode::kCommandNotSupported);
}

}  // namespace
}  // namespace septet::storage
