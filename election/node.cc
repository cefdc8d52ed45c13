// SPDX-License-Identifier: Apache-2.0
#include "election/node.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "election/config_rules.h"

namespace septet::election {
namespace {

bool IsLegalMove(LeaderMode from, LeaderMode to) {
  switch (from) {
    case LeaderMode::kNotLeader:
      return to == LeaderMode::kLeaderElect;
    case LeaderMode::kLeaderElect:
      return to == LeaderMode::kWritable || to == LeaderMode::kAttemptingStepDown ||
             to == LeaderMode::kSteppingDown || to == LeaderMode::kNotLeader;
    case LeaderMode::kWritable:
      return to == LeaderMode::kAttemptingStepDown || to == LeaderMode::kSteppingDown ||
             to == LeaderMode::kNotLeader;
    case LeaderMode::kAttemptingStepDown:
      return to != LeaderMode::kAttemptingStepDown;
    case LeaderMode::kSteppingDown:
      return to == LeaderMode::kNotLeader;
  }
  return false;
}

}  // namespace

std::string_view LeaderModeName(LeaderMode mode) {
  switch (mode) {
    case LeaderMode::kNotLeader:
      return "NotLeader";
    case LeaderMode::kLeaderElect:
      return "LeaderElect";
    case LeaderMode::kWritable:
      return "Writable";
    case LeaderMode::kAttemptingStepDown:
      return "AttemptingStepDown";
    case LeaderMode::kSteppingDown:
      return "SteppingDown";
  }
  return "";
}

std::string_view StepDownReasonName(StepDownReason reason) {
  switch (reason) {
    case StepDownReason::kHigherTerm:
      return "a higher term was seen";
    case StepDownReason::kNoMajority:
      return "a majority of the set cannot be seen";
    case StepDownReason::kCommand:
      return "replSetStepDown";
    case StepDownReason::kReconfig:
      return "not electable under the new config";
    case StepDownReason::kShutdown:
      return "shutdown";
    case StepDownReason::kWriteFailed:
      return "the first entry of the term could not be written";
  }
  return "";
}

Node::Node(NodeOptions options, StoredState stored, uint64_t seed)
    : options_(std::move(options)), rng_(seed) {
  if (stored.config) {
    config_ = std::make_shared<const ReplSetConfig>(*std::move(stored.config));
  }
  last_vote_ = stored.last_vote;
  written_ = durable_ = stored.newest;
  term_ = std::max({repl::kInitialTerm, written_.optime.term, last_vote_.term});
  if (options_.mutations.ignore_own_term_rule) {
    commit_point_.TestOnlyIgnoreOwnTermRule();
  }
}

Actions Node::Start(TimePoint now) {
  now_ = now;
  out_.clear();
  if (config_ != nullptr) {
    InstallConfig(ReplSetConfig(*config_));
  }
  EmitWake();
  return std::move(out_);
}

Actions Node::Step(const Event& event, TimePoint now) {
  P_CHECK(now >= now_);
  now_ = now;
  out_.clear();
  std::visit([this](const auto& e) { Handle(e); }, event);
  EmitWake();
  return std::move(out_);
}

void Node::EmitWake() {
  if (topology_dirty_) {
    topology_dirty_ = false;
    Emit(PublishTopology{++topology_version_});
  }
  const std::optional<TimePoint> next = NextDeadline();
  if (next && next != wake_) {
    Emit(WakeAt{*next});
  }
  wake_ = next;
}

void Node::AddSelfHost(std::string host) {
  if (std::find(options_.self_hosts.begin(), options_.self_hosts.end(), host) ==
      options_.self_hosts.end()) {
    options_.self_hosts.push_back(std::move(host));
  }
}

MemberState Node::state() const {
  if (config_ == nullptr) {
    return MemberState::kStartup;
  }
  const MemberConfig* me = self();
  if (me == nullptr) {
    return MemberState::kRemoved;
  }
  if (is_leader()) {
    return MemberState::kPrimary;
  }
  if (me->arbiter_only) {
    return MemberState::kArbiter;
  }
  const bool locked_out =
      !peers_.empty() && std::all_of(peers_.begin(), peers_.end(),
                                     [](const Peer& p) { return p.auth_error && !p.up; });
  if (follower_mode_ == MemberState::kSecondary && (maintenance_count_ > 0 || locked_out)) {
    return MemberState::kRecovering;
  }
  return follower_mode_;
}

const MemberConfig* Node::self() const {
  return config_ == nullptr || self_index_ < 0
             ? nullptr
             : &config_->members[static_cast<size_t>(self_index_)];
}

int Node::self_id() const { return self() == nullptr ? -1 : self()->id; }

Peer* Node::FindPeer(int id) {
  for (Peer& p : peers_) {
    if (p.id == id) {
      return &p;
    }
  }
  return nullptr;
}

Peer* Node::FindPeerByHost(std::string_view host) {
  for (Peer& p : peers_) {
    if (p.host == host) {
      return &p;
    }
  }
  return nullptr;
}

bool Node::SingleVoter() const {
  return self() != nullptr && self()->is_voter() && config_->voters() == 1;
}

void Node::MoveLeaderMode(LeaderMode to) {
  P_CHECK(IsLegalMove(leader_mode_, to));
  leader_mode_ = to;
  PublishTopologyChange();
}

repl::Progress::Which Node::CountedPosition() const {
  const bool durable = config_->write_concern_majority_journal_default &&
                       !options_.mutations.count_written_as_durable;
  return durable ? repl::Progress::Which::kDurable : repl::Progress::Which::kWritten;
}

bool Node::AdoptTerm(int64_t term) {
  if (term <= term_) {
    return false;
  }
  if (is_leader()) {
    ++counters_.step_downs_by_higher_term;
    if (catch_up_ && !catch_up_->draining) {
      ++counters_.catch_ups_failed_with_new_term;
    }
    BecomeFollower(StepDownReason::kHigherTerm);
  }
  term_ = term;
  primary_id_ = -1;
  primary_heard_.reset();
  takeover_.reset();
  if (election_) {
    ElectionLost("a higher term was seen");
  }
  ResetElectionTimer();
  PublishTopologyChange();
  return true;
}

void Node::LearnPrimary(int id, int64_t term) {
  if (term != term_ || is_leader() || FindPeer(id) == nullptr) {
    return;
  }
  refused_attempts_ = 0;
  if (primary_id_ == id) {
    return;
  }
  primary_id_ = id;
  PublishTopologyChange();
  if (election_ && (election_->phase != ElectionRun::Phase::kDryRun ||
                    election_->reason == ElectionReason::kElectionTimeout ||
                    election_->reason == ElectionReason::kConnectionRefused)) {
    ElectionLost("another member is primary");
  }
  ResetElectionTimer();
  denylist_.Clear();
  // Copy from the new primary at once: the old source may be the old primary, or wait for it. A closer
  // member may be chosen again later.
  const std::string& host = FindPeer(id)->host;
  if (sync_source_ != host) {
    if (MayHaveSource() && progress_.Find(id)->written.optime >= written_.optime) {
      forced_source_ = host;
    }
    DropSource();
  }
  ChooseSource();
}

void Node::BecomeFollower(StepDownReason reason) {
  if (!is_leader()) {
    return;
  }
  MoveLeaderMode(LeaderMode::kSteppingDown);
  Emit(StepDown{term_, reason});
  MoveLeaderMode(LeaderMode::kNotLeader);
  catch_up_.reset();
  if (step_down_) {
    const StepDownAttempt attempt = *std::exchange(step_down_, std::nullopt);
    ReplyAdmin(attempt.reply_id,
               attempt.shutdown
                   ? OkStatus()
                   : Error(ErrorCode::kPrimarySteppedDown,
                           "While waiting for secondaries to catch up before stepping down, this "
                           "node decided to step down for other reasons"));
  }
  const Status stepped_down =
      Error(ErrorCode::kPrimarySteppedDown, "primary stepped down while waiting for the config");
  for (const SpreadWaiter& w : std::exchange(spread_waiters_, {})) {
    ReplyAdmin(w.reply_id, stepped_down);
  }
  if (config_change_ && config_change_->phase != ConfigChange::Phase::kPersisting) {
    FailConfigChange(stepped_down);
  } else if (config_change_ && config_change_->reply_id) {
    // It is being stored and will be installed; only the answer is known now.
    ReplyAdmin(*config_change_->reply_id, stepped_down);
    config_change_->reply_id.reset();
  }
  election_time_.reset();
  primary_id_ = -1;
  primary_heard_.reset();
  ResetElectionTimer();
}

void Node::RecomputeCommitPoint() {
  if (!is_leader() || leader_mode_ == LeaderMode::kSteppingDown) {
    return;
  }
  // With many arbiters fewer members make a write "majority" than elect a primary. Such a write quorum
  // need not meet an election quorum of the former config, so it counts only once nobody can be elected
  // with the former config any more: when a majority of voters has this one.
  if (config_->write_majority() < config_->majority_votes() &&
      known_committed_ != config_->config_version()) {
    if (!ConfigCommitted()) {
      return;
    }
    known_committed_ = config_->config_version();
  }
  if (commit_point_.AdvanceAsLeader(progress_, CountedPosition())) {
    CommitPointChanged();
  }
}

void Node::CommitPointChanged() {
  Emit(CommitPointMoved{commit_point_.value()});
  if (is_leader() && candidate_ && !candidate_->majority_write_available &&
      commit_point_.value().optime >= commit_point_.first_of_term()) {
    candidate_->majority_write_available = now_;
  }
  ContinueConfigChange();
}

bool Node::MajorityVisible() const {
  int votes = self() != nullptr && self()->is_voter() ? 1 : 0;
  for (const Peer& p : peers_) {
    const MemberConfig* m = config_->Find(p.id);
    votes += p.up && m != nullptr && m->is_voter() ? 1 : 0;
  }
  return votes >= config_->majority_votes();
}

bool Node::HearsPrimary() const {
  if (is_leader()) {
    return true;
  }
  for (const Peer& p : peers_) {
    if (p.id == primary_id_) {
      return !p.refused && primary_heard_ &&
             now_ - *primary_heard_ < config_->settings.election_timeout() / 2;
    }
  }
  return false;
}

void Node::ReplyAdmin(ReplyId id, Status status, std::string extra) {
  Emit(SendAdminReply{id, std::move(status), std::move(extra)});
}

}  // namespace septet::election
