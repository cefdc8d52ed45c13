// SPDX-License-Identifier: Apache-2.0
#include "commands/write_gate.h"

#include <utility>
#include <vector>

namespace septet::commands {

// A writer counts itself and then looks at the lock; a locker sets the lock and then looks at the count:
// one of the two sees the other.
bool WriteGate::Enter() {
  active_.fetch_add(1, std::memory_order_seq_cst);
  if (locks_.load(std::memory_order_seq_cst) == 0) {
    return true;
  }
  Leave();
  return false;
}

void WriteGate::Leave() {
  active_.fetch_sub(1, std::memory_order_seq_cst);
  if (locks_.load(std::memory_order_seq_cst) != 0) {
    absl::MutexLock lock(&mutex_);
    ++leaves_;
  }
}

bool WriteGate::Lock(std::chrono::milliseconds patience) {
  locks_.fetch_add(1, std::memory_order_seq_cst);
  bool quiet = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto idle = [this] { return active_.load(std::memory_order_seq_cst) == 0; };
    quiet = mutex_.AwaitWithTimeout(absl::Condition(&idle), absl::FromChrono(patience));
  }
  if (!quiet) {
    Unlock();
  }
  return quiet;
}

int WriteGate::Unlock() {
  std::map<WaiterId, std::function<void()>> wake;
  int remaining = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (locks_.load(std::memory_order_seq_cst) == 0) {
      return -1;
    }
    remaining = locks_.fetch_sub(1, std::memory_order_seq_cst) - 1;
    if (remaining == 0) {
      wake.swap(waiters_);
    }
  }
  for (const auto& [id, done] : wake) {
    done();
  }
  return remaining;
}

WriteGate::WaiterId WriteGate::WaitUnlocked(std::function<void()> done) {
  {
    absl::MutexLock lock(&mutex_);
    if (lock_count() != 0) {
      const WaiterId id = next_++;
      waiters_.emplace(id, std::move(done));
      return id;
    }
  }
  done();
  return 0;
}

void WriteGate::CancelWait(WaiterId id) {
  absl::MutexLock lock(&mutex_);
  waiters_.erase(id);
}

}  // namespace septet::commands
