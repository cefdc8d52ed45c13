// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/rocks_engine.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <utility>

#include "rocksdb/convenience.h"
#include "rocksdb/transaction_log.h"
#include "rocksdb/utilities/checkpoint.h"

#include "base/check.h"
#include "base/strings.h"
#include "storage/rocks/rocks_cursor.h"
#include "storage/rocks/rocks_status.h"

namespace septet::storage {
namespace {

// A clean end writes memtables to files above this, because the next start would replay the log: 3 to 9 s
// per GB. Below, the replay takes less than 50 ms and small files are not worth their compaction.
constexpr uint64_t kReplayedBytesMax = 8 << 20;
constexpr std::chrono::milliseconds kStallPoll{1};
constexpr size_t kMultiGetSlice = 32;  // RocksDB looks up this many keys at a time anyway

// Keeps the block (or the copy) a value lies in.
struct RocksPin final : PinnedValue::Pin {
  rocksdb::PinnableSlice slice;
  void Release() override { slice.Reset(); }
};

RocksPin* PinOf(PinnedValue* value) {
  PinnedValue::Pin* pin = value->pin();
  if (pin != nullptr && typeid(*pin) == typeid(RocksPin)) [[likely]] {
    return static_cast<RocksPin*>(pin);
  }
  auto made = std::make_unique<RocksPin>();
  RocksPin* raw = made.get();
  value->SetPinned({}, std::move(made));
  return raw;
}

const rocksdb::Snapshot* Raw(const Snapshot* snapshot) {
  return snapshot == nullptr ? nullptr : static_cast<const RocksSnapshot*>(snapshot)->raw();
}

SpaceGuard::Options SpaceOptions(const EngineOptions& options, const RocksTuning& tuning) {
  SpaceGuard::Options space;
  space.directory = options.path;
  space.pause = std::chrono::milliseconds(tuning.space_pause_ms);
  return space;
}

}  // namespace

RocksEngine::RocksEngine(EngineOptions options, const RocksTuning& tuning)
    : options_(std::move(options)),
      tuning_(tuning),
      cache_(MakeBlockCache(options_, tuning_)),
      health_(std::make_shared<DiskHealth>(options_.path)),
      space_(std::make_shared<SpaceGuard>(
          tuning_.file_system != nullptr ? tuning_.file_system : rocksdb::FileSystem::Default(),
          SpaceOptions(options_, tuning_))),
      env_(rocksdb::NewCompositeEnv(space_)),
      hint_pause_(std::make_shared<HintPause>()) {}

StatusOr<std::unique_ptr<Engine>> RocksEngine::Open(const EngineOptions& options,
                                                    const RocksTuning& tuning) {
  if (options.create_if_missing) {
    std::error_code error;
    std::filesystem::create_directories(options.path, error);
    if (error) {
      return Error(ErrorCode::kInternalError, StrCat("storage open: cannot create ", options.path,
                                                     ": ", error.message()));
    }
  }
  std::unique_ptr<RocksEngine> engine(new RocksEngine(options, tuning));
  rocksdb::DBOptions db_options = MakeDbOptions(options);
  db_options.env = engine->env_.get();
  db_options.listeners.push_back(engine->health_);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const ScopedHintPause recovery(engine->hint_pause_.get());
  const rocksdb::Status opened = rocksdb::DB::Open(
      db_options, options.path, MakeFamilies(options, tuning, engine->cache_, engine->hint_pause_),
      &handles, &db);
  if (!opened.ok()) {
    return FromRocks(opened, "open", options.path);
  }
  engine->db_.reset(db);
  P_CHECK(handles.size() == kSpaceCount);
  std::copy(handles.begin(), handles.end(), engine->families_.begin());
  engine->space_->Start();
  return std::unique_ptr<Engine>(std::move(engine));
}

RocksEngine::~RocksEngine() {
  if (db_ == nullptr) {
    return;
  }
  P_CHECK(live_.load(std::memory_order_acquire) == 0 && "snapshots and cursors must be gone");
  space_->Stop();
  if (health_->ok()) {
    // A failure here loses no more than a crash would.
    db_->SyncWAL().PermitUncheckedError();
    uint64_t memtable_bytes = 0;
    if (db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables,
                                      &memtable_bytes) &&
        memtable_bytes > kReplayedBytesMax) {
      Flush().IgnoreError();
    }
  }
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

std::unique_ptr<WriteBatch> RocksEngine::NewBatch() {
  return std::make_unique<RocksBatch>(&families_);
}

Status RocksEngine::CheckDisk() {
  if (!health_->ok()) [[unlikely]] {
    return health_->Current();
  }
  if (space_->low()) [[unlikely]] {
    return space_->TryRestore(MemtableBytes());
  }
  return OkStatus();
}

Status RocksEngine::Write(WriteBatch* batch) {
  auto* own = static_cast<RocksBatch*>(batch);
  if (space_->TimeToCheck(own->size_bytes())) {
    space_->Check(MemtableBytes(), own->size_bytes());
  }
  RETURN_IF_ERROR(CheckDisk());
  return Apply(own);
}

Status RocksEngine::Apply(RocksBatch* batch) {
  if (!batch->refusal().ok()) {
    return FromRocks(batch->refusal(), "write", options_.path);
  }
  const ScopedHintPause pause(batch->has_range_deletion() ? hint_pause_.get() : nullptr);
  rocksdb::WriteOptions at_once;
  at_once.no_slowdown = true;
  rocksdb::Status written = db_->Write(at_once, batch->raw());
  if (written.ok()) [[likely]] {
    return OkStatus();
  }
  if (written.IsIncomplete()) {
    ASSIGN_OR_RETURN(written, WriteSlowly(batch));
    if (written.ok()) {
      return OkStatus();
    }
  }
  health_->Record(written, "write");
  return FromRocks(written, "write", options_.path);
}

// RocksDB wants the writer to wait for its flushes and compactions. These may be waiting for space: a write
// that went in would hang instead of being refused.
StatusOr<rocksdb::Status> RocksEngine::WriteSlowly(RocksBatch* batch) {
  for (;;) {
    if (space_->low()) {
      RETURN_IF_ERROR(space_->TryRestore(MemtableBytes()));
    }
    uint64_t stopped = 0;
    if (!db_->GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &stopped) || stopped == 0) {
      return db_->Write(rocksdb::WriteOptions(), batch->raw());
    }
    std::this_thread::sleep_for(kStallPoll);
  }
}

