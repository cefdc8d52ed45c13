// SPDX-License-Identifier: Apache-2.0
// What only an engine on a disk can show: reopening, killed processes, torn logs, full disks, damaged
// files, two processes on one directory, checkpoints. The rest is in testing/engine_contract_test.cc.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "base/random.h"
#include "base/strings.h"
#include "storage/engine.h"
#include "storage/rocks/faulty_disk.h"
#include "storage/rocks/rocks_engine.h"
#include "storage/testing/temp_directory.h"

namespace septet::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

EngineOptions SmallOptions(const std::string& path) {
  EngineOptions options;
  options.path = path;
  options.cache_bytes = 1 << 20;
  options.memtable_bytes = 1 << 20;
  return options;
}

std::unique_ptr<Engine> Open(const std::string& path, const RocksTuning& tuning = {}) {
  auto engine = RocksEngine::Open(SmallOptions(path), tuning);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

std::string Key(int n) { return StrCat("k", 1000000 + n); }

// One batch touches three spaces, so a torn batch would show.
Status WriteNumber(Engine* engine, int n, size_t value_bytes = 100) {
  auto batch = engine->NewBatch();
  batch->Put(Space::kRecords, Key(n), std::string(value_bytes, static_cast<char>('a' + n % 26)));
  batch->Put(Space::kIndexes, Key(n), "");
  batch->Put(Space::kOplog, Key(n), StrCat(n));
  return engine->Write(batch.get());
}

// The numbers present, checking that every space has the same.
int CountPrefix(Engine* engine) {
  int counts[3] = {0, 0, 0};
  const Space spaces[3] = {Space::kRecords, Space::kIndexes, Space::kOplog};
  for (int s = 0; s < 3; ++s) {
    auto cursor = engine->NewCursor(spaces[s], nullptr, {});
    for (cursor->SeekToFirst(); cursor->valid(); cursor->Next()) {
      EXPECT_EQ(cursor->key(), Key(counts[s])) << "a hole in " << NameOf(spaces[s]);
      ++counts[s];
    }
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
  }
  EXPECT_EQ(counts[0], counts[1]);
  EXPECT_EQ(counts[0], counts[2]);
  return counts[0];
}

std::vector<fs::path> FilesEnding(const std::string& directory, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ending) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Overwrite(const fs::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(at);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(stream.good());
}

TEST(RocksEngineTest, ReopenFindsEverything) {
  TempDirectory directory;
  const std::string path = directory.path() + "/made/by/open";
  for (int round = 0; round < 3; ++round) {
    auto engine = Open(path);
    ASSERT_EQ(CountPrefix(engine.get()), round * 2000);
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(WriteNumber(engine.get(), round * 2000 + i, 600).ok());
    }
    auto batch = engine->NewBatch();
    batch->Put(Space::kUndo, "a", "1");
    batch->DeleteRange(Space::kUndo, "a", "b");
    batch->Put(Space::kCatalog, "a", "1");
    ASSERT_TRUE(engine->Write(batch.get()).ok());
    EXPECT_GT(engine->Stats().live_wal_bytes, 0u);
    EXPECT_GT(engine->Stats().memtable_bytes, 0u);
  }
}

TEST(RocksEngineTest, MissingDirectoryIsAnErrorUnlessCreated) {
  TempDirectory directory;
  EngineOptions options = SmallOptions(directory.path() + "/none");
  options.create_if_missing = false;
  auto engine = OpenRocksEngine(options);
  ASSERT_FALSE(engine.ok());
  EXPECT_THAT(std::string(TextOf(engine.status())), HasSubstr("/none"));
}

TEST(RocksEngineTest, SecondOpenInTheSameProcessIsRefused) {
  TempDirectory directory;
  auto engine = Open(directory.path());
  auto second = OpenRocksEngine(SmallOptions(directory.path()));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(CodeOf(second.status()), ErrorCode::kDBPathInUse);
  EXPECT_THAT(std::string(TextOf(second.status())), HasSubstr(directory.path()));
}

