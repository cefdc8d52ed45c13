// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks/disk_health.h"

#include "storage/rocks/rocks_status.h"

namespace septet::storage {
namespace {

std::string_view NameOf(rocksdb::BackgroundErrorReason reason) {
  switch (reason) {
    case rocksdb::BackgroundErrorReason::kFlush:
    case rocksdb::BackgroundErrorReason::kFlushNoWAL:
      return "flush";
    case rocksdb::BackgroundErrorReason::kCompaction:
      return "compaction";
    case rocksdb::BackgroundErrorReason::kMemTable:
    case rocksdb::BackgroundErrorReason::kWriteCallback:
      return "write";
    case rocksdb::BackgroundErrorReason::kManifestWrite:
    case rocksdb::BackgroundErrorReason::kManifestWriteNoWAL:
      return "manifest write";
  }
  return "background work";
}

}  // namespace

bool DiskHealth::out_of_space() const { return CodeOf(Current()) == ErrorCode::kOutOfDiskSpace; }

Status DiskHealth::Current() const {
  absl::MutexLock lock(&mutex_);
  return first_;
}

void DiskHealth::Record(const Status& status) {
  absl::MutexLock lock(&mutex_);
  if (first_.ok()) {
    first_ = status;
  }
  ok_.store(false, std::memory_order_release);
}

void DiskHealth::RecordLogError(const rocksdb::Status& status, std::string_view what) {
  log_in_doubt_.store(true, std::memory_order_release);
  Record(FromRocks(status, what, path_));
}

void DiskHealth::RecordBackgroundError(const rocksdb::Status& status, std::string_view what) {
  Record(FromRocks(status, what, path_));
}

void DiskHealth::Clear() {
  absl::MutexLock lock(&mutex_);
  first_ = OkStatus();
  log_in_doubt_.store(false, std::memory_order_release);
  ok_.store(true, std::memory_order_release);
}

void DiskHealth::OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) {
  if (IsDiskError(*error)) {
    RecordBackgroundError(*error, NameOf(reason));
  }
}

}  // namespace septet::storage
