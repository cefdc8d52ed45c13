// SPDX-License-Identifier: Apache-2.0
// What a Node may be in the middle of: an election, catching up, stepping down, changing the config.
// Each is plain data with the moments at which it must be looked at again; the code is in on_*.cc.
// Thread rule: owned by the Node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "election/config.h"
#include "election/events.h"
#include "election/snapshot.h"
#include "election/votes.h"

namespace septet::election {

struct ElectionRun {
  enum class Phase { kDryRun, kPersisting, kVoting };
  Phase phase = Phase::kDryRun;
  ElectionReason reason = ElectionReason::kElectionTimeout;
  uint64_t round = 0;            // of the requests out
  uint64_t vote_token = 0;       // of the PersistVote out
  int64_t term = 0;              // the term asked about: current (dry) or the new one
  VoteCount votes;
  TimePoint deadline;
  std::optional<ReplyId> reply_id;  // replSetStepUp waits for the outcome
};

struct PendingVote {             // granted, not durable yet
  uint64_t token = 0;
  ReplyId reply_id = 0;
  int64_t term = 0;
};

struct Takeover {
  ElectionReason reason = ElectionReason::kPriorityTakeover;
  TimePoint when;
};

struct CatchUp {
  std::optional<OpTime> target;      // nullopt: not enough answers yet
  std::optional<TimePoint> grace_end;  // a majority answered; others have until then
  TimePoint stall_end;               // given up if nothing arrives until then
  std::optional<TimePoint> deadline;   // catchUpTimeoutMillis
  bool draining = false;             // done; StartDrain is out
  bool drained = false;              // DrainComplete came; next: config with the new term, first entry
  bool writable_asked = false;       // BecomeWritable is out
  bool was_behind = false;           // there was something to catch up with
};

struct StepDownAttempt {
  ReplyId reply_id = 0;
  bool force = false;
  bool shutdown = false;
  bool stop_sent = false;            // StopWrites is out
  bool writes_stopped = false;
  LeaderMode came_from = LeaderMode::kWritable;
  TimePoint started;
  TimePoint deadline;
  TimePoint no_candidacy_until;
  int64_t wall_millis_at_start = 0;
};

// Asking members of a proposed config whether they would go along.
struct Probe {
  struct Answer {
    std::string host;
    uint64_t sequence = 0;
    bool done = false;
    bool good = false;
    bool voter = false;
    bool electable = false;
    std::string failure;
  };
  std::vector<Answer> answers;   // this member is not among them
  std::string veto;
  TimePoint deadline;
};

struct ConfigChange {
  enum class Kind { kInitiate, kReconfig, kForce, kAutomatic, kTermBump, kFromPeer };
  enum class Phase { kWaitCommitted, kProbing, kPersisting };
  Kind kind = Kind::kReconfig;
  Phase phase = Phase::kWaitCommitted;
  ReplSetConfig config;
  std::optional<ReplyId> reply_id;
  std::string reply_extra;
  int64_t sender_term = 0;            // kFromPeer: the term of the member it came from
  bool default_write_concern_set = false;
  std::optional<TimePoint> deadline;  // maxTimeMS
  Probe probe;
  uint64_t token = 0;                 // of the PersistConfig out
};

// A replSetReconfig whose config is installed and must reach a majority before the answer.
struct SpreadWaiter {
  ReplyId reply_id = 0;
  std::optional<TimePoint> deadline;
};

}  // namespace septet::election
