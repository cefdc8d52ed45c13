// SPDX-License-Identifier: Apache-2.0
// The product's engine: one RocksDB directory, one column family per Space, one write-ahead log.
// Private to storage/rocks, its tests and benchmarks; everybody else calls OpenRocksEngine.
// Invariant: writes are applied in the order of the calls, and a crash keeps a prefix of them that
// contains everything before the last successful Sync.
// Thread rule: thread-safe. Snapshots and cursors must be gone before the engine is destroyed.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/cache.h"
#include "rocksdb/db.h"

#include "storage/engine.h"
#include "storage/rocks/disk_health.h"
#include "storage/rocks/rocks_batch.h"
#include "storage/rocks/rocks_options.h"
#include "storage/rocks/space_guard.h"

namespace septet::storage {

class RocksEngine final : public Engine {
 public:
  static StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options,
                                                const RocksTuning& tuning);
  ~RocksEngine() override;
  RocksEngine(const RocksEngine&) = delete;
  RocksEngine& operator=(const RocksEngine&) = delete;

  std::unique_ptr<WriteBatch> NewBatch() override;
  Status Write(WriteBatch* batch) override;
  Status Sync() override;
  std::shared_ptr<const Snapshot> GetSnapshot() override;
  StatusOr<bool> Get(Space space, std::string_view key, const Snapshot* snapshot,
                     PinnedValue* value) override;
  Status MultiGet(Space space, const std::vector<std::string_view>& sorted_keys,
                  const Snapshot* snapshot, std::vector<PinnedValue>* values,
                  std::vector<char>* found) override;
  std::unique_ptr<Cursor> NewCursor(Space space, std::shared_ptr<const Snapshot> snapshot,
                                    const CursorOptions& options) override;
  Status DropRange(Space space, std::string_view from, std::string_view to) override;
  uint64_t ApproximateSize(Space space, std::string_view from, std::string_view to) override;
  Status Flush() override;
  Status Checkpoint(const std::string& directory) override;
  EngineStats Stats() override;
  Status Health() override;

  // compaction.h
  Status CompactRange(Space space, std::string_view from, std::string_view to);
  // Merges everything down to the last level; for benchmarks.
  Status CompactAll();

 private:
  RocksEngine(EngineOptions options, const RocksTuning& tuning);

  rocksdb::ColumnFamilyHandle* family(Space space) const {
    return families_[static_cast<size_t>(space)];
  }
  // Ok if writing is possible: the disk works and is not full.
  Status CheckDisk();
  Status Apply(RocksBatch* batch);
  StatusOr<rocksdb::Status> WriteSlowly(RocksBatch* batch);
  uint64_t MemtableBytes();
  Status MultiGetSlice(Space space, const rocksdb::ReadOptions& read, const std::string_view* keys,
                       size_t count, PinnedValue* values, char* found);

  const EngineOptions options_;
  const RocksTuning tuning_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<DiskHealth> health_;
  std::shared_ptr<SpaceGuard> space_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<HintPause> hint_pause_;
  std::unique_ptr<rocksdb::DB> db_;
  FamilyHandles families_{};
  const rocksdb::ReadOptions newest_;
  std::atomic<int64_t> live_{0};  // snapshots and cursors
};

}  // namespace septet::storage
