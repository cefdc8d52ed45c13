// SPDX-License-Identifier: Apache-2.0
// What every Engine must do (storage/engine.h), run over each implementation.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/random.h"
#include "base/strings.h"
#include "storage/engine.h"
#include "storage/testing/temp_directory.h"

namespace septet::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Engine>(const std::string& directory)> open;
};

std::unique_ptr<Engine> OpenRocks(const std::string& directory) {
  EngineOptions options;
  options.path = directory;
  options.cache_bytes = 8 << 20;
  options.memtable_bytes = 1 << 20;
  auto engine = OpenRocksEngine(options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return std::move(engine).value();
}

class EngineContract : public ::testing::TestWithParam<Implementation> {
 protected:
  EngineContract() : engine_(GetParam().open(directory_.path())) {}

  void Put(Space space, std::string_view key, std::string_view value) {
    auto batch = engine_->NewBatch();
    batch->Put(space, key, value);
    ASSERT_TRUE(engine_->Write(batch.get()).ok());
  }
  void Delete(Space space, std::string_view key) {
    auto batch = engine_->NewBatch();
    batch->Delete(space, key);
    ASSERT_TRUE(engine_->Write(batch.get()).ok());
  }
  // "-" for an absent key.
  std::string Get(Space space, std::string_view key, const Snapshot* snapshot = nullptr) {
    PinnedValue value;
    auto found = engine_->Get(space, key, snapshot, &value);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found ? std::string(value.view()) : "-";
  }
  std::vector<std::string> Scan(Space space, std::shared_ptr<const Snapshot> snapshot = nullptr,
                                const CursorOptions& options = {}) {
    std::vector<std::string> rows;
    auto cursor = engine_->NewCursor(space, std::move(snapshot), options);
    for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
      rows.push_back(StrCat(cursor->key(), "=", cursor->value()));
    }
    EXPECT_TRUE(cursor->status().ok());
    return rows;
  }

  TempDirectory directory_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(EngineContract, ReadsWhatWasWrittenInItsSpaceOnly) {
  Put(Space::kRecords, "a", "1");
  EXPECT_EQ(Get(Space::kRecords, "a"), "1");
  EXPECT_EQ(Get(Space::kIndexes, "a"), "-");
  Put(Space::kRecords, "a", "2");
  EXPECT_EQ(Get(Space::kRecords, "a"), "2");
  Delete(Space::kRecords, "a");
  EXPECT_EQ(Get(Space::kRecords, "a"), "-");
}

TEST_P(EngineContract, EveryByteAndEmptyValuesAreKept) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
  }
  Put(Space::kRecords, bytes, bytes);
  Put(Space::kRecords, "empty", "");
  EXPECT_EQ(Get(Space::kRecords, bytes), bytes);
  EXPECT_EQ(Get(Space::kRecords, "empty"), "");
  const std::string big(3 << 20, 'x');
  Put(Space::kRecords, "big", big);
  EXPECT_EQ(Get(Space::kRecords, "big"), big);
}

TEST_P(EngineContract, BatchAppliesInOrderAcrossSpaces) {
  auto batch = engine_->NewBatch();
  batch->Put(Space::kRecords, "a", "1");
  batch->Put(Space::kRecords, "b", "1");
  batch->Put(Space::kRecords, "c", "1");
  batch->DeleteRange(Space::kRecords, "a", "c");
  batch->Put(Space::kRecords, "b", "2");
  batch->Put(Space::kIndexes, "i", "b");
  batch->Put(Space::kOplog, "1", "op");
  batch->Delete(Space::kIndexes, "nothing");
  EXPECT_EQ(batch->count(), 8);
  EXPECT_GT(batch->size_bytes(), 0u);
  ASSERT_TRUE(engine_->Write(batch.get()).ok());
  EXPECT_THAT(Scan(Space::kRecords), ElementsAre("b=2", "c=1"));
  EXPECT_THAT(Scan(Space::kIndexes), ElementsAre("i=b"));
  EXPECT_THAT(Scan(Space::kOplog), ElementsAre("1=op"));
  EXPECT_THAT(Scan(Space::kUndo), IsEmpty());
}

