// SPDX-License-Identifier: Apache-2.0
// What operations cost, per namespace (top, $collStats latencyStats), and when an operation is slow or
// profiled (the profile command).
// Thread rule: thread-safe; Record takes one of 16 locks by the name's hash.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/metrics.h"
#include "base/strings.h"
#include "commands/command.h"

namespace septet::commands {

class Profiler;

struct Usage {
  struct Sum {
    int64_t micros = 0;
    int64_t count = 0;
  };
  Sum total, read_lock, write_lock;
  Sum queries, getmore, insert, update, remove, commands;
  // Latencies as $collStats shows them.
  Sum reads, writes, other;
};

struct ProfileSettings {
  int level = 0;                // 0 off, 1 slow ones, 2 all
  int64_t slow_millis = 100;
  double sample_rate = 1.0;
  std::string filter;           // encoded match document, empty = none
};

class UsageRecorder {
 public:
  void Record(std::string_view ns, OpKind kind, bool is_write, int64_t micros);
  void Forget(std::string_view ns);  // dropped
  // Copies, sorted by name.
  std::vector<std::pair<std::string, Usage>> All() const;
  Usage Of(std::string_view ns) const;

  // slowms and sampleRate are the process's; the level and the filter are the database's.
  int64_t slow_micros() const { return slow_micros_.load(std::memory_order_relaxed); }
  double sample_rate() const { return sample_rate_.load(std::memory_order_relaxed); }
  bool any_profiled() const { return any_profiled_.load(std::memory_order_relaxed); }
  ProfileSettings Profile(std::string_view db) const;
  void SetProfile(std::string_view db, const ProfileSettings& settings);
  void SetDefaults(const ProfileSettings& settings);
  // Who writes system.profile; null: nobody. Before the server takes requests.
  void SetProfiler(Profiler* profiler) { profiler_ = profiler; }
  Profiler* profiler() const { return profiler_; }

 private:
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable absl::Mutex mutex;
    StringMap<Usage> by_ns ABSL_GUARDED_BY(mutex);
  };
  Shard& ShardOf(std::string_view ns) const {
    return shards_[StringHash{}(ns) % kShards];
  }

  mutable std::array<Shard, kShards> shards_;
  std::atomic<int64_t> slow_micros_{100'000};
  std::atomic<double> sample_rate_{1.0};
  std::atomic<bool> any_profiled_{false};
  Profiler* profiler_ = nullptr;
  mutable absl::Mutex mutex_;
  ProfileSettings defaults_ ABSL_GUARDED_BY(mutex_);
  StringMap<ProfileSettings> by_db_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace septet::commands
