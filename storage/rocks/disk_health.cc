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

Status DiskHealth::Current() const {
  absl::MutexLock lock(&mutex_);
  return first_;
}

void DiskHealth::Record(const rocksdb::Status& status, std::string_view what) {
  if (!IsDiskError(status)) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  if (first_.ok()) {
    first_ = FromRocks(status, what, path_);
  }
  ok_.store(false, std::memory_order_release);
}

void DiskHealth::OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) {
  Record(*error, NameOf(reason));
}

}  // namespace septet::storage
