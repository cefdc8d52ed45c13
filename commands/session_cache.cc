// SPDX-License-Identifier: Apache-2.0
#include "commands/session_cache.h"

namespace septet::commands {

Status SessionCache::Touch(std::string_view id, int64_t now_millis) {
  Shard& shard = ShardOf(id);
  absl::MutexLock lock(&shard.mutex);
  if (const auto it = shard.last_use.find(id); it != shard.last_use.end()) {
    it->second = now_millis;
    return OkStatus();
  }
  if (size() >= options_.max_sessions) {
    return Error(ErrorCode::kTooManyLogicalSessions,
                 "Unable to add session into the cache because the number of active sessions is too "
                 "high");
  }
  shard.last_use.emplace(id, now_millis);
  size_.fetch_add(1, std::memory_order_relaxed);
  return OkStatus();
}

void SessionCache::End(std::string_view id) {
  {
    Shard& shard = ShardOf(id);
    absl::MutexLock lock(&shard.mutex);
    if (const auto it = shard.last_use.find(id); it != shard.last_use.end()) {
      shard.last_use.erase(it);
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  Tell({std::string(id)});
}

void SessionCache::EndAll() {
  std::vector<std::string> ended;
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    for (const auto& [id, last_use] : shard.last_use) {
      ended.push_back(id);
    }
    size_.fetch_sub(static_cast<int64_t>(shard.last_use.size()), std::memory_order_relaxed);
    shard.last_use.clear();
  }
  Tell(ended);
}

int SessionCache::Reap(int64_t now_millis) {
  std::vector<std::string> ended;
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    for (auto it = shard.last_use.begin(); it != shard.last_use.end();) {
      if (now_millis - it->second >= options_.timeout_millis) {
        ended.push_back(it->first);
        it = shard.last_use.erase(it);
        size_.fetch_sub(1, std::memory_order_relaxed);
      } else {
        ++it;
      }
    }
  }
  jobs_.reap_count.fetch_add(1, std::memory_order_relaxed);
  Tell(ended);
  return static_cast<int>(ended.size());
}

std::vector<SessionCache::Session> SessionCache::All() const {
  std::vector<Session> all;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    for (const auto& [id, last_use] : shard.last_use) {
      all.push_back({id, last_use});
    }
  }
  return all;
}

void SessionCache::OnEnd(std::function<void(const std::vector<std::string>&)> observer) {
  observers_.push_back(std::move(observer));
}

void SessionCache::Tell(const std::vector<std::string>& ids) {
  if (ids.empty()) {
    return;
  }
  for (const auto& observer : observers_) {
    observer(ids);
  }
}

}  // namespace septet::commands
