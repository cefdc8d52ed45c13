// SPDX-License-Identifier: Apache-2.0
// A log in memory with the crash behaviour of a real one: what was not synced may be lost, from any point
// on. Each entry carries a hash of itself and everything before it, so "same prefix" is one comparison.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "replication/core/optime.h"
#include "replication/core/rollback_plan.h"

namespace septet::sim {

using repl::OpTime;
using repl::OpTimeAndWall;

struct Entry {
  OpTime optime;
  int64_t wall_millis = 0;
  uint64_t value = 0;   // 0: a no-op
  uint64_t chain = 0;   // hash of this entry and its whole prefix
};

inline uint64_t Mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15ULL;
  return h ^ (h >> 32);
}

class Log {
 public:
  const std::vector<Entry>& entries() const { return entries_; }
  size_t durable() const { return durable_; }
  bool empty() const { return entries_.empty(); }
  OpTime Top() const { return entries_.empty() ? OpTime{} : entries_.back().optime; }
  OpTimeAndWall Written() const { return At(entries_.size()); }
  OpTimeAndWall Durable() const { return At(durable_); }

  // The chain hash is computed here.
  const Entry& Append(OpTime optime, int64_t wall, uint64_t value) {
    const uint64_t before = entries_.empty() ? 0 : entries_.back().chain;
    uint64_t h = Mix(before, optime.ts.AsU64());
    h = Mix(Mix(h, static_cast<uint64_t>(optime.term)), value);
    entries_.push_back({optime, wall, value, h});
    return entries_.back();
  }
  void SyncUpTo(size_t count) { durable_ = std::max(durable_, std::min(count, entries_.size())); }
  // Rollback: synced before it counts.
  void TruncateAfter(const OpTime& keep) {
    while (!entries_.empty() && entries_.back().optime > keep) {
      entries_.pop_back();
    }
    durable_ = std::min(durable_, entries_.size());
  }
  // Crash: keeps the synced part and `survivors` of the rest.
  void Lose(size_t survivors) {
    entries_.resize(std::min(entries_.size(), durable_ + survivors));
    durable_ = entries_.size();
  }
  // Null if there is no entry of exactly that position.
  const Entry* Find(const OpTime& optime) const {
    const auto it = std::lower_bound(entries_.begin(), entries_.end(), optime,
                                     [](const Entry& e, const OpTime& o) { return e.optime < o; });
    return it != entries_.end() && it->optime == optime ? &*it : nullptr;
  }

 private:
  OpTimeAndWall At(size_t count) const {
    return count == 0 ? OpTimeAndWall{}
                      : OpTimeAndWall{entries_[count - 1].optime, entries_[count - 1].wall_millis};
  }
  std::vector<Entry> entries_;
  size_t durable_ = 0;
};

// Reads a copy of a log backwards, for the rollback plan.
class BackwardReader : public repl::LogBackwardReader {
 public:
  explicit BackwardReader(const std::vector<Entry>* entries) : entries_(entries), at_(entries->size()) {}
  StatusOr<std::optional<OpTimeAndWall>> Next() override {
    if (at_ == 0) {
      return std::optional<OpTimeAndWall>();
    }
    --at_;
    return std::optional<OpTimeAndWall>({(*entries_)[at_].optime, (*entries_)[at_].wall_millis});
  }

 private:
  const std::vector<Entry>* entries_;
  size_t at_;
};

}  // namespace septet::sim