// A process with threads that forks is nothing the thread sanitizer can follow: the child would hang.
#if defined(SEPTET_TSAN)
#define SEPTET_SKIP_FORK() GTEST_SKIP() << "the thread sanitizer cannot follow a fork beside threads"
#else
#define SEPTET_SKIP_FORK() static_cast<void>(0)
#endif

// Runs `body` in a child that ends with _exit, without destructors.
template <typename Body>
pid_t Fork(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  return child;
}

int ReadNumber(int fd) {
  int number = -1;
  return read(fd, &number, sizeof(number)) == sizeof(number) ? number : -1;
}

void SendNumber(int fd, int number) {
  if (write(fd, &number, sizeof(number)) != sizeof(number)) {
    _exit(3);
  }
}

TEST(RocksEngineTest, SecondProcessIsRefused) {
  SEPTET_SKIP_FORK();
  TempDirectory directory;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = Fork([&] {
    auto engine = OpenRocksEngine(SmallOptions(directory.path()));
    SendNumber(ready[1], engine.ok() ? 1 : 0);
    pause();
  });
  ASSERT_EQ(ReadNumber(ready[0]), 1);
  auto second = OpenRocksEngine(SmallOptions(directory.path()));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(CodeOf(second.status()), ErrorCode::kDBPathInUse);
  EXPECT_THAT(std::string(TextOf(second.status())), HasSubstr("in use"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NE(Open(directory.path()), nullptr);  // a dead process holds no lock
  close(ready[0]);
  close(ready[1]);
}

TEST(RocksEngineTest, KilledProcessKeepsWhatItWrote) {
  SEPTET_SKIP_FORK();
  TempDirectory directory;
  int start = 0;
  for (int round = 0; round < 3; ++round) {
    int progress[2];
    ASSERT_EQ(pipe(progress), 0);
    const pid_t child = Fork([&] {
      auto engine = OpenRocksEngine(SmallOptions(directory.path()));
      if (!engine.ok()) {
        _exit(2);
      }
      for (int n = start;; ++n) {
        if (!WriteNumber(engine->get(), n, 500).ok()) {
          _exit(4);
        }
        if (n % 7 == 0) {
          if (!(*engine)->Sync().ok()) {
            _exit(5);
          }
          SendNumber(progress[1], n);
        }
      }
    });
    close(progress[1]);
    int synced = -1;
    while (synced < start + 1000) {
      const int number = ReadNumber(progress[0]);
      ASSERT_GE(number, 0) << "the child failed";
      synced = number;
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(progress[0]);
    auto engine = Open(directory.path());
    start = CountPrefix(engine.get());
    EXPECT_GT(start, synced);
  }
}

// A log cut at any byte behind the last sync gives back a prefix of whole batches that contains all
// that was synced; and what is written after such a recovery survives the next ones.
TEST(RocksEngineTest, TornLogGivesBackAPrefix) {
  Random random(7);
  TempDirectory directory;
  int count = 0;
  for (int round = 0; round < 12; ++round) {
    uint64_t synced_bytes = 0;
    int synced = 0;
    const std::string live = directory.path() + "/live";
    const std::string image = directory.path() + "/image";
    {
      auto engine = Open(live);
      ASSERT_EQ(CountPrefix(engine.get()), count);
      for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(WriteNumber(engine.get(), count + i).ok());
        if (i == 20) {
          ASSERT_TRUE(engine->Sync().ok());
          synced = count + i + 1;
          synced_bytes = fs::file_size(FilesEnding(live, ".log").back());
        }
      }
      fs::copy(live, image, fs::copy_options::recursive);  // the disk as the crash leaves it
    }
    fs::remove_all(live);
    fs::rename(image, live);
    const fs::path log = FilesEnding(live, ".log").back();
    fs::resize_file(log, synced_bytes + random.Uniform(fs::file_size(log) - synced_bytes + 1));
    auto engine = Open(live);
    ASSERT_NE(engine, nullptr);
    count = CountPrefix(engine.get());
    EXPECT_GE(count, synced);
    if (random.OneIn(0.3)) {
      ASSERT_TRUE(engine->Flush().ok());
    }
  }
}

TEST(RocksEngineTest, DamagedTableFileIsNamed) {
  TempDirectory directory;
  {
    auto engine = Open(directory.path());
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(WriteNumber(engine.get(), i).ok());
    }
    ASSERT_TRUE(engine->Flush().ok());
  }
  for (const fs::path& file : FilesEnding(directory.path(), ".sst")) {
    Overwrite(file, 100, std::string(64, '\x5a'));
  }
  auto engine = Open(directory.path());
  PinnedValue value;
  auto got = engine->Get(Space::kRecords, Key(0), nullptr, &value);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(CodeOf(got.status()), ErrorCode::kDataCorruptionDetected);
  EXPECT_THAT(std::string(TextOf(got.status())), HasSubstr(".sst"));
  std::vector<PinnedValue> values;
  std::vector<char> found;
  const std::string key = Key(0);
  const Status many = engine->MultiGet(Space::kRecords, {key}, nullptr, &values, &found);
  EXPECT_EQ(CodeOf(many), ErrorCode::kDataCorruptionDetected);
  auto cursor = engine->NewCursor(Space::kRecords, nullptr, {});
  cursor->SeekToFirst();
  EXPECT_FALSE(cursor->valid());
  EXPECT_EQ(CodeOf(cursor->status()), ErrorCode::kDataCorruptionDetected);
  EXPECT_THAT(std::string(TextOf(cursor->status())), HasSubstr(".sst"));
}

TEST(RocksEngineTest, MissingTableFileIsNamedAtOpen) {
  TempDirectory directory;
  {
    auto engine = Open(directory.path());
    ASSERT_TRUE(WriteNumber(engine.get(), 0).ok());
    ASSERT_TRUE(engine->Flush().ok());
  }
  const fs::path gone = FilesEnding(directory.path(), ".sst").front();
  fs::remove(gone);
  auto engine = OpenRocksEngine(SmallOptions(directory.path()));
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(CodeOf(engine.status()), ErrorCode::kDataCorruptionDetected);
  EXPECT_THAT(std::string(TextOf(engine.status())), HasSubstr(gone.stem().string()));
}

TEST(RocksEngineTest, DamagedManifestIsAnErrorWithTheDirectory) {
  TempDirectory directory;
  {
    auto engine = Open(directory.path());
    ASSERT_TRUE(WriteNumber(engine.get(), 0).ok());
    ASSERT_TRUE(engine->Flush().ok());
  }
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      Overwrite(entry.path(), 10, "damage!");
    }
  }
  auto engine = OpenRocksEngine(SmallOptions(directory.path()));
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(CodeOf(engine.status()), ErrorCode::kDataCorruptionDetected);
  EXPECT_THAT(std::string(TextOf(engine.status())), HasSubstr(directory.path()));
}