TEST_P(EngineContract, BatchesAppendClearAndAreReusable) {
  auto first = engine_->NewBatch();
  auto second = engine_->NewBatch();
  first->Put(Space::kRecords, "a", "1");
  second->Delete(Space::kRecords, "a");
  second->Put(Space::kCatalog, "b", "2");
  second->DeleteRange(Space::kUndo, "a", "z");
  first->Append(*second);
  EXPECT_EQ(first->count(), 4);
  ASSERT_TRUE(engine_->Write(first.get()).ok());
  EXPECT_EQ(Get(Space::kRecords, "a"), "-");
  EXPECT_EQ(Get(Space::kCatalog, "b"), "2");
  first->Clear();
  EXPECT_EQ(first->count(), 0);
  first->Put(Space::kRecords, "c", "3");
  ASSERT_TRUE(engine_->Write(first.get()).ok());
  EXPECT_THAT(Scan(Space::kRecords), ElementsAre("c=3"));
}

TEST_P(EngineContract, EmptyAndInvertedRangesRemoveNothing) {
  Put(Space::kRecords, "b", "1");
  auto batch = engine_->NewBatch();
  batch->DeleteRange(Space::kRecords, "b", "b");
  batch->DeleteRange(Space::kRecords, "c", "a");
  ASSERT_TRUE(engine_->Write(batch.get()).ok());
  EXPECT_TRUE(engine_->DropRange(Space::kRecords, "c", "a").ok());
  EXPECT_EQ(Get(Space::kRecords, "b"), "1");
}

TEST_P(EngineContract, SnapshotIsAStablePrefix) {
  Put(Space::kRecords, "a", "1");
  Put(Space::kRecords, "b", "1");
  auto early = engine_->GetSnapshot();
  Put(Space::kRecords, "a", "2");
  Delete(Space::kRecords, "b");
  Put(Space::kRecords, "c", "1");
  auto late = engine_->GetSnapshot();
  auto batch = engine_->NewBatch();
  batch->DeleteRange(Space::kRecords, "a", "z");
  ASSERT_TRUE(engine_->Write(batch.get()).ok());
  ASSERT_TRUE(engine_->Flush().ok());

  EXPECT_LT(early->sequence(), late->sequence());
  EXPECT_LT(late->sequence(), engine_->GetSnapshot()->sequence());
  EXPECT_THAT(Scan(Space::kRecords, early), ElementsAre("a=1", "b=1"));
  EXPECT_THAT(Scan(Space::kRecords, late), ElementsAre("a=2", "c=1"));
  EXPECT_THAT(Scan(Space::kRecords), IsEmpty());
  EXPECT_EQ(Get(Space::kRecords, "b", early.get()), "1");
  EXPECT_EQ(Get(Space::kRecords, "b", late.get()), "-");
  early.reset();
  EXPECT_THAT(Scan(Space::kRecords, late), ElementsAre("a=2", "c=1"));
}

TEST_P(EngineContract, CursorKeepsTheStateOfItsCreation) {
  Put(Space::kRecords, "a", "1");
  Put(Space::kRecords, "c", "1");
  auto cursor = engine_->NewCursor(Space::kRecords, nullptr, {});
  cursor->SeekToFirst();
  Put(Space::kRecords, "b", "1");
  Put(Space::kRecords, "c", "2");
  Delete(Space::kRecords, "a");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "a");
  cursor->Next();
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "c");
  EXPECT_EQ(cursor->value(), "1");
  cursor->Next();
  EXPECT_FALSE(cursor->valid());
}

TEST_P(EngineContract, CursorHoldsItsSnapshotAlive) {
  Put(Space::kRecords, "a", "1");
  auto snapshot = engine_->GetSnapshot();
  auto cursor = engine_->NewCursor(Space::kRecords, snapshot, {});
  snapshot.reset();
  Put(Space::kRecords, "a", "2");
  cursor->SeekToFirst();
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->value(), "1");
}

