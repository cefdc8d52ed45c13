// SPDX-License-Identifier: Apache-2.0
// The first error of the disk under a RocksDB directory that RocksDB cannot get over: a failed write
// or fdatasync of the log, a failed flush or compaction, damaged data. From then on writing is over
// until the process is started again: what a failed fdatasync lost is lost in silence. A full disk is
// not among them, see space_guard.h.
// Thread rule: thread-safe. Listener calls never call back into RocksDB.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/listener.h"

#include "base/status.h"

namespace septet::storage {

class DiskHealth final : public rocksdb::EventListener {
 public:
  explicit DiskHealth(std::string path) : path_(std::move(path)) {}

  bool ok() const { return ok_.load(std::memory_order_acquire); }
  // Ok, or the first error.
  Status Current() const;
  // Keeps `status` if it is a disk error; `what` was tried.
  void Record(const rocksdb::Status& status, std::string_view what);

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;

 private:
  const std::string path_;
  std::atomic<bool> ok_{true};
  mutable absl::Mutex mutex_;
  Status first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet::storage
