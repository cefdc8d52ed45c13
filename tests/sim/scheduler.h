// SPDX-License-Identifier: Apache-2.0
// Virtual time: a queue of things to do, ordered by (time, order of insertion).
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "replication/core/optime.h"

namespace septet::sim {

using repl::Millis;
using repl::TimePoint;

class Scheduler {
 public:
  TimePoint now() const { return now_; }
  void After(Millis delay, std::function<void()> what) {
    queue_.emplace(std::make_pair(now_ + delay, ++sequence_), std::move(what));
  }
  // Runs the next thing if it is due by `until`; false if there is none.
  bool RunNext(TimePoint until) {
    if (queue_.empty() || queue_.begin()->first.first > until) {
      now_ = std::max(now_, until);
      return false;
    }
    auto node = queue_.extract(queue_.begin());
    now_ = node.key().first;
    node.mapped()();
    return true;
  }

 private:
  TimePoint now_{Millis(1'000'000)};
  uint64_t sequence_ = 0;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> queue_;
};

}  // namespace septet::sim
