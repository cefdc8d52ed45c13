// SPDX-License-Identifier: Apache-2.0
// From winning an election to the first write: catch up, drain, new config term, first entry
// (replication.md 1.5). Ending early never steps this member down.
#include <algorithm>

#include "election/node.h"

namespace septet::election {

void Node::StartCatchUp() {
  catch_up_ = CatchUp{};
  catch_up_->stall_end = now_ + options_.catch_up_stall;
  const int64_t timeout = config_->settings.catch_up_timeout_millis;
  if (timeout > 0) {
    catch_up_->deadline = now_ + Millis(timeout);
  }
  if (config_->members.size() == 1 || timeout == 0) {
    ++counters_.catch_ups_skipped;
    FinishCatchUp();
    return;
  }
  ContinueCatchUp();
}

void Node::ContinueCatchUp() {
  if (!catch_up_ || catch_up_->draining || !is_leader()) {
    return;
  }
  int answered = self()->is_voter() ? 1 : 0;
  bool all_settled = true;
  OpTime newest = written_.optime;
  for (const Peer& p : peers_) {
    const MemberConfig* m = config_->Find(p.id);
    all_settled = all_settled && p.settled_since_restart;
    if (p.answered_since_restart) {
      answered += m->is_voter() ? 1 : 0;
      if (const repl::MemberProgress* progress = progress_.Find(p.id)) {
        newest = std::max(newest, progress->written.optime);
      }
    }
  }
  const bool majority = answered >= config_->majority_votes();
  if (majority && !catch_up_->grace_end) {
    catch_up_->grace_end = now_ + options_.catch_up_grace;
  }
  const bool known =
      catch_up_->target || (majority && (all_settled || now_ >= *catch_up_->grace_end));
  if (known) {
    if (!catch_up_->target || *catch_up_->target < newest) {
      catch_up_->target = newest;
      candidate_->catch_up_target = newest;
    }
    if (*catch_up_->target <= written_.optime) {
      ++(catch_up_->was_behind ? counters_.catch_ups_succeeded
                               : counters_.catch_ups_already_caught_up);
      FinishCatchUp();
      return;
    }
    if (!catch_up_->was_behind) {
      catch_up_->was_behind = true;
      catch_up_->stall_end = now_ + options_.catch_up_stall;
      ++counters_.catch_ups;
    }
    ChooseSource();
  }
  const TimePoint end = catch_up_->deadline.value_or(catch_up_->stall_end);
  if (now_ >= end) {
    ++counters_.catch_ups_timed_out;
    FinishCatchUp();
  }
}

void Node::FinishCatchUp() {
  catch_up_->draining = true;
  DropSource();
  Emit(StartDrain{term_});
}

void Node::Handle(const AbortCatchUpRequested& e) {
  if (!catch_up_ || catch_up_->draining) {
    ReplyAdmin(e.reply_id, Error(ErrorCode::kIllegalOperation, "The node is not in catchup mode."));
    return;
  }
  ++counters_.catch_ups_aborted_by_command;
  FinishCatchUp();
  ReplyAdmin(e.reply_id, OkStatus());
}

void Node::Handle(const DrainComplete& e) {
  if (!catch_up_ || !catch_up_->draining || e.term != term_ || catch_up_->drained) {
    return;
  }
  catch_up_->drained = true;
  RaiseConfigTerm();
}

// Stores the config with the new term, so that configs of a lower term can no longer win. Waits while
// another config is being stored, and while a step-down is tried.
void Node::RaiseConfigTerm() {
  if (!catch_up_ || !catch_up_->drained || catch_up_->writable_asked ||
      leader_mode_ != LeaderMode::kLeaderElect || config_change_) {
    return;
  }
  ConfigChange change;
  change.kind = ConfigChange::Kind::kTermBump;
  change.config = *config_;
  change.config.term = term_;
  BeginConfigChange(std::move(change));
}

void Node::Handle(const BecameWritable& e) {
  if (e.term != term_ || !is_leader()) {
    return;
  }
  if (!e.status.ok()) {
    BecomeFollower(StepDownReason::kWriteFailed);
    return;
  }
  commit_point_.OnWritable(e.first_entry.optime);
  election_time_ = e.first_entry.optime.ts;
  catch_up_.reset();
  if (candidate_) {
    candidate_->new_term_start = now_;
  }
  if (leader_mode_ == LeaderMode::kLeaderElect) {
    MoveLeaderMode(LeaderMode::kWritable);
  } else if (step_down_) {
    step_down_->came_from = LeaderMode::kWritable;
  }
  // Members without a source answer by asking back, and so find this one at once.
  RestartHeartbeats();
  RecomputeCommitPoint();
}

}  // namespace septet::election