TEST_P(EngineContract, CursorMovesBothWaysInsideBounds) {
  for (const char* key : {"a", "b", "d", "f", "g"}) {
    Put(Space::kIndexes, key, key);
  }
  Delete(Space::kIndexes, "b");
  CursorOptions bounds;
  bounds.lower = "b";
  bounds.upper = "g";
  auto cursor = engine_->NewCursor(Space::kIndexes, nullptr, bounds);
  EXPECT_FALSE(cursor->valid());
  cursor->SeekToFirst();
  EXPECT_EQ(cursor->key(), "d");
  cursor->Prev();
  EXPECT_FALSE(cursor->valid());
  cursor->SeekToLast();
  EXPECT_EQ(cursor->key(), "f");
  cursor->Next();
  EXPECT_FALSE(cursor->valid());
  cursor->Seek("a");  // below the lower bound
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "d");
  cursor->Seek("e");
  EXPECT_EQ(cursor->key(), "f");
  cursor->Prev();
  EXPECT_EQ(cursor->key(), "d");
  cursor->Seek("g");
  EXPECT_FALSE(cursor->valid());
  cursor->SeekForPrev("e");
  EXPECT_EQ(cursor->key(), "d");
  cursor->SeekForPrev("f");
  EXPECT_EQ(cursor->key(), "f");
  cursor->SeekForPrev("z");  // above the upper bound
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "f");
  cursor->SeekForPrev("c");
  EXPECT_FALSE(cursor->valid());
  EXPECT_TRUE(cursor->status().ok());
}

TEST_P(EngineContract, MultiGetAnswersEachKey) {
  std::vector<std::string> keys;
  for (int i = 1000; i < 1300; ++i) {
    keys.push_back(StrCat("k", i));
    if (i % 3 != 0) {
      Put(Space::kRecords, keys.back(), StrCat("v", i));
    }
    if (i == 1150) {
      ASSERT_TRUE(engine_->Flush().ok());
    }
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<PinnedValue> values;
  std::vector<char> found;
  for (int round = 0; round < 2; ++round) {  // the second round reuses the values
    ASSERT_TRUE(engine_->MultiGet(Space::kRecords, views, nullptr, &values, &found).ok());
    ASSERT_EQ(values.size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(found[i] != 0, (1000 + i) % 3 != 0) << keys[i];
      if (found[i]) {
        EXPECT_EQ(values[i].view(), StrCat("v", 1000 + i));
      }
    }
  }
  auto snapshot = engine_->GetSnapshot();
  Put(Space::kRecords, "k1000", "new");
  ASSERT_TRUE(
      engine_->MultiGet(Space::kRecords, {"k1000", "k1001"}, snapshot.get(), &values, &found).ok());
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].view(), "v1000");
  EXPECT_EQ(values[1].view(), "v1001");
  ASSERT_TRUE(engine_->MultiGet(Space::kRecords, {}, nullptr, &values, &found).ok());
  EXPECT_TRUE(values.empty());
}

TEST_P(EngineContract, PinnedValueOutlivesOverwriteAndMoves) {
  Put(Space::kRecords, "a", "one");
  PinnedValue value;
  ASSERT_TRUE(engine_->Get(Space::kRecords, "a", nullptr, &value).value());
  Put(Space::kRecords, "a", "two");
  PinnedValue moved = std::move(value);
  EXPECT_EQ(moved.view(), "one");
  ASSERT_TRUE(engine_->Get(Space::kRecords, "a", nullptr, &moved).value());
  EXPECT_EQ(moved.view(), "two");
  moved.Reset();
  EXPECT_TRUE(moved.view().empty());
  EXPECT_FALSE(engine_->Get(Space::kRecords, "b", nullptr, &moved).value());
  EXPECT_TRUE(moved.view().empty());
}

TEST_P(EngineContract, DropRangeRemovesOldKeysAndTakesNewOnes) {
  const std::string value(1000, 'v');
  for (int i = 0; i < 3000; ++i) {
    Put(Space::kOplog, StrCat("k", 10000 + i), value);
  }
  ASSERT_TRUE(engine_->Flush().ok());
  EXPECT_GT(engine_->ApproximateSize(Space::kOplog, "k10000", "k12000"), 0u);
  ASSERT_TRUE(engine_->DropRange(Space::kOplog, "k10000", "k12000").ok());
  EXPECT_EQ(Get(Space::kOplog, "k11999"), "-");
  EXPECT_EQ(Get(Space::kOplog, "k12000"), value);
  EXPECT_EQ(Scan(Space::kOplog).size(), 1000u);
  Put(Space::kOplog, "k10005", "again");
  EXPECT_EQ(Get(Space::kOplog, "k10005"), "again");
}

