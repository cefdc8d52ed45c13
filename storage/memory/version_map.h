// SPDX-License-Identifier: Apache-2.0
// One Space of the memory engine: key -> versions by sequence number.
//
// A version is needed while a snapshot can see it or while a crash could bring it back. Superseded
// versions are queued, and dropped once no reader can ask for them.
// Thread rule: guarded by the engine's mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace septet::storage {

using SharedValue = std::shared_ptr<const std::string>;

// Which sequences somebody can still read at.
struct ReadHorizon {
  const std::multiset<uint64_t>* snapshots;  // ascending
  uint64_t synced;  // every state from here on may be the one after a crash
  // True if a version written at `from` and superseded at `to` may still be read.
  bool Needs(uint64_t from, uint64_t to) const;
  // Below this no state will ever be asked for again.
  uint64_t oldest() const;
};

class VersionMap {
 public:
  struct Version {
    uint64_t sequence;
    SharedValue value;  // null = deleted
  };
  using Map = std::map<std::string, std::vector<Version>, std::less<>>;
  using Position = Map::const_iterator;

  void Set(std::string_view key, SharedValue value, uint64_t sequence, const ReadHorizon& horizon);
  void DeleteRange(std::string_view from, std::string_view to, uint64_t sequence,
                   const ReadHorizon& horizon);
  // Null if absent at `sequence`.
  SharedValue Find(std::string_view key, uint64_t sequence) const;
  // Forgets all versions of the range for every reader.
  void Erase(std::string_view from, std::string_view to);
  // Drops queued versions nobody can read any more.
  void Collect(const ReadHorizon& horizon);
  // Drops every version newer than `sequence`.
  void CutAfter(uint64_t sequence);

  // Positions stay good while erasures() does not change.
  uint64_t erasures() const { return erasures_; }
  Position begin() const { return map_.begin(); }
  Position end() const { return map_.end(); }
  Position AtOrAfter(std::string_view key) const { return map_.lower_bound(key); }
  Position After(std::string_view key) const { return map_.upper_bound(key); }
  // The value a position shows at `sequence`, or null.
  static const SharedValue* Visible(Position position, uint64_t sequence);

  uint64_t Bytes(std::string_view from, std::string_view to) const;
  uint64_t bytes() const { return bytes_; }
  size_t version_count() const { return version_count_; }

 private:
  struct Superseded {
    uint64_t at;
    std::string key;
  };

  void Prune(Map::iterator entry, const ReadHorizon& horizon);
  Map::iterator EraseKey(Map::iterator entry);
  void Account(const Version& version, int sign);

  Map map_;
  std::deque<Superseded> queue_;  // ascending by `at`
  uint64_t erasures_ = 0;
  uint64_t bytes_ = 0;
  size_t version_count_ = 0;
};

}  // namespace septet::storage