TEST(RocksEngineTest, CheckpointIsAnEngineOfThatMoment) {
  TempDirectory directory;
  auto engine = Open(directory.path() + "/live");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(WriteNumber(engine.get(), i).ok());
  }
  ASSERT_TRUE(engine->Checkpoint(directory.path() + "/copy").ok());
  for (int i = 100; i < 200; ++i) {
    ASSERT_TRUE(WriteNumber(engine.get(), i).ok());
  }
  EXPECT_FALSE(engine->Checkpoint(directory.path() + "/copy").ok());
  auto copy = Open(directory.path() + "/copy");
  EXPECT_EQ(CountPrefix(copy.get()), 100);
  EXPECT_EQ(CountPrefix(engine.get()), 200);
}

class FaultyDiskTest : public ::testing::Test {
 protected:
  FaultyDiskTest() : disk_(std::make_shared<FaultyDisk>()) {
    tuning_.file_system = disk_;
    tuning_.space_pause_ms = 0;
    engine_ = Open(directory_.path(), tuning_);
  }

  bool BecomesHealthy() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!engine_->Health().ok()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::yield();
    }
    return true;
  }

  // Writes until the disk refuses; returns how many went in.
  int Fill(int from) {
    int n = from;
    for (; n < from + 100000; ++n) {
      const Status written = WriteNumber(engine_.get(), n, 1000);
      if (!written.ok()) {
        EXPECT_EQ(CodeOf(written), ErrorCode::kOutOfDiskSpace) << written;
        break;
      }
    }
    return n;
  }

  TempDirectory directory_;
  std::shared_ptr<FaultyDisk> disk_;
  RocksTuning tuning_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(FaultyDiskTest, FullDiskRefusesWritesServesReadsAndComesBack) {
  int count = 0;
  for (int round = 0; round < 4; ++round) {
    // The space runs out in the log, in the middle of a record, or in a table file.
    disk_->SetFreeBytes(700'000 + round * 1'500'123);
    count = Fill(count);
    EXPECT_EQ(CodeOf(engine_->Health()), ErrorCode::kOutOfDiskSpace);
    EXPECT_EQ(CodeOf(WriteNumber(engine_.get(), count)), ErrorCode::kOutOfDiskSpace);
    EXPECT_EQ(CountPrefix(engine_.get()), count);  // nothing of a refused batch is seen
    disk_->SetUnlimited();
    ASSERT_TRUE(BecomesHealthy());
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(WriteNumber(engine_.get(), count++).ok());
    }
    ASSERT_TRUE(engine_->Sync().ok());
    // What was acknowledged after the recovery must be found by the next process.
    const std::string image = directory_.path() + "/image";
    fs::copy(directory_.path(), image);
    auto next = Open(image);
    EXPECT_EQ(CountPrefix(next.get()), count);
    next.reset();
    fs::remove_all(image);
  }
}

