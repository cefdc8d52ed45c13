// SPDX-License-Identifier: Apache-2.0
// replSetStepDown, StepUp, Freeze, Maintenance, SyncFrom and shutdown (replication.md 1.7).
#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "election/node.h"

namespace septet::election {
namespace {

std::string IsoDate(int64_t wall_millis) {
  // Days since 1970-01-01 to year, month, day (proleptic Gregorian).
  const auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<Millis>(Millis(wall_millis)));
  const std::chrono::year_month_day ymd(days);
  const int64_t ms = wall_millis - std::chrono::duration_cast<Millis>(days.time_since_epoch()).count();
  const auto pad = [](int64_t v, size_t width) {
    std::string s = std::to_string(v);
    return s.size() < width ? std::string(width - s.size(), '0') + s : s;
  };
  return StrCat(static_cast<int>(ymd.year()), "-", pad(static_cast<unsigned>(ymd.month()), 2), "-",
                pad(static_cast<unsigned>(ymd.day()), 2), "T", pad(ms / 3'600'000, 2), ":",
                pad(ms / 60'000 % 60, 2), ":", pad(ms / 1000 % 60, 2), ".", pad(ms % 1000, 3), "Z");
}

Status NotInitialized() {
  return Error(ErrorCode::kNotYetInitialized, "no replset config has been received");
}

}  // namespace

void Node::Handle(const StepDownRequested& e) {
  if (!is_leader()) {
    ReplyAdmin(e.reply_id, config_ == nullptr ? NotInitialized()
                                              : Error(ErrorCode::kNotWritablePrimary,
                                                      "not primary so can't step down"));
    return;
  }
  if (step_down_) {
    ReplyAdmin(e.reply_id, Error(ErrorCode::kConflictingOperationInProgress,
                                 "this member is stepping down already"));
    return;
  }
  if (e.period < Millis(0) || e.catch_up < Millis(0)) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kBadValue, "stepdown period must be a positive integer"));
    return;
  }
  if (e.period < e.catch_up) {
    ReplyAdmin(e.reply_id, Error(ErrorCode::kBadValue,
                                 "stepdown period must be longer than secondaryCatchUpPeriodSecs"));
    return;
  }
  StepDownAttempt attempt;
  attempt.reply_id = e.reply_id;
  attempt.force = e.force;
  attempt.deadline = now_ + e.catch_up;
  attempt.no_candidacy_until = now_ + e.period;
  attempt.wall_millis_at_start = e.wall_millis;
  BeginStepDown(std::move(attempt));
}

void Node::Handle(const ShutdownRequested& e) {
  shutting_down_ = true;
  election_due_.reset();
  takeover_.reset();
  if (election_) {
    ElectionLost("this member is shutting down");
    election_due_.reset();
  }
  PublishTopologyChange();
  if (!is_leader()) {
    ReplyAdmin(e.reply_id, OkStatus());
    return;
  }
  if (step_down_) {  // the attempt under way becomes the last one
    step_down_->force = true;
    step_down_->deadline = std::min(step_down_->deadline, now_ + e.catch_up);
    ReplyAdmin(e.reply_id, OkStatus());
    return;
  }
  StepDownAttempt attempt;
  attempt.reply_id = e.reply_id;
  attempt.shutdown = true;
  attempt.deadline = now_ + e.catch_up;
  attempt.no_candidacy_until = TimePoint::max();
  BeginStepDown(std::move(attempt));
}

void Node::BeginStepDown(StepDownAttempt attempt) {
  attempt.started = now_;
  attempt.came_from = leader_mode_;
  attempt.stop_sent = leader_mode_ == LeaderMode::kWritable || (catch_up_ && catch_up_->writable_asked);
  attempt.writes_stopped = !attempt.stop_sent;  // none were accepted
  step_down_ = std::move(attempt);
  MoveLeaderMode(LeaderMode::kAttemptingStepDown);
  if (step_down_->stop_sent) {
    Emit(StopWrites{term_});
  }
  ContinueStepDown();
}

