// SPDX-License-Identifier: Apache-2.0
// What is known about the oplog as a whole without reading it: number and bytes of entries, the first
// live key, and stones: marks every chunk of bytes, so that the front can be cut off in whole chunks by
// size and age. Kept in Space::kCatalog, written in the same batch as the entries: exact after a crash.
// The front is removed by a range drop, never entry by entry, and readers start at the first live key,
// so nobody walks over tombstones.
// Thread rule: Add, Commit, Abort and Cut only on the thread that holds the commit order (the sequencer's
// leader); reading from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>

#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "bson/view.h"
#include "storage/engine.h"

namespace septet::repl {

class OplogBook {
 public:
  static constexpr int64_t kChunkBytes = 16 << 20;

  explicit OplogBook(int64_t chunk_bytes = kChunkBytes) : chunk_bytes_(chunk_bytes) {}

  // Reads the stored state and finishes a removal that a crash has cut off.
  Status Load(storage::Engine* engine);

  int64_t count() const { return count_.load(std::memory_order_relaxed); }
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Entries before it are gone. Null: from the very start.
  bson::Timestamp first() const {
    return bson::Timestamp::FromU64(first_.load(std::memory_order_acquire));
  }

  // Notes one entry that goes into the running batch.
  void Add(bson::Timestamp ts, size_t entry_bytes);
  // Puts what changed since the last Store into the batch.
  void Store(storage::WriteBatch* batch);
  // The batch was written, or not.
  void Commit();
  void Abort();

  // Rollback: the newest `count` entries with `entry_bytes` in all are deleted by the caller, down to
  // but not including `new_last`.
  void RemoveNewest(int64_t count, int64_t entry_bytes, bson::Timestamp new_last,
                    storage::WriteBatch* batch);

  struct CutLimits {
    int64_t max_bytes = 0;
    int64_t min_retention_secs = 0;  // keep entries younger than this
    uint32_t now_secs = 0;
    bson::Timestamp keep_from;       // nothing at or behind it may go (null: no hold)
  };
  // Decides how many whole chunks go, notes it in the batch. Returns false if none.
  bool Cut(const CutLimits& limits, storage::WriteBatch* batch);
  // After that batch was written: frees the space.
  Status DropFront(storage::Engine* engine) const;

 private:
  struct Stone {
    uint64_t last = 0;  // newest entry of the chunk
    int64_t bytes = 0;
    int64_t count = 0;
  };
  void PutTotals(storage::WriteBatch* batch) const;

  const int64_t chunk_bytes_;
  std::atomic<int64_t> count_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<uint64_t> first_{0};
  std::deque<Stone> stones_;  // closed chunks, oldest first
  Stone open_;                // the chunk being filled
  // Not committed yet.
  int64_t added_bytes_ = 0;
  int64_t added_count_ = 0;
  uint64_t added_last_ = 0;
};

}  // namespace septet::repl
