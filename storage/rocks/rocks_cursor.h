// SPDX-License-Identifier: Apache-2.0
// Cursor over rocksdb::Iterator with bounds it owns.
// Thread rule: owned by one thread; the engine must outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "rocksdb/db.h"

#include "storage/engine.h"

namespace septet::storage {

// Counts what must be gone before the engine closes.
class LiveCount {
 public:
  explicit LiveCount(std::atomic<int64_t>* count) : count_(count) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  ~LiveCount() { count_->fetch_sub(1, std::memory_order_release); }
  LiveCount(const LiveCount&) = delete;
  LiveCount& operator=(const LiveCount&) = delete;

 private:
  std::atomic<int64_t>* count_;
};

class RocksSnapshot final : public Snapshot {
 public:
  RocksSnapshot(rocksdb::DB* db, std::atomic<int64_t>* live)
      : live_(live), db_(db), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  uint64_t sequence() const override { return snapshot_->GetSequenceNumber(); }
  const rocksdb::Snapshot* raw() const { return snapshot_; }

 private:
  LiveCount live_;
  rocksdb::DB* db_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksCursor final : public Cursor {
 public:
  RocksCursor(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, std::string_view path,
              std::shared_ptr<const Snapshot> snapshot, const CursorOptions& options,
              std::atomic<int64_t>* live);

  bool valid() const override { return iterator_->Valid(); }
  void Seek(std::string_view key) override { iterator_->Seek(key); }
  void SeekForPrev(std::string_view key) override { iterator_->SeekForPrev(key); }
  void SeekToFirst() override { iterator_->SeekToFirst(); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }
  Status status() const override;

 private:
  LiveCount live_;
  std::string_view path_;  // the engine's
  std::shared_ptr<const Snapshot> snapshot_;
  // The iterator keeps pointers to the slices, the slices to the strings.
  std::string lower_;
  std::string upper_;
  rocksdb::Slice lower_slice_;
  rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace septet::storage