void Node::Handle(const WritesStopped& e) {
  if (step_down_ && e.term == term_) {
    step_down_->writes_stopped = true;
    ContinueStepDown();
  }
}

// Whether waiting may make it the successor, however far behind it is.
bool Node::MaySucceed(const Peer& peer) const {
  const MemberConfig* m = config_->Find(peer.id);
  return peer.up && m != nullptr && m->is_electable() && m->is_voter();
}

// The member to hand over to: caught up, electable, of the highest priority; the first of equals.
const MemberConfig* Node::BestSuccessor() const {
  const MemberConfig* best = nullptr;
  for (const MemberConfig& m : config_->members) {
    const repl::MemberProgress* progress = progress_.Find(m.id);
    const auto peer = std::find_if(peers_.begin(), peers_.end(),
                                   [&](const Peer& p) { return p.id == m.id; });
    if (peer == peers_.end() || !MaySucceed(*peer) || peer->state != MemberState::kSecondary ||
        progress == nullptr || progress->written.optime < written_.optime) {
      continue;
    }
    if (best == nullptr || m.effective_priority() > best->effective_priority()) {
      best = &m;
    }
  }
  return best;
}

void Node::ContinueStepDown() {
  if (!step_down_ || leader_mode_ != LeaderMode::kAttemptingStepDown) {
    return;
  }
  if (step_down_->writes_stopped) {
    const OpTime majority =
        progress_
            .ReachedBy(progress_.write_majority(), repl::Progress::Which::kWritten,
                       /*voters_only=*/true)
            .optime;
    if (majority >= written_.optime && BestSuccessor() != nullptr) {
      StepDownSucceeded();
      return;
    }
    if (step_down_->shutdown &&
        std::none_of(peers_.begin(), peers_.end(), [&](const Peer& p) { return MaySucceed(p); })) {
      StepDownSucceeded();  // nobody to wait for
      return;
    }
  }
  if (now_ < step_down_->deadline) {
    return;
  }
  if (step_down_->force || step_down_->shutdown) {
    StepDownSucceeded();
  } else {
    StepDownFailed();
  }
}

void Node::StepDownSucceeded() {
  const StepDownAttempt attempt = *std::exchange(step_down_, std::nullopt);
  const MemberConfig* successor =
      options_.election_handoff && !attempt.force && attempt.writes_stopped ? BestSuccessor() : nullptr;
  no_candidacy_until_ = attempt.no_candidacy_until;
  BecomeFollower(attempt.shutdown ? StepDownReason::kShutdown : StepDownReason::kCommand);
  ReplyAdmin(attempt.reply_id, OkStatus());
  if (successor != nullptr) {
    Emit(SendStepUp{successor->host});
  }
  ChooseSource();
}

void Node::StepDownFailed() {
  const StepDownAttempt attempt = *std::exchange(step_down_, std::nullopt);
  MoveLeaderMode(attempt.came_from);
  if (attempt.stop_sent) {
    Emit(ResumeWrites{term_});
  }
  ReplyAdmin(attempt.reply_id,
             Error(ErrorCode::kExceededTimeLimit,
                   StrCat("No electable secondaries caught up as of ",
                          IsoDate(attempt.wall_millis_at_start + (now_ - attempt.started).count()),
                          ". Please use the replSetStepDown command with the argument {force: true} to "
                          "force node to step down.")));
  RaiseConfigTerm();
}

void Node::Handle(const StepUpRequested& e) {
  if (is_leader()) {
    ReplyAdmin(e.reply_id, OkStatus());
    return;
  }
  StartElection(e.skip_dry_run ? ElectionReason::kStepUpSkipDryRun : ElectionReason::kStepUpRequest,
                e.reply_id);
}

