// SPDX-License-Identifier: Apache-2.0
// The replica set's configuration: one document, the same on all members.
//
// ReplSetConfig is a plain value: parse (FromBson), print (ToBson), count votes. The rules of what a
// config may be, and which config may follow which, stand in config_rules.h.
// `newlyAdded: true` marks a voter that the primary added and that has no data yet: it counts as votes 0
// and priority 0 until the primary sees it as SECONDARY, RECOVERING or ROLLBACK and removes the mark by a
// reconfig of its own. So a new voter in initial sync never stalls elections or majorities. The mark is
// stored and sent between members, and hidden from users.
// Source: replication.md 2.1, surface S08-050, S08-051.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "bson/view.h"
#include "replication/core/progress.h"
#include "replication/core/write_concern.h"

namespace septet::election {

using repl::Millis;
using repl::OpTime;
using repl::OpTimeAndWall;
using repl::TimePoint;

// Configs are ordered by term, then version; if either term is -1 (force reconfig) by version alone.
struct ConfigVersion {
  int64_t version = -2;  // -2: no config yet
  int64_t term = repl::kUninitializedTerm;
  bool IsNewerThan(const ConfigVersion& other) const {
    if (term != repl::kUninitializedTerm && other.term != repl::kUninitializedTerm &&
        term != other.term) {
      return term > other.term;
    }
    return version > other.version;
  }
  bool operator==(const ConfigVersion&) const = default;
  std::string ToString() const;  // "{version: 1, term: 0}"
};

struct MemberConfig {
  int id = 0;
  std::string host;                  // "host:port", the port always there
  bool arbiter_only = false;
  bool build_indexes = true;
  bool hidden = false;
  double priority = 1.0;             // as written; see effective_priority
  repl::Tags tags;
  int64_t secondary_delay_secs = 0;
  int votes = 1;                     // as written; see is_voter
  std::vector<std::pair<std::string, std::string>> horizons;
  bool newly_added = false;

  bool is_voter() const { return votes == 1 && !newly_added; }
  double effective_priority() const { return newly_added || arbiter_only ? 0.0 : priority; }
  bool is_electable() const { return effective_priority() > 0; }
  bool bears_data() const { return !arbiter_only; }
  bool operator==(const MemberConfig&) const = default;
};

struct ReplSetSettings {
  bool chaining_allowed = true;
  int64_t heartbeat_interval_millis = 2000;
  int64_t heartbeat_timeout_secs = 10;
  int64_t election_timeout_millis = 10'000;
  int64_t catch_up_timeout_millis = -1;         // -1: no limit
  int64_t catch_up_takeover_delay_millis = 30'000;  // -1: off
  std::vector<repl::TagMode> write_concern_modes;   // getLastErrorModes
  std::optional<bson::ObjectId> replica_set_id;

  Millis heartbeat_interval() const { return Millis(heartbeat_interval_millis); }
  Millis heartbeat_timeout() const { return Millis(heartbeat_timeout_secs * 1000); }
  Millis election_timeout() const { return Millis(election_timeout_millis); }
  bool operator==(const ReplSetSettings&) const = default;
};

struct ReplSetConfig {
  std::string set_name;
  int64_t version = 1;
  int64_t term = repl::kUninitializedTerm;
  std::vector<MemberConfig> members;
  bool configsvr = false;
  int64_t protocol_version = 1;
  bool write_concern_majority_journal_default = true;
  ReplSetSettings settings;

  // Reads a config. Unknown fields, wrong types and missing fields are errors: TypeMismatch (14),
  // 40414, 40415, FailedToParse (9). A missing version is 1, a missing term -1. Rules are not checked.
  static StatusOr<ReplSetConfig> FromBson(bson::DocView doc);
  // kStored carries newlyAdded; kShown is rs.conf().
  enum class Form { kStored, kShown };
  std::string ToBson(Form form = Form::kStored) const;
  // {_id: set_name, version: 1, members: [{_id: 0, host}]}, what an empty replSetInitiate means.
  static ReplSetConfig DefaultFor(std::string_view set_name, std::string_view host);

  ConfigVersion config_version() const { return {version, term}; }
  int IndexOf(int member_id) const;                 // -1 if absent
  int IndexOfHost(std::string_view host) const;     // -1 if absent
  const MemberConfig* Find(int member_id) const;    // null if absent

  int voters() const;
  int majority_votes() const { return voters() / 2 + 1; }
  int writable_voters() const;                      // voters that are no arbiters
  int write_majority() const;                       // min(majority_votes, writable_voters)
  // False if the implicit default write concern is {w: 1}: arbiters present, and no more data-bearing
  // voters than the majority of votes (S08-045).
  bool implicit_default_is_majority() const;
  // How many members have a strictly higher effective priority than this one; 0 = highest.
  int PriorityRank(int member_index) const;
  std::vector<repl::MemberSpec> Specs() const;      // for repl::Progress

  bool operator==(const ReplSetConfig&) const = default;
};

// "host" -> "host:27017"; "[::1]:5" stays. Error FailedToParse (9): empty host, bad port.
StatusOr<std::string> NormalizeHost(std::string_view host);
// localhost, 127.x.x.x, ::1 and Unix socket paths; with or without a port.
bool IsLoopbackHost(std::string_view host);

}  // namespace septet::election
