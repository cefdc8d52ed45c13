// SPDX-License-Identifier: Apache-2.0
// Everything a Node can ask of its driver. Step returns them in the order in which they must be begun;
// node.h states the contract.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "election/config.h"
#include "election/events.h"
#include "election/messages.h"

namespace septet::election {

// --- messages ---
struct SendHeartbeat {
  std::string host;
  uint64_t sequence;
  HeartbeatRequest request;
  Millis timeout;
};
struct SendHeartbeatReply {
  ReplyId reply_id;
  Status status;            // not ok: an error reply
  HeartbeatReply reply;
};
struct SendVoteRequest {
  std::string host;
  int member_id;
  uint64_t round;
  VoteRequest request;
  Millis timeout;
};
struct SendVoteReply {
  ReplyId reply_id;
  Status status;
  VoteReply reply;
};
// To the sync source. At most one is out; answer with UpdatePositionReplyReceived.
struct SendUpdatePosition {
  std::string host;
  UpdatePositionRequest request;
};
struct SendUpdatePositionReply {
  ReplyId reply_id;
  Status status;
  int64_t config_version;   // appended to an error reply as configVersion
};
// {replSetStepUp: 1, skipDryRun: true}; fire and forget.
struct SendStepUp {
  std::string host;
};
// The answer of a command. `extra` is an encoded document merged into the reply, or empty.
struct SendAdminReply {
  ReplyId reply_id;
  Status status;
  std::string extra;
};

// --- storage: answered by an event when durable (or failed) ---
struct LastVote {
  int64_t term = repl::kInitialTerm;
  int candidate_index = -1;
  bool operator==(const LastVote&) const = default;
};
struct PersistVote {        // -> VoteDurable
  uint64_t token;
  LastVote vote;
};
struct PersistConfig {      // -> ConfigDurable
  uint64_t token;
  ReplSetConfig config;
  // replSetInitiate: create the oplog and write config and {msg: "initiating set"} as one unit.
  bool initiate = false;
};

// --- this member's part in the set ---
// The config in use changed. self_index -1: this member is not in it (REMOVED).
struct ConfigInstalled {
  ReplSetConfig config;
  int self_index;
};
// Copy the log from there (STARTUP2: clone from there); empty host: stop fetching.
struct SetSyncSource {
  std::string host;
  int member_id = -1;
};
// Elected and caught up: let the applier finish what is buffered -> DrainComplete.
struct StartDrain {
  int64_t term;
};
// Write {msg: "new primary"} as the first entry of the term, then accept writes -> BecameWritable.
struct BecomeWritable {
  int64_t term;
};
// A conditional step-down begins: accept no more writes -> LocalProgress, WritesStopped.
struct StopWrites {
  int64_t term;
};
// It failed: accept writes of the term again.
struct ResumeWrites {
  int64_t term;
};
enum class StepDownReason { kHigherTerm, kNoMajority, kCommand, kReconfig, kShutdown, kWriteFailed };
std::string_view StepDownReasonName(StepDownReason reason);
// No longer primary: before any later action begins, no write of `term` can commit any more. User
// operations end with 11602, write concern waiters with 189.
struct StepDown {
  int64_t term;
  StepDownReason reason;
};
// Write a no-op entry as primary: {msg: "Reconfig set", version: N}.
struct WriteReconfigNoop {
  int64_t version;
};

// --- knowledge ---
struct CommitPointMoved {
  OpTimeAndWall commit_point;
};
// What hello shows changed: publish a new snapshot and wake awaiting hellos.
struct PublishTopology {
  int64_t topology_version;
};
// Deliver TimerFired at (or soon after) this moment. Replaces the one before.
struct WakeAt {
  TimePoint when;
};

using Action =
    std::variant<SendHeartbeat, SendHeartbeatReply, SendVoteRequest, SendVoteReply,
                 SendUpdatePosition, SendUpdatePositionReply, SendStepUp, SendAdminReply, PersistVote,
                 PersistConfig, ConfigInstalled, SetSyncSource, StartDrain, BecomeWritable,
                 StopWrites, ResumeWrites, StepDown, WriteReconfigNoop, CommitPointMoved,
                 PublishTopology, WakeAt>;
using Actions = std::vector<Action>;

}  // namespace septet::election
