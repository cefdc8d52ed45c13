// SPDX-License-Identifier: Apache-2.0
// Logical sessions this server has seen and when they were used last (S08-002, S08-003). What a session
// holds (retryable writes, transactions, cursors) belongs to others; they hear of its end by OnEnd.
// Thread rule: thread-safe; a session's touch takes one of 64 locks by the id.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "base/strings.h"

namespace septet::commands {

class SessionCache {
 public:
  struct Options {
    int64_t max_sessions = 1'000'000;
    int64_t timeout_millis = 30LL * 60 * 1000;
  };
  explicit SessionCache(const Options& options) : options_(options) {}

  // A request of the session came. `id` is the 16 bytes of lsid.id, `now_millis` a monotonic time.
  // Error: TooManyLogicalSessions (261).
  Status Touch(std::string_view id, int64_t now_millis);
  // endSessions, killSessions: forgets the session and tells the observers.
  void End(std::string_view id);
  void EndAll();
  // Ends what was idle too long; returns how many. Run every few seconds.
  int Reap(int64_t now_millis);

  struct Session {
    std::string id;
    int64_t last_use_millis;
  };
  std::vector<Session> All() const;
  int64_t size() const { return size_.load(std::memory_order_relaxed); }

  // Called with the ids that ended, outside locks. Before the server takes requests.
  void OnEnd(std::function<void(const std::vector<std::string>& ids)> observer);

  struct Jobs {
    std::atomic<int64_t> refresh_count{0};
    std::atomic<int64_t> reap_count{0};
  };
  Jobs& jobs() { return jobs_; }

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    mutable absl::Mutex mutex;
    StringMap<int64_t> last_use ABSL_GUARDED_BY(mutex);
  };
  Shard& ShardOf(std::string_view id) { return shards_[StringHash{}(id) % kShards]; }
  void Tell(const std::vector<std::string>& ids);

  const Options options_;
  std::array<Shard, kShards> shards_;
  std::atomic<int64_t> size_{0};
  Jobs jobs_;
  std::vector<std::function<void(const std::vector<std::string>&)>> observers_;
};

}  // namespace septet::commands
