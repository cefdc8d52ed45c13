// SPDX-License-Identifier: Apache-2.0
// Deadline and kill flag of one operation, polled by every loop.
// Thread rule: Kill() from any thread; everything else on the thread that runs the operation.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/status.h"

namespace septet {

class Interrupt {
 public:
  using Clock = std::chrono::steady_clock;

  // Asks the operation to stop with `code` (11601 killOp, 11602 state change, 11600 shutdown, ...).
  void Kill(ErrorCode code) { kill_code_.store(static_cast<int>(code), std::memory_order_relaxed); }
  bool killed() const { return kill_code_.load(std::memory_order_relaxed) != 0; }

  void SetDeadline(Clock::time_point deadline) { deadline_ = deadline; has_deadline_ = true; }
  void ClearDeadline() { has_deadline_ = false; }
  bool has_deadline() const { return has_deadline_; }
  Clock::time_point deadline() const { return deadline_; }

  // Cheap: reads the clock once in 64 calls. Error: the kill code, or MaxTimeMSExpired.
  Status Check() {
    if (killed()) [[unlikely]] {
      return KilledStatus();
    }
    if ((++polls_ & 63) == 0) {
      return CheckClock();
    }
    return OkStatus();
  }
  // The same, always reading the clock.
  Status CheckNow() { return killed() ? KilledStatus() : CheckClock(); }

  // A time slice for work on an I/O thread: after it is used up the executor yields and the
  // operation goes on in the worker pool. No slice set: never used up.
  void StartSlice(Clock::duration length) { slice_end_ = Clock::now() + length; sliced_ = true; }
  void EndSlice() { sliced_ = false; }
  // Exact, for loops whose steps are long.
  bool SliceExpired() const { return sliced_ && Clock::now() >= slice_end_; }
  bool SliceUsed() {
    if (!sliced_ || (++slice_polls_ & 15) != 0) {
      return false;
    }
    return Clock::now() >= slice_end_;
  }

 private:
  Status KilledStatus() const;
  Status CheckClock() const;

  std::atomic<int> kill_code_{0};
  bool has_deadline_ = false;
  bool sliced_ = false;
  uint32_t polls_ = 0;
  uint32_t slice_polls_ = 0;
  Clock::time_point deadline_{};
  Clock::time_point slice_end_{};
};

}  // namespace septet
