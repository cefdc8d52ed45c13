// SPDX-License-Identifier: Apache-2.0
// The file system RocksDB sees: like the real one, but a full disk is a pause, not an error.
//
// RocksDB's own way out of a full disk is unsafe in 7.8: it goes on behind a torn log record if its
// memtables are empty, and it loses queued flushes so that the recovery waits for ever. So no "no
// space" ever reaches it. A small reserve file is given up for what must go on (log, manifest); table
// files, and everything when the reserve is gone, wait inside the write until there is space. low()
// becomes true at once, and the engine refuses new writes until TryRestore() finds space for the
// memtables and takes a new reserve. The free space is also looked at now and then, so that normally
// writes are refused before the disk is full.
// Thread rule: thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/file_system.h"

#include "base/status.h"

namespace septet::storage {

class SpaceGuard final : public rocksdb::FileSystemWrapper {
 public:
  struct Options {
    std::string directory;
    uint64_t reserve_bytes = 4 << 20;
    uint64_t margin_bytes = 16 << 20;  // must be free beside what the memtables and the reserve need
    std::chrono::milliseconds pause{50};  // between attempts
  };
  SpaceGuard(const std::shared_ptr<rocksdb::FileSystem>& target, Options options);
  const char* Name() const override { return "septet.SpaceGuard"; }

  // Takes the reserve; the directory must exist. A disk without space for it starts as low.
  void Start();
  // From now on a write without space fails instead of waiting.
  void Stop();

  bool low() const { return low_.load(std::memory_order_acquire); }
  // Ok if there is (again) space for `memtable_bytes` and the rest; else OutOfDiskSpace. Looks at the
  // disk at most once per `pause`.
  Status TryRestore(uint64_t memtable_bytes);
  // True if it is time to look at the free space: `bytes` more are about to be written.
  bool TimeToCheck(size_t bytes);
  // Becomes low if the free space does not do for `bytes` more.
  void Check(uint64_t memtable_bytes, size_t bytes);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name,
                                       const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;

 private:
  class File;

  // After a write of `name` found no space: true = try again (there may be space now).
  bool WaitForSpace(const std::string& name);
  bool TakeReserve();
  bool GiveUpReserve();
  std::string ReservePath() const { return options_.directory + "/RESERVE"; }
  uint64_t FreeBytes();

  const Options options_;
  std::atomic<bool> low_{false};
  std::atomic<uint64_t> unchecked_bytes_{0};
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool reserve_held_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point last_attempt_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet::storage