TEST_F(FaultyDiskTest, FullAtOnceWithAnEmptyLog) {
  disk_->SetFreeBytes(50);
  ASSERT_TRUE(WriteNumber(engine_.get(), 0).ok());  // the reserve file is given up for it
  EXPECT_EQ(CodeOf(WriteNumber(engine_.get(), 1)), ErrorCode::kOutOfDiskSpace);
  EXPECT_EQ(CountPrefix(engine_.get()), 1);
  disk_->SetUnlimited();
  ASSERT_TRUE(BecomesHealthy());
  for (int i = 1; i < 10; ++i) {
    ASSERT_TRUE(WriteNumber(engine_.get(), i).ok());
  }
  ASSERT_TRUE(engine_->Sync().ok());
  const std::string image = directory_.path() + "/image";
  fs::copy(directory_.path(), image);
  auto next = Open(image);
  EXPECT_EQ(CountPrefix(next.get()), 10);
}

TEST_F(FaultyDiskTest, SpaceThatComesAndGoes) {
  Random random(5);
  int count = 0;
  for (int round = 0; round < 12; ++round) {
    if (random.OneIn(0.3)) {
      engine_->Flush().IgnoreError();  // a compaction may still be without space
    }
    disk_->SetFreeBytes(static_cast<int64_t>(random.Uniform(random.OneIn(0.5) ? 3'000'000 : 300)));
    count = Fill(count);
    for (int attempt = 0; attempt < 5; ++attempt) {
      disk_->SetFreeBytes(static_cast<int64_t>(random.Uniform(60'000'000)));
      if (random.OneIn(0.5)) {
        engine_->Health().IgnoreError();
      } else if (WriteNumber(engine_.get(), count).ok()) {
        ++count;
      }
    }
    disk_->SetUnlimited();
    ASSERT_TRUE(BecomesHealthy());
    ASSERT_TRUE(WriteNumber(engine_.get(), count++).ok());
    ASSERT_TRUE(engine_->Sync().ok());
    ASSERT_EQ(CountPrefix(engine_.get()), count);
  }
  const std::string image = directory_.path() + "/image";
  fs::copy(directory_.path(), image);
  EXPECT_EQ(CountPrefix(Open(image).get()), count);
}