Status RocksEngine::Sync() {
  if (!health_->ok()) [[unlikely]] {
    return health_->Current();
  }
  const rocksdb::Status synced = db_->SyncWAL();
  if (synced.ok()) [[likely]] {
    return OkStatus();
  }
  health_->Record(synced, "sync");
  return FromRocks(synced, "sync", options_.path);
}

uint64_t RocksEngine::MemtableBytes() {
  uint64_t total = 0;
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    uint64_t bytes = 0;
    if (db_->GetIntProperty(handle, rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes)) {
      total += bytes;
    }
  }
  return total;
}

std::shared_ptr<const Snapshot> RocksEngine::GetSnapshot() {
  return std::make_shared<RocksSnapshot>(db_.get(), &live_);
}

StatusOr<bool> RocksEngine::Get(Space space, std::string_view key, const Snapshot* snapshot,
                                PinnedValue* value) {
  RocksPin* pin = PinOf(value);
  pin->slice.Reset();
  rocksdb::Status got;
  if (snapshot == nullptr) {
    got = db_->Get(newest_, family(space), key, &pin->slice);
  } else {
    rocksdb::ReadOptions read;
    read.snapshot = Raw(snapshot);
    got = db_->Get(read, family(space), key, &pin->slice);
  }
  if (got.ok()) [[likely]] {
    value->SetView(pin->slice.ToStringView());
    return true;
  }
  value->SetView({});
  if (got.IsNotFound()) {
    return false;
  }
  return FromRocks(got, "read", options_.path);
}

Status RocksEngine::MultiGet(Space space, const std::vector<std::string_view>& sorted_keys,
                             const Snapshot* snapshot, std::vector<PinnedValue>* values,
                             std::vector<char>* found) {
  const size_t count = sorted_keys.size();
  values->resize(count);
  found->assign(count, 0);
  std::shared_ptr<const Snapshot> own;
  if (snapshot == nullptr && count > kMultiGetSlice) {
    own = GetSnapshot();  // all slices see one state
    snapshot = own.get();
  }
  rocksdb::ReadOptions read;
  read.snapshot = Raw(snapshot);
  for (size_t at = 0; at < count; at += kMultiGetSlice) {
    RETURN_IF_ERROR(MultiGetSlice(space, read, &sorted_keys[at],
                                  std::min(kMultiGetSlice, count - at), &(*values)[at],
                                  &(*found)[at]));
  }
  return OkStatus();
}

