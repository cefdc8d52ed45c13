// SPDX-License-Identifier: Apache-2.0
#include "base/interrupt.h"

namespace septet {

Status Interrupt::KilledStatus() const {
  const auto code = static_cast<ErrorCode>(kill_code_.load(std::memory_order_relaxed));
  switch (code) {
    case ErrorCode::kInterruptedDueToReplStateChange:
      return Error(code, "operation was interrupted");
    case ErrorCode::kInterruptedAtShutdown:
      return Error(code, "interrupted at shutdown");
    case ErrorCode::kCursorKilled:
      return Error(code, "cursor was killed");
    default:
      return Error(code, "operation was interrupted");
  }
}

Status Interrupt::CheckClock() const {
  if (has_deadline_ && Clock::now() >= deadline_) {
    return Error(ErrorCode::kMaxTimeMSExpired, "operation exceeded time limit");
  }
  return OkStatus();
}

}  // namespace septet
