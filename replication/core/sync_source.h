// SPDX-License-Identifier: Apache-2.0
// From whom to copy the log, and when to change one's mind. Source: replication.md 4.1.
//
// No cycle can last between secondaries: a source must be strictly ahead, or equally far with a newer
// commit point, or be the primary (which copies from nobody) and not behind. Thread rule: pure functions over plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replication/core/optime.h"

namespace septet::repl {

struct SourceCandidate {
  int id = 0;
  std::string host;
  bool up = false;
  bool readable = false;        // PRIMARY or SECONDARY
  bool primary = false;
  bool builds_indexes = true;
  bool voter = true;
  bool hidden = false;
  int64_t delay_secs = 0;
  OpTime written;
  OpTime commit_point;          // null if it said none
  int ping_millis = -1;         // -1: not measured yet, chosen last
  std::string syncing_from;     // host it copies from; empty if none
};

// Members not to be asked for a while, by host.
class Denylist {
 public:
  void Add(const std::string& host, TimePoint until);
  bool Contains(const std::string& host, TimePoint now) const;
  void Clear() { entries_.clear(); }

 private:
  std::vector<std::pair<std::string, TimePoint>> entries_;
};

struct SourceQuery {
  std::vector<SourceCandidate> candidates;  // the other members, in the config's order
  // This member.
  std::string self_host;
  bool builds_indexes = true;
  bool voter = true;
  int64_t delay_secs = 0;
  OpTime written;
  OpTime commit_point;
  bool chaining_allowed = true;
  bool catching_up = false;     // primary-elect: chaining is allowed, cycles must be broken
  int64_t max_lag_secs = 30;    // maxSyncSourceLagSecs
  TimePoint now;
};

// The member to copy from, or nullopt.
std::optional<int> ChooseSyncSource(const SourceQuery& query, const Denylist& denylist);

struct SourceChangeQuery {
  std::string current_host;
  // What the last batch's metadata said of the source.
  OpTime source_written;
  bool source_is_primary = false;
  std::string source_syncs_from;   // empty if none
  int64_t threshold_millis = 5;    // changeSyncSourceThresholdMillis
  int recent_changes = 0;          // changes for a closer member in the last hour; at most 3
};

inline constexpr char kMuchCloser[] = "another member is much closer";

// Whether to drop the current source after a batch. The text says why, for the log; empty = stay.
std::string WhyChangeSource(const SourceQuery& query, const SourceChangeQuery& change,
                            const Denylist& denylist);

}  // namespace septet::repl