TEST_P(EngineContract, BehavesLikeAMapUnderRandomWrites) {
  Random random(20240607);
  using Model = std::map<std::string, std::string>;
  Model model;
  std::vector<std::pair<std::shared_ptr<const Snapshot>, Model>> frozen;
  for (int step = 0; step < 1500; ++step) {
    auto batch = engine_->NewBatch();
    for (uint64_t n = random.Uniform(4); n-- > 0;) {
      const std::string key = StrCat("k", 100 + random.Uniform(200));
      if (random.OneIn(0.7)) {
        const std::string value = StrCat("v", step);
        batch->Put(Space::kRecords, key, value);
        model[key] = value;
      } else if (random.OneIn(0.8)) {
        batch->Delete(Space::kRecords, key);
        model.erase(key);
      } else {
        const std::string to = StrCat("k", 100 + random.Uniform(200));
        batch->DeleteRange(Space::kRecords, key, to);
        if (key < to) {
          model.erase(model.lower_bound(key), model.lower_bound(to));
        }
      }
    }
    ASSERT_TRUE(engine_->Write(batch.get()).ok());
    if (random.OneIn(0.05)) {
      frozen.emplace_back(engine_->GetSnapshot(), model);
    }
    if (random.OneIn(0.03) && !frozen.empty()) {
      frozen.erase(frozen.begin() + static_cast<ptrdiff_t>(random.Uniform(frozen.size())));
    }
    if (random.OneIn(0.01)) {
      ASSERT_TRUE(engine_->Flush().ok());
    }
    if (random.OneIn(0.05)) {
      ASSERT_TRUE(engine_->Sync().ok());
    }
  }
  frozen.emplace_back(engine_->GetSnapshot(), model);
  for (const auto& [snapshot, state] : frozen) {
    std::vector<std::string> rows;
    for (const auto& [key, value] : state) {
      rows.push_back(StrCat(key, "=", value));
    }
    EXPECT_EQ(Scan(Space::kRecords, snapshot), rows);
    auto cursor = engine_->NewCursor(Space::kRecords, snapshot, {});
    size_t seen = rows.size();
    for (cursor->SeekToLast(); cursor->valid(); cursor->Prev()) {
      ASSERT_GT(seen, 0u);
      EXPECT_EQ(StrCat(cursor->key(), "=", cursor->value()), rows[--seen]);
    }
    EXPECT_EQ(seen, 0u);
  }
}

TEST_P(EngineContract, SyncAndReadsRunBesideWrites) {
  std::atomic<bool> stop{false};
  std::thread syncer([&] {
    while (!stop.load()) {
      EXPECT_TRUE(engine_->Sync().ok());
    }
  });
  std::thread reader([&] {
    while (!stop.load()) {
      // Both keys are written by one batch: no snapshot may tell them apart.
      auto snapshot = engine_->GetSnapshot();
      EXPECT_EQ(Get(Space::kRecords, "x", snapshot.get()), Get(Space::kIndexes, "y", snapshot.get()));
    }
  });
  for (int i = 0; i < 500; ++i) {
    auto batch = engine_->NewBatch();
    batch->Put(Space::kRecords, "x", StrCat(i));
    batch->Put(Space::kIndexes, "y", StrCat(i));
    ASSERT_TRUE(engine_->Write(batch.get()).ok());
  }
  stop.store(true);
  syncer.join();
  reader.join();
  EXPECT_TRUE(engine_->Health().ok());
}

INSTANTIATE_TEST_SUITE_P(Rocks, EngineContract,
                         ::testing::Values(Implementation{"rocks", OpenRocks}),
                         [](const auto& row) { return row.param.name; });
INSTANTIATE_TEST_SUITE_P(Memory, EngineContract,
                         ::testing::Values(Implementation{
                             "memory", [](const std::string&) { return NewMemoryEngine(); }}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace septet::storage
