// SPDX-License-Identifier: Apache-2.0
// What a Node knows at one moment, as plain data: enough for hello, replSetGetStatus, replSetGetConfig,
// serverStatus.repl and electionMetrics. The driver publishes it as an immutable object after each
// Step that moved something, so no reader ever locks the core.
// Times are on the monotonic clock; the driver turns them into dates by its own offset.
// Source: replication.md 2.6, 2.8. Thread rule: a value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "election/config.h"
#include "election/member.h"
#include "election/messages.h"

namespace septet::election {

// Where a leader is between winning and losing; the legal moves are in node.cc.
enum class LeaderMode { kNotLeader, kLeaderElect, kWritable, kAttemptingStepDown, kSteppingDown };
std::string_view LeaderModeName(LeaderMode mode);

// serverStatus.electionMetrics.
struct ElectionCounters {
  struct PerReason {
    int64_t called = 0;
    int64_t successful = 0;
  };
  PerReason step_up_cmd;
  PerReason priority_takeover;
  PerReason catch_up_takeover;
  PerReason election_timeout;   // a refused connection counts here
  PerReason freeze_timeout;
  int64_t step_downs_by_higher_term = 0;
  int64_t catch_ups = 0;
  int64_t catch_ups_succeeded = 0;
  int64_t catch_ups_already_caught_up = 0;
  int64_t catch_ups_skipped = 0;
  int64_t catch_ups_timed_out = 0;
  int64_t catch_ups_failed_with_error = 0;
  int64_t catch_ups_failed_with_new_term = 0;
  int64_t catch_ups_aborted_by_command = 0;
};

// replSetGetStatus.electionCandidateMetrics; of the last election this member won.
struct CandidateMetrics {
  ElectionReason reason = ElectionReason::kElectionTimeout;
  TimePoint elected_at;
  int64_t term = 0;
  OpTime commit_point_at_election;
  OpTime last_seen_at_election;
  int votes_needed = 0;
  double priority = 0;
  int64_t election_timeout_millis = 0;
  int prior_primary_id = -1;
  std::optional<OpTime> catch_up_target;
  std::optional<TimePoint> new_term_start;
  std::optional<TimePoint> majority_write_available;  // first commit of the own term
};

// replSetGetStatus.electionParticipantMetrics; of the last real vote this member was asked for.
struct ParticipantMetrics {
  bool voted_for_candidate = false;
  int64_t term = 0;
  TimePoint voted_at;
  int candidate_id = -1;
  std::string reason;
  OpTime last_written_at_election;
  OpTime max_written_in_set;
  double priority = 0;
};

struct MemberSnapshot {
  int id = -1;
  std::string name;
  bool self = false;
  bool healthy = true;
  MemberState state = MemberState::kUnknown;  // kDown / kUnknown while not heard
  OpTimeAndWall written;
  OpTimeAndWall durable;
  std::optional<TimePoint> last_heartbeat;
  std::optional<TimePoint> last_heartbeat_received;
  int ping_millis = 0;
  bool auth_error = false;
  std::string last_heartbeat_message;
  std::string sync_source_host;
  int sync_source_id = -1;
  ConfigVersion config;
  std::optional<bson::Timestamp> election_time;
};

struct Snapshot {
  std::string set_name;
  // Null before a config is loaded. Never changes once published.
  std::shared_ptr<const ReplSetConfig> config;
  int self_index = -1;
  MemberState state = MemberState::kStartup;
  LeaderMode leader_mode = LeaderMode::kNotLeader;
  bool writable = false;               // hello's isWritablePrimary
  bool secondary = false;              // hello's secondary: also a primary that may not write yet
  int64_t term = repl::kUninitializedTerm;
  int primary_id = -1;                 // -1: none known
  std::string primary_host;
  OpTimeAndWall written;
  OpTimeAndWall durable;
  OpTimeAndWall commit_point;
  OpTime first_of_term;                // OpTime::Max() unless writable
  std::optional<bson::Timestamp> election_time;  // of this member's own term as primary
  std::string sync_source_host;
  int sync_source_id = -1;
  bool too_stale = false;
  int maintenance_count = 0;
  bool config_committed = false;       // replSetGetConfig's commitmentStatus
  int64_t topology_version = 0;
  std::vector<MemberSnapshot> members;  // in the config's order, this member included
  ElectionCounters counters;
  std::optional<CandidateMetrics> candidate;
  std::optional<ParticipantMetrics> participant;
};

}  // namespace septet::election