// The free space is watched, so a disk that fills up slowly is met without an error of RocksDB, and
// dropping a collection makes room.
TEST_F(FaultyDiskTest, LowSpaceIsSeenBeforeItIsGone) {
  disk_->ReportFreeBytes(1 << 20);
  const int count = Fill(0);
  EXPECT_LT(count, 3000);
  EXPECT_EQ(CountPrefix(engine_.get()), count);
  EXPECT_TRUE(engine_->Sync().ok());
  EXPECT_TRUE(engine_->DropRange(Space::kRecords, Key(0), Key(1)).ok());
  disk_->ReportFreeBytes(1 << 30);
  ASSERT_TRUE(WriteNumber(engine_.get(), count).ok());
  EXPECT_TRUE(engine_->Health().ok());
}

TEST_F(FaultyDiskTest, HealthAloneBringsItBack) {
  disk_->SetFreeBytes(300'000);
  Fill(0);
  EXPECT_FALSE(engine_->Health().ok());
  disk_->SetFreeBytes(1'000'000);  // less than the memtables and a margin need
  EXPECT_FALSE(engine_->Health().ok());
  disk_->SetUnlimited();
  EXPECT_TRUE(BecomesHealthy());
}

TEST_F(FaultyDiskTest, FailedSyncIsNotForgotten) {
  ASSERT_TRUE(WriteNumber(engine_.get(), 0).ok());
  disk_->FailSyncs(true);
  const Status synced = engine_->Sync();
  EXPECT_EQ(CodeOf(synced), ErrorCode::kInternalError);
  EXPECT_THAT(std::string(TextOf(synced)), HasSubstr(".log"));
  // The log may have lost anything since its last sync: no write and no sync may succeed on it.
  EXPECT_FALSE(engine_->Sync().ok());
  EXPECT_FALSE(WriteNumber(engine_.get(), 1).ok());
  EXPECT_FALSE(engine_->Health().ok());
  // Nor when the disk seems well again: what a failed fdatasync lost is lost in silence.
  disk_->FailSyncs(false);
  EXPECT_FALSE(engine_->Sync().ok());
  EXPECT_FALSE(WriteNumber(engine_.get(), 1).ok());
  EXPECT_EQ(CountPrefix(engine_.get()), 1);
  engine_.reset();
  engine_ = Open(directory_.path(), tuning_);
  EXPECT_TRUE(engine_->Health().ok());
  ASSERT_TRUE(WriteNumber(engine_.get(), CountPrefix(engine_.get())).ok());
}

// RocksDB 7.8 mixes up insert hints of keys and of range tombstones under one prefix (insert_hint.h).
TEST(RocksEngineTest, InsertHintsSurviveRangeDeletions) {
  TempDirectory directory;
  auto engine = Open(directory.path());
  Random random(11);
  std::set<std::string> model;
  for (int round = 0; round < 300; ++round) {
    auto batch = engine->NewBatch();
    for (int i = 0; i < 20; ++i) {
      const std::string key = StrCat("pref", 10000 + random.Uniform(3000));
      batch->Put(Space::kRecords, key, "v");
      model.insert(key);
    }
    const uint64_t from = 10000 + random.Uniform(3000);
    const std::string lower = StrCat("pref", from);
    const std::string upper = StrCat("pref", from + 20);
    batch->DeleteRange(Space::kRecords, lower, upper);
    model.erase(model.lower_bound(lower), model.lower_bound(upper));
    ASSERT_TRUE(engine->Write(batch.get()).ok());
  }
  auto cursor = engine->NewCursor(Space::kRecords, nullptr, {});
  auto expected = model.begin();
  for (cursor->SeekToFirst(); cursor->valid(); cursor->Next(), ++expected) {
    ASSERT_NE(expected, model.end());
    EXPECT_EQ(cursor->key(), *expected);
  }
  EXPECT_EQ(expected, model.end());
}

}  // namespace
}  // namespace septet::storage
