// SPDX-License-Identifier: Apache-2.0
// The lock of {fsync: 1, lock: true}: while it is held no user write runs. Locks nest; writes that come
// meanwhile wait without a thread.
// Thread rule: thread-safe; Enter and Leave are one atomic operation each while nobody locks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace septet::commands {

class WriteGate {
 public:
  // A write begins. False: locked, nothing was entered.
  bool Enter();
  void Leave();

  // Takes the lock once more and waits until no write runs. False (and no lock) if that took longer than
  // `patience`. Blocks the thread.
  bool Lock(std::chrono::milliseconds patience);
  // Gives one lock back; returns how many remain, -1 if there was none.
  int Unlock();
  int lock_count() const { return locks_.load(std::memory_order_seq_cst); }

  using WaiterId = uint64_t;
  // Calls `done` once the last lock is given back (at once, inline, if there is none).
  WaiterId WaitUnlocked(std::function<void()> done);
  void CancelWait(WaiterId id);

 private:
  std::atomic<int> locks_{0};
  std::atomic<int64_t> active_{0};
  absl::Mutex mutex_;
  uint64_t leaves_ ABSL_GUARDED_BY(mutex_) = 0;  // wakes Lock
  std::map<WaiterId, std::function<void()>> waiters_ ABSL_GUARDED_BY(mutex_);
  WaiterId next_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace septet::commands
