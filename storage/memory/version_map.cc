// SPDX-License-Identifier: Apache-2.0
#include "storage/memory/version_map.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace septet::storage {

bool ReadHorizon::Needs(uint64_t from, uint64_t to) const {
  if (to > synced) {
    return true;
  }
  const auto reader = snapshots->lower_bound(from);
  return reader != snapshots->end() && *reader < to;
}

uint64_t ReadHorizon::oldest() const {
  return snapshots->empty() ? synced : std::min(synced, *snapshots->begin());
}

void VersionMap::Account(const Version& version, int sign) {
  const size_t size = version.value == nullptr ? 0 : version.value->size();
  if (sign > 0) {
    bytes_ += size;
    ++version_count_;
  } else {
    bytes_ -= size;
    --version_count_;
  }
}

VersionMap::Map::iterator VersionMap::EraseKey(Map::iterator entry) {
  for (const Version& version : entry->second) {
    Account(version, -1);
  }
  ++erasures_;
  return map_.erase(entry);
}

void VersionMap::Set(std::string_view key, SharedValue value, uint64_t sequence,
                     const ReadHorizon& horizon) {
  auto entry = map_.lower_bound(key);
  if (entry == map_.end() || entry->first != key) {
    if (value == nullptr) {
      return;  // nothing to delete
    }
    entry = map_.emplace_hint(entry, std::string(key), std::vector<Version>());
  }
  std::vector<Version>& versions = entry->second;
  if (!versions.empty() && versions.back().sequence == sequence) {
    Account(versions.back(), -1);
    versions.back().value = std::move(value);
    Account(versions.back(), +1);
    return;  // written twice by one batch
  }
  P_CHECK(versions.empty() || versions.back().sequence < sequence);
  const bool supersedes = !versions.empty();
  versions.push_back({sequence, std::move(value)});
  Account(versions.back(), +1);
  if (!supersedes && versions.back().value != nullptr) {
    return;
  }
  queue_.push_back({sequence, entry->first});
  Prune(entry, horizon);
}

void VersionMap::Prune(Map::iterator entry, const ReadHorizon& horizon) {
  std::vector<Version>& versions = entry->second;
  size_t kept = 0;
  for (size_t i = 0; i < versions.size(); ++i) {
    const bool needed =
        i + 1 == versions.size() || horizon.Needs(versions[i].sequence, versions[i + 1].sequence);
    // A tombstone with nothing below it says no more than the key's absence.
    const bool empty = versions[i].value == nullptr && kept == 0 &&
                       (i + 1 < versions.size() || versions[i].sequence <= horizon.synced);
    if (needed && !empty) {
      if (kept != i) {
        versions[kept] = std::move(versions[i]);
      }
      ++kept;
    } else {
      Account(versions[i], -1);
    }
  }
  versions.resize(kept);
  if (kept == 0) {
    EraseKey(entry);
  }
}

void VersionMap::DeleteRange(std::string_view from, std::string_view to, uint64_t sequence,
                             const ReadHorizon& horizon) {
  std::vector<std::string> keys;
  for (auto entry = map_.lower_bound(from); entry != map_.end() && entry->first < to; ++entry) {
    if (!entry->second.empty() && entry->second.back().value != nullptr) {
      keys.push_back(entry->first);
    }
  }
  for (const std::string& key : keys) {
    Set(key, nullptr, sequence, horizon);
  }
}

const SharedValue* VersionMap::Visible(Position position, uint64_t sequence) {
  const std::vector<Version>& versions = position->second;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->sequence <= sequence) {
      return version->value == nullptr ? nullptr : &version->value;
    }
  }
  return nullptr;
}

SharedValue VersionMap::Find(std::string_view key, uint64_t sequence) const {
  const auto entry = map_.find(key);
  if (entry == map_.end()) {
    return nullptr;
  }
  const SharedValue* value = Visible(entry, sequence);
  return value == nullptr ? nullptr : *value;
}

void VersionMap::Erase(std::string_view from, std::string_view to) {
  auto entry = map_.lower_bound(from);
  while (entry != map_.end() && entry->first < to) {
    entry = EraseKey(entry);
  }
}

void VersionMap::Collect(const ReadHorizon& horizon) {
  const uint64_t oldest = horizon.oldest();
  while (!queue_.empty() && queue_.front().at <= oldest) {
    const auto entry = map_.find(queue_.front().key);
    if (entry != map_.end()) {
      Prune(entry, horizon);
    }
    queue_.pop_front();
  }
}

void VersionMap::CutAfter(uint64_t sequence) {
  for (auto entry = map_.begin(); entry != map_.end();) {
    std::vector<Version>& versions = entry->second;
    while (!versions.empty() && versions.back().sequence > sequence) {
      Account(versions.back(), -1);
      versions.pop_back();
    }
    entry = versions.empty() ? EraseKey(entry) : std::next(entry);
  }
  while (!queue_.empty() && queue_.back().at > sequence) {
    queue_.pop_back();
  }
}

uint64_t VersionMap::Bytes(std::string_view from, std::string_view to) const {
  uint64_t total = 0;
  for (auto entry = map_.lower_bound(from); entry != map_.end() && entry->first < to; ++entry) {
    for (const Version& version : entry->second) {
      total += entry->first.size() + (version.value == nullptr ? 0 : version.value->size());
    }
  }
  return total;
}

}  // namespace septet::storage
