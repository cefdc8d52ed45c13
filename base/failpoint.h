// SPDX-License-Identifier: Apache-2.0
// Named fault points that drivers' tests switch on with configureFailPoint. A point that is off costs
// one relaxed load. `data` is an encoded BSON document that only the place of the point understands.
//   if (fail_points->Get(FailPointName::kFailCommand).Enter(matches, &data)) ...
// Modes: off, alwaysOn, times n (n hits, then off), skip n (n misses, then on), activationProbability.
// Only entries whose `matches` accepts the data count for times and skip.
// Source: the drivers' specification of the failCommand fail point; a server's behaviour.
// Thread rule: thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/random.h"

namespace septet {

class FailPoint {
 public:
  enum class Mode { kOff, kAlwaysOn, kTimes, kSkip, kProbability };
  struct Setting {
    Mode mode = Mode::kOff;
    int64_t count = 0;         // kTimes, kSkip
    double probability = 0;    // kProbability
    std::string data = {};     // encoded document, may be empty
  };

  FailPoint();
  // Returns how often the point was hit so far (the reply's `count`).
  int64_t Set(Setting setting);
  Setting setting() const;
  int64_t hits() const { return hits_.load(std::memory_order_relaxed); }
  bool on() const { return on_.load(std::memory_order_relaxed); }

  // True if the fault is to happen now; then `*data` (may be null) gets the document.
  bool Enter(std::string* data) { return on() && EnterSlow(nullptr, data); }
  bool Enter(const std::function<bool(std::string_view data)>& matches, std::string* data) {
    return on() && EnterSlow(&matches, data);
  }

 private:
  bool EnterSlow(const std::function<bool(std::string_view)>* matches, std::string* data);

  std::atomic<bool> on_{false};
  std::atomic<int64_t> hits_{0};
  mutable absl::Mutex mutex_;
  Setting setting_ ABSL_GUARDED_BY(mutex_);
  Random random_ ABSL_GUARDED_BY(mutex_);
};

enum class FailPointName {
  kFailCommand,
  kFailGetMoreAfterCursorCheckout,
  kFailAllCommandsNotHello,
  kOnPrimaryTransactionalWrite,
  kWaitInFindBeforeMakingBatch,
  kCount,
};

// All points of the process, by name.
class FailPoints {
 public:
  static constexpr size_t kSize = static_cast<size_t>(FailPointName::kCount);

  FailPoint& Get(FailPointName name) { return points_[static_cast<size_t>(name)]; }
  // Null for an unknown name.
  FailPoint* Find(std::string_view name);
  static std::string_view NameOf(FailPointName name);

 private:
  std::array<FailPoint, kSize> points_;
};

}  // namespace septet