void Node::Handle(const FreezeRequested& e) {
  if (config_ == nullptr) {
    ReplyAdmin(e.reply_id, NotInitialized());
    return;
  }
  const bool running = election_ && election_->phase != ElectionRun::Phase::kDryRun;
  if (is_leader() || running) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kNotSecondary,
                     StrCat("cannot freeze node when primary or running for election. state: ",
                            is_leader() ? "Primary" : "Running-Election")));
    return;
  }
  if (e.period <= Millis(0)) {
    no_candidacy_until_.reset();
    ReplyAdmin(e.reply_id, OkStatus(), bson::MakeDoc("info", "unfreezing"));
    if (SingleVoter()) {
      ResetElectionTimer();
    }
    return;
  }
  no_candidacy_until_ = std::max(no_candidacy_until_.value_or(now_), now_ + e.period);
  ReplyAdmin(e.reply_id, OkStatus(),
             e.period == Millis(1000)
                 ? bson::MakeDoc("warning", "you really want to freeze for only 1 second?")
                 : "");
  if (SingleVoter()) {
    ResetElectionTimer();
  }
}

void Node::Handle(const MaintenanceRequested& e) {
  const MemberState now_state = state();
  if (config_ == nullptr) {
    ReplyAdmin(e.reply_id, NotInitialized());
  } else if (is_leader()) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kNotSecondary, "primaries can't modify maintenance mode"));
  } else if (!e.enter && maintenance_count_ == 0) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kOperationFailed, "already out of maintenance mode"));
  } else {
    maintenance_count_ += e.enter ? 1 : -1;
    if (state() != now_state) {
      PublishTopologyChange();
      if (election_) {
        ElectionLost("maintenance mode");
      }
      ResetElectionTimer();
    }
    ReplyAdmin(e.reply_id, OkStatus());
  }
}

void Node::Handle(const SyncFromRequested& e) {
  const auto fail = [&](ErrorCode code, std::string_view text) {
    ReplyAdmin(e.reply_id, Error(code, text));
  };
  if (config_ == nullptr) {
    return ReplyAdmin(e.reply_id, NotInitialized());
  }
  if (is_leader()) {
    return fail(ErrorCode::kNotSecondary, "primaries don't sync");
  }
  if (self() == nullptr) {
    return fail(ErrorCode::kNotSecondary, "Removed and uninitialized nodes do not sync");
  }
  if (self()->arbiter_only) {
    return fail(ErrorCode::kNotSecondary, "arbiters don't sync");
  }
  if (e.host == self()->host) {
    return fail(ErrorCode::kInvalidOptions, "I cannot sync from myself");
  }
  const Peer* peer = FindPeerByHost(e.host);
  if (peer == nullptr) {
    return fail(ErrorCode::kNodeNotFound,
                StrCat("Could not find member \"", e.host, "\" in replica set"));
  }
  const MemberConfig& m = *config_->Find(peer->id);
  if (m.arbiter_only) {
    return fail(ErrorCode::kInvalidOptions,
                StrCat("Cannot sync from \"", e.host, "\" because it is an arbiter"));
  }
  if (self()->build_indexes && !m.build_indexes) {
    return fail(ErrorCode::kInvalidOptions,
                StrCat("Cannot sync from \"", e.host, "\" because it does not build indexes"));
  }
  if (!peer->up) {
    return fail(ErrorCode::kHostUnreachable,
                StrCat("I cannot reach the requested member: ", e.host));
  }
  bson::DocBuilder extra;
  extra.Append("syncFromRequested", e.host);
  const OpTime theirs = progress_.Find(peer->id)->written.optime;
  if (theirs.ts.secs + 10 < written_.optime.ts.secs) {
    extra.Append("warning", StrCat("requested member \"", e.host, "\" is more than 10 seconds behind us"));
  }
  if (!sync_source_.empty()) {
    extra.Append("prevSyncTarget", sync_source_);
  }
  forced_source_ = e.host;
  DropSource();
  ChooseSource();
  ReplyAdmin(e.reply_id, OkStatus(), extra.Finish());
}

}  // namespace septet::election
