// SPDX-License-Identifier: Apache-2.0
// Engine in memory for tests and the simulator: ordered maps with versions, snapshots by sequence
// number, and a crash that loses what was not synced.
// Invariant: after Crash() the state is that after some batch at or behind the last Sync(), never a
// part of a batch.
// Thread rule: thread-safe (one mutex). Snapshots and cursors keep the state alive, not the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/engine.h"

namespace septet::storage {

struct MemoryState;

class MemoryEngine final : public Engine {
 public:
  MemoryEngine();
  ~MemoryEngine() override;
  MemoryEngine(const MemoryEngine&) = delete;
  MemoryEngine& operator=(const MemoryEngine&) = delete;

  // Power loss: keeps the batches up to the last Sync() and a random number of those after it. The
  // engine then stands for the disk the next process opens; snapshots and cursors from before must
  // not be used any more.
  void Crash(Random* random);
  // While full, Write and Sync answer OutOfDiskSpace and nothing changes.
  void SetDiskFull(bool full);
  // Number of the last write, and of the last one that no crash can take.
  uint64_t last_sequence() const;
  uint64_t synced_sequence() const;
  // Versions held in all spaces, garbage included.
  size_t version_count() const;

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
  // CommandNotSupported: there are no files.
  Status Checkpoint(const std::string& directory) override;
  EngineStats Stats() override;
  Status Health() override;

 private:
  std::shared_ptr<MemoryState> state_;
};

}  // namespace septet::storage
