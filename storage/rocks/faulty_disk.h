// SPDX-License-Identifier: Apache-2.0
// A file system for tests whose space can run out and whose syncs can fail, over the real one.
// A write that does not fit leaves the part that fits, as a real disk does.
// Thread rule: thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace septet::storage {

class FaultyDisk final : public rocksdb::FileSystemWrapper {
 public:
  FaultyDisk() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyDisk"; }

  void SetFreeBytes(int64_t bytes) { free_bytes_.store(bytes); }
  void SetUnlimited() { free_bytes_.store(std::numeric_limits<int64_t>::max() / 2); }
  // Answer to GetFreeSpace whatever the truth is; negative = the truth.
  void ReportFreeBytes(int64_t bytes) { reported_bytes_.store(bytes); }
  void FailSyncs(bool fail) { fail_syncs_.store(fail); }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> real;
    rocksdb::IOStatus made = target()->NewWritableFile(name, options, &real, debug);
    if (made.ok()) {
      *result = std::make_unique<File>(std::move(real), this, name);
    }
    return made;
  }
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    uint64_t size = 0;
    const bool known = target()->GetFileSize(name, options, &size, debug).ok();
    rocksdb::IOStatus status = target()->DeleteFile(name, options, debug);
    if (known && status.ok()) {
      free_bytes_.fetch_add(static_cast<int64_t>(size));
    }
    return status;
  }
  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, uint64_t* bytes,
                                 rocksdb::IODebugContext*) override {
    const int64_t reported = reported_bytes_.load();
    *bytes = static_cast<uint64_t>(
        reported >= 0 ? reported : std::max<int64_t>(0, free_bytes_.load()));
    return rocksdb::IOStatus::OK();
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> real, FaultyDisk* disk, std::string name)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(real)), disk_(disk), name_(std::move(name)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      const int64_t want = static_cast<int64_t>(data.size());
      const int64_t left = disk_->free_bytes_.fetch_sub(want);
      if (left >= want) {
        return target()->Append(data, options, debug);
      }
      const size_t fits = static_cast<size_t>(std::max<int64_t>(0, left));
      disk_->free_bytes_.store(0);
      target()->Append({data.data(), fits}, options, debug).PermitUncheckedError();
      return NoSpace();
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Allocate(uint64_t, uint64_t, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      if (disk_->fail_syncs_.load()) {
        return rocksdb::IOStatus::IOError("While fdatasync: " + name_, "Input/output error");
      }
      return target()->Sync(options, debug);
    }

   private:
    rocksdb::IOStatus NoSpace() const {
      rocksdb::IOStatus status =
          rocksdb::IOStatus::NoSpace("While appending to file: " + name_, "No space left on device");
      status.SetRetryable(true);  // as RocksDB's own file system marks it
      return status;
    }

    FaultyDisk* disk_;
    const std::string name_;
  };

  std::atomic<int64_t> free_bytes_{std::numeric_limits<int64_t>::max() / 2};
  std::atomic<int64_t> reported_bytes_{-1};
  std::atomic<bool> fail_syncs_{false};
};

}  // namespace septet::storage
