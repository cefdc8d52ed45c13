// SPDX-License-Identifier: Apache-2.0
// What members say to each other: plain structs and their documents. Command bodies carry the command's
// name first and no $db; replies carry no `ok` (the dispatcher adds it). Fields of other members that are
// not known here are ignored, so versions can be mixed.
// Field names are those of replication.md 1.10. Fields of our own: electionReason in a vote request,
// and memberTerm per entry of a position report (so that a forwarder never hides from a stale primary
// that a member votes in a later term already).
// Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "election/config.h"
#include "election/member.h"

namespace septet::election {

struct HeartbeatRequest {
  std::string set_name;
  ConfigVersion config;           // -2 if none
  std::string from;               // "host:port"; empty if it does not know itself
  int from_id = -1;
  int64_t term = repl::kUninitializedTerm;
  int primary_id = -1;            // whom the sender takes for primary
  bool check_empty = false;       // replSetInitiate's probe

  std::string ToBson() const;     // {replSetHeartbeat: set_name, ...}
  // Errors: FailedToParse (9) if the command's value is no string.
  static StatusOr<HeartbeatRequest> FromBson(bson::DocView doc);
};

struct HeartbeatReply {
  std::string set_name;
  MemberState state = MemberState::kUnknown;
  ConfigVersion config;                    // -2 if none
  int64_t term = repl::kUninitializedTerm;
  std::optional<bson::Timestamp> election_time;  // only a primary
  OpTimeAndWall written;                   // opTime = writtenOpTime: applied is written
  OpTimeAndWall durable;
  std::string syncing_to;
  int primary_id = -1;
  bool electable = false;
  bool has_data = false;                   // answer to check_empty
  std::string config_document;             // the whole config, only if newer than the caller's
  OpTimeAndWall commit_point;              // $replData.lastOpCommitted
  std::optional<bson::ObjectId> replica_set_id;

  std::string ToBson() const;
  static StatusOr<HeartbeatReply> FromBson(bson::DocView doc);
};

enum class ElectionReason : int {
  kElectionTimeout = 0,
  kConnectionRefused = 1,   // the primary's process is gone: its port refuses
  kPriorityTakeover = 2,
  kCatchUpTakeover = 3,
  kStepUpRequest = 4,
  kStepUpSkipDryRun = 5,    // the hand-off of a primary that stepped down
  kSingleNode = 6,
};
std::string_view ElectionReasonName(ElectionReason reason);

struct VoteRequest {
  std::string set_name;
  bool dry_run = false;
  int64_t term = repl::kUninitializedTerm;
  int candidate_index = -1;                // index in the config's members
  ConfigVersion config;
  OpTime last_written;
  ElectionReason reason = ElectionReason::kElectionTimeout;
  bool has_reason = false;                 // absent: no rule about hearing the primary applies

  std::string ToBson() const;              // {replSetRequestVotes: 1, ...}
  static StatusOr<VoteRequest> FromBson(bson::DocView doc);
};

struct VoteReply {
  int64_t term = repl::kUninitializedTerm;
  bool granted = false;
  std::string reason;                      // why not

  std::string ToBson() const;
  static StatusOr<VoteReply> FromBson(bson::DocView doc);
};

struct UpdatePositionRequest {
  struct Entry {
    int member_id = -1;
    OpTimeAndWall written;
    OpTimeAndWall durable;
    int64_t config_version = -2;
    int64_t member_term = repl::kUninitializedTerm;
  };
  std::vector<Entry> entries;              // members alive to the sender, itself included
  int64_t term = repl::kUninitializedTerm;  // the sender's

  std::string ToBson() const;              // {replSetUpdatePosition: 1, ...}
  static StatusOr<UpdatePositionRequest> FromBson(bson::DocView doc);
};

// $replData and $oplogQueryData of every oplog batch.
struct FetchMetadata {
  int64_t term = repl::kUninitializedTerm;
  OpTimeAndWall commit_point;              // lastOpCommitted
  OpTime last_written;                     // lastOpApplied of the source
  ConfigVersion config;
  std::optional<bson::ObjectId> replica_set_id;
  int32_t rbid = 0;
  int primary_index = -1;
  std::string sync_source_host;            // whom the source copies from
  bool is_primary = false;                 // the source itself

  // Appends $replData and $oplogQueryData to an open reply.
  void AppendTo(bson::DocBuilder* b) const;
  static FetchMetadata FromBson(bson::DocView reply);
};

}  // namespace septet::election