Status RocksEngine::MultiGetSlice(Space space, const rocksdb::ReadOptions& read,
                                  const std::string_view* keys, size_t count, PinnedValue* values,
                                  char* found) {
  // RocksDB wants the slices side by side; they are moved into the values' own pins afterwards.
  std::array<rocksdb::Slice, kMultiGetSlice> raw_keys;
  std::array<rocksdb::PinnableSlice, kMultiGetSlice> slices;
  std::array<rocksdb::Status, kMultiGetSlice> statuses;
  for (size_t i = 0; i < count; ++i) {
    raw_keys[i] = keys[i];
  }
  db_->MultiGet(read, family(space), count, raw_keys.data(), slices.data(), statuses.data(),
                /*sorted_input=*/true);
  for (size_t i = 0; i < count; ++i) {
    if (statuses[i].ok()) [[likely]] {
      RocksPin* pin = PinOf(&values[i]);
      pin->slice = std::move(slices[i]);
      values[i].SetView(pin->slice.ToStringView());
      found[i] = 1;
    } else if (statuses[i].IsNotFound()) {
      values[i].Reset();
    } else {
      return FromRocks(statuses[i], "read", options_.path);
    }
  }
  return OkStatus();
}

std::unique_ptr<Cursor> RocksEngine::NewCursor(Space space,
                                               std::shared_ptr<const Snapshot> snapshot,
                                               const CursorOptions& options) {
  return std::make_unique<RocksCursor>(db_.get(), family(space), options_.path,
                                       std::move(snapshot), options, &live_);
}

Status RocksEngine::DropRange(Space space, std::string_view from, std::string_view to) {
  if (from >= to) {
    return OkStatus();
  }
  if (!health_->ok()) [[unlikely]] {
    return health_->Current();
  }
  // The tombstone is durable before files go, so a crash in between brings no old version back. Low
  // space is no reason to refuse: this is what makes room.
  RocksBatch batch(&families_);
  batch.DeleteRange(space, from, to);
  RETURN_IF_ERROR(Apply(&batch));
  RETURN_IF_ERROR(Sync());
  const rocksdb::Slice begin(from);
  const rocksdb::Slice end(to);
  return FromRocks(
      rocksdb::DeleteFilesInRange(db_.get(), family(space), &begin, &end, /*include_end=*/false),
      "drop", options_.path);
}

Status RocksEngine::CompactRange(Space space, std::string_view from, std::string_view to) {
  const rocksdb::Slice begin(from);
  const rocksdb::Slice end(to);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  // Without it the lowest files, where most obsolete versions lie, would stay as they are.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  return FromRocks(db_->CompactRange(options, family(space), &begin, &end), "compact", options_.path);
}

uint64_t RocksEngine::ApproximateSize(Space space, std::string_view from, std::string_view to) {
  if (from >= to) {
    return 0;
  }
  const rocksdb::Range range(from, to);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  uint64_t size = 0;
  const rocksdb::Status asked =
      db_->GetApproximateSizes(options, family(space), &range, 1, &size);
  return asked.ok() ? size : 0;
}

Status RocksEngine::Flush() {
  RETURN_IF_ERROR(CheckDisk());
  return FromRocks(db_->Flush(rocksdb::FlushOptions(), {families_.begin(), families_.end()}),
                   "flush", options_.path);
}

Status RocksEngine::CompactAll() {
  RETURN_IF_ERROR(Flush());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    RETURN_IF_ERROR(
        FromRocks(db_->CompactRange(options, handle, nullptr, nullptr), "compact", options_.path));
  }
  return OkStatus();
}

Status RocksEngine::Checkpoint(const std::string& directory) {
  rocksdb::Checkpoint* raw = nullptr;
  RETURN_IF_ERROR(
      FromRocks(rocksdb::Checkpoint::Create(db_.get(), &raw), "checkpoint", options_.path));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  return FromRocks(checkpoint->CreateCheckpoint(directory), "checkpoint", directory);
}

EngineStats RocksEngine::Stats() {
  EngineStats stats;
  stats.cache_bytes = cache_->GetUsage();
  stats.cache_capacity_bytes = cache_->GetCapacity();
  stats.memtable_bytes = MemtableBytes();
  for (size_t i = 0; i < families_.size(); ++i) {
    uint64_t number = 0;
    if (db_->GetIntProperty(families_[i], rocksdb::DB::Properties::kLiveSstFilesSize, &number)) {
      stats.space_bytes[i] = number;
    }
  }
  rocksdb::VectorLogPtr logs;
  if (db_->GetSortedWalFiles(logs).ok()) {
    for (const auto& log : logs) {
      if (log->Type() == rocksdb::kAliveLogFile) {
        stats.live_wal_bytes += log->SizeFileBytes();
      }
    }
  }
  return stats;
}

Status RocksEngine::Health() { return CheckDisk(); }

StatusOr<std::unique_ptr<Engine>> OpenRocksEngine(const EngineOptions& options) {
  return RocksEngine::Open(options, RocksTuning());
}

}  // namespace septet::storage
