// SPDX-License-Identifier: Apache-2.0
#include "commands/usage.h"

#include <algorithm>

namespace septet::commands {
namespace {

void Add(Usage::Sum* sum, int64_t micros) {
  sum->micros += micros;
  sum->count += 1;
}

Usage::Sum* KindOf(Usage* usage, OpKind kind) {
  switch (kind) {
    case OpKind::kInsert: return &usage->insert;
    case OpKind::kQuery: return &usage->queries;
    case OpKind::kUpdate: return &usage->update;
    case OpKind::kDelete: return &usage->remove;
    case OpKind::kGetMore: return &usage->getmore;
    case OpKind::kCommand: return &usage->commands;
  }
  return &usage->commands;
}

}  // namespace

void UsageRecorder::Record(std::string_view ns, OpKind kind, bool is_write, int64_t micros) {
  Shard& shard = ShardOf(ns);
  absl::MutexLock lock(&shard.mutex);
  auto it = shard.by_ns.find(ns);
  if (it == shard.by_ns.end()) {
    it = shard.by_ns.emplace(ns, Usage()).first;
  }
  Usage& usage = it->second;
  Add(&usage.total, micros);
  Add(is_write ? &usage.write_lock : &usage.read_lock, micros);
  Add(KindOf(&usage, kind), micros);
  if (is_write) {
    Add(&usage.writes, micros);
  } else if (kind == OpKind::kCommand) {
    Add(&usage.other, micros);
  } else {
    Add(&usage.reads, micros);
  }
}

void UsageRecorder::Forget(std::string_view ns) {
  Shard& shard = ShardOf(ns);
  absl::MutexLock lock(&shard.mutex);
  const auto it = shard.by_ns.find(ns);
  if (it != shard.by_ns.end()) {
    shard.by_ns.erase(it);
  }
}

std::vector<std::pair<std::string, Usage>> UsageRecorder::All() const {
  std::vector<std::pair<std::string, Usage>> all;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    all.insert(all.end(), shard.by_ns.begin(), shard.by_ns.end());
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

Usage UsageRecorder::Of(std::string_view ns) const {
  const Shard& shard = ShardOf(ns);
  absl::MutexLock lock(&shard.mutex);
  const auto it = shard.by_ns.find(ns);
  return it == shard.by_ns.end() ? Usage() : it->second;
}

ProfileSettings UsageRecorder::Profile(std::string_view db) const {
  absl::MutexLock lock(&mutex_);
  const auto it = by_db_.find(db);
  ProfileSettings settings = it == by_db_.end() ? defaults_ : it->second;
  settings.slow_millis = slow_micros() / 1000;
  settings.sample_rate = sample_rate();
  return settings;
}

void UsageRecorder::SetProfile(std::string_view db, const ProfileSettings& settings) {
  absl::MutexLock lock(&mutex_);
  by_db_.insert_or_assign(std::string(db), settings);
  slow_micros_.store(settings.slow_millis * 1000, std::memory_order_relaxed);
  sample_rate_.store(settings.sample_rate, std::memory_order_relaxed);
  bool any = defaults_.level > 0;
  for (const auto& [name, s] : by_db_) {
    any = any || s.level > 0 || !s.filter.empty();
  }
  any_profiled_.store(any, std::memory_order_relaxed);
}

void UsageRecorder::SetDefaults(const ProfileSettings& settings) {
  absl::MutexLock lock(&mutex_);
  defaults_ = settings;
  slow_micros_.store(settings.slow_millis * 1000, std::memory_order_relaxed);
  sample_rate_.store(settings.sample_rate, std::memory_order_relaxed);
  any_profiled_.store(settings.level > 0, std::memory_order_relaxed);
}

}  // namespace septet::commands
