// SPDX-License-Identifier: Apache-2.0
// What is known of the disk under a RocksDB directory: the first error since it last worked, fed by
// failed writes and by RocksDB's background jobs (flush, compaction).
// Invariant: after a failed write or sync the log's tail is in doubt, and no write may be accepted
// before the memtables are in files and a new log is begun.
// Thread rule: thread-safe. Listener calls never call back into RocksDB.
#pragma once

#include <atomic>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/listener.h"

#include "base/status.h"

namespace septet::storage {

class DiskHealth final : public rocksdb::EventListener {
 public:
  explicit DiskHealth(std::string path) : path_(std::move(path)) {}

  bool ok() const { return ok_.load(std::memory_order_acquire); }
  bool log_in_doubt() const { return log_in_doubt_.load(std::memory_order_acquire); }
  bool out_of_space() const;
  // Ok, or the first error since Clear().
  Status Current() const;

  // A write or sync of ours failed with a disk error.
  void RecordLogError(const rocksdb::Status& status, std::string_view what);
  void RecordBackgroundError(const rocksdb::Status& status, std::string_view what);
  void Clear();

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;

 private:
  void Record(const Status& status);

  const std::string path_;
  std::atomic<bool> ok_{true};
  std::atomic<bool> log_in_doubt_{false};
  mutable absl::Mutex mutex_;
  Status first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet::storage
