// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a Node. The driver makes one of these and calls Node::Step.
// Answers are matched by numbers the Node gave out (sequence, round, token) or the driver made up
// (ReplyId, for commands that wait for an answer). Late and repeated answers are harmless.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/status.h"
#include "election/config.h"
#include "election/member.h"
#include "election/messages.h"

namespace septet::election {

// A command from outside that waits for its answer; unique per process.
using ReplyId = uint64_t;

// --- messages (on_heartbeat.cc, on_vote.cc, on_progress.cc) ---
struct HeartbeatRequestReceived {
  ReplyId reply_id;
  HeartbeatRequest request;
  bool has_data = false;  // this process holds user databases; asked for by request.check_empty
};
// Answer to SendHeartbeat `sequence`: a reply, or why there is none (HostUnreachable, NetworkTimeout,
// Unauthorized, AuthenticationFailed, InconsistentReplicaSetNames, ...).
struct HeartbeatReplyReceived {
  uint64_t sequence;
  Status status;
  HeartbeatReply reply;
};
struct VoteRequestReceived {
  ReplyId reply_id;
  VoteRequest request;
};
// Answer to SendVoteRequest of `round` to `member_id`.
struct VoteReplyReceived {
  uint64_t round;
  int member_id;
  Status status;
  VoteReply reply;
};
struct UpdatePositionReceived {
  ReplyId reply_id;
  UpdatePositionRequest request;
};
// Answer to SendUpdatePosition.
struct UpdatePositionReplyReceived {
  std::string host;
  Status status;
};
// With every batch of the fetcher, empty ones too, and after the batch's entries are in the log.
struct BatchFetched {
  std::string host;
  FetchMetadata metadata;
};
// The fetcher cannot go on with this source. It is left alone for `deny`.
struct SyncSourceFailed {
  std::string host;
  Millis deny{10'000};
};
// A connection to that member was refused, or broke and was then refused: nobody listens there.
struct ConnectionRefused {
  std::string host;
};

// --- time (on_timer.cc) ---
struct TimerFired {};  // the moment of the last WakeAt has come; early or spurious ones are harmless

// --- storage and replication (on_progress.cc) ---
struct VoteDurable {
  uint64_t token;
  Status status;
};
struct ConfigDurable {
  uint64_t token;
  Status status;
};
// The newest entry in the log and the newest durable one. May go back after a rollback only.
struct LocalProgress {
  OpTimeAndWall written;
  OpTimeAndWall durable;
};
// STARTUP2, RECOVERING, ROLLBACK or SECONDARY: what the log's state allows.
struct FollowerModeChanged {
  MemberState mode;
  bool too_stale = false;
};
// Everything fetched before is applied and the fetcher has stopped (answer to StartDrain).
struct DrainComplete {
  int64_t term;
};
// The first entry of the term is in the log (answer to BecomeWritable). On failure `status` says why and
// the Node steps down.
struct BecameWritable {
  int64_t term;
  OpTimeAndWall first_entry;
  Status status;
};
// No write of `term` commits any more; LocalProgress with the last one came before (answer to StopWrites).
struct WritesStopped {
  int64_t term;
};

// --- commands (on_admin.cc) ---
struct InitiateRequested {
  ReplyId reply_id;
  std::optional<ReplSetConfig> config;  // nullopt: replSetInitiate without a config
  bool has_data = false;                // this process holds user databases (harmless here)
};
struct ReconfigRequested {
  ReplyId reply_id;
  ReplSetConfig config;
  bool force = false;
  bool default_write_concern_set = false;
  std::optional<Millis> max_time{};
};
struct StepDownRequested {
  ReplyId reply_id;
  Millis period{60'000};        // no candidacy for so long
  Millis catch_up{10'000};      // how long to wait for a caught-up electable member
  bool force = false;
  int64_t wall_millis = 0;      // for the error's text
};
struct StepUpRequested {
  ReplyId reply_id;
  bool skip_dry_run = false;
};
struct FreezeRequested {
  ReplyId reply_id;
  Millis period{0};             // 0 unfreezes
};
struct MaintenanceRequested {
  ReplyId reply_id;
  bool enter = false;
};
struct SyncFromRequested {
  ReplyId reply_id;
  std::string host;
};
struct AbortCatchUpRequested {
  ReplyId reply_id;
};
// The process goes down: a primary hands over first (wait of at most `catch_up`), nobody elects anything
// any more. Answered when it may exit.
struct ShutdownRequested {
  ReplyId reply_id;
  Millis catch_up{10'000};
};

using Event =
    std::variant<HeartbeatRequestReceived, HeartbeatReplyReceived, VoteRequestReceived,
                 VoteReplyReceived, UpdatePositionReceived, UpdatePositionReplyReceived, BatchFetched,
                 SyncSourceFailed, ConnectionRefused, TimerFired, VoteDurable, ConfigDurable,
                 LocalProgress, FollowerModeChanged, DrainComplete, BecameWritable, WritesStopped,
                 InitiateRequested, ReconfigRequested, StepDownRequested, StepUpRequested,
                 FreezeRequested, MaintenanceRequested, SyncFromRequested, AbortCatchUpRequested,
                 ShutdownRequested>;

}  // namespace septet::election
