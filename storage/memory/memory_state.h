// SPDX-License-Identifier: Apache-2.0
// What a MemoryEngine, its snapshots and its cursors share.
// Thread rule: everything mutable is guarded by `mutex`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "storage/engine.h"
#include "storage/memory/version_map.h"

namespace septet::storage {

struct MemoryState {
  mutable absl::Mutex mutex;
  std::array<VersionMap, kSpaceCount> spaces ABSL_GUARDED_BY(mutex);
  std::multiset<uint64_t> snapshots ABSL_GUARDED_BY(mutex);
  uint64_t last ABSL_GUARDED_BY(mutex) = 0;    // newest visible sequence
  uint64_t issued ABSL_GUARDED_BY(mutex) = 0;  // never goes back, even over a crash
  uint64_t synced ABSL_GUARDED_BY(mutex) = 0;
  bool disk_full ABSL_GUARDED_BY(mutex) = false;

  ReadHorizon Horizon() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return {&snapshots, synced}; }
  VersionMap& space(Space which) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return spaces[static_cast<size_t>(which)];
  }
  void CollectAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

class MemorySnapshot final : public Snapshot {
 public:
  explicit MemorySnapshot(std::shared_ptr<MemoryState> state);
  ~MemorySnapshot() override;
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;
  uint64_t sequence() const override { return sequence_; }

 private:
  std::shared_ptr<MemoryState> state_;
  uint64_t sequence_ = 0;
};

std::unique_ptr<Cursor> NewMemoryCursor(std::shared_ptr<MemoryState> state, Space space,
                                        std::shared_ptr<const Snapshot> snapshot,
                                        const CursorOptions& options);

}  // namespace septet::storage
