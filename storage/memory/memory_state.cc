// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/memory_state.h"

#include <utility>

namespace septet::storage {

void MemoryState::CollectAll() {
  const ReadHorizon horizon = Horizon();
  for (VersionMap& map : spaces) {
    map.Collect(horizon);
  }
}

MemorySnapshot::MemorySnapshot(std::shared_ptr<MemoryState> state) : state_(std::move(state)) {
  absl::MutexLock lock(&state_->mutex);
  sequence_ = state_->last;
  state_->snapshots.insert(sequence_);
}

MemorySnapshot::~MemorySnapshot() {
  absl::MutexLock lock(&state_->mutex);
  const auto own = state_->snapshots.find(sequence_);
  const bool was_oldest = own == state_->snapshots.begin();
  state_->snapshots.erase(own);
  if (was_oldest) {
    state_->CollectAll();
  }
}

}  // namespace septet::storage
