// SPDX-License-Identifier: Apache-2.0
// What is due, and when to look again (replication.md 1.3, 1.8, 11.3).
#include <algorithm>

#include "election/config_rules.h"
#include "election/node.h"

namespace septet::election {
namespace {

constexpr Millis kFastRetryBase{100};
constexpr Millis kFastRetryJitter{50};
constexpr Millis kIdleRetry{1'000};
constexpr Millis kFirstElection{300};

// Keeps the earliest of what is offered.
class Earliest {
 public:
  void Offer(std::optional<TimePoint> t) {
    if (t && (!value_ || *t < *value_)) {
      value_ = t;
    }
  }
  std::optional<TimePoint> value() const { return value_; }

 private:
  std::optional<TimePoint> value_;
};

}  // namespace

void Node::ResetElectionTimer() {
  refused_ = false;
  election_due_.reset();
  if (self() == nullptr || !self()->is_electable() || state() != MemberState::kSecondary) {
    return;
  }
  if (SingleVoter()) {
    // Nobody else to wait for; frozen or without data it looks again later.
    const bool can = WhyNotElectable(ElectionReason::kSingleNode).empty();
    const TimePoint frozen = no_candidacy_until_.value_or(now_);
    election_due_ = can ? now_ : std::max(frozen, now_ + kIdleRetry);
    if (!can && frozen > now_) {
      election_due_ = frozen;
    }
    return;
  }
  Millis timeout = config_->settings.election_timeout();
  if (initiated_ && term_ == repl::kInitialTerm) {
    timeout = std::min(timeout, kFirstElection);  // a new set has no primary that could be alive
  }
  election_due_ = now_ + timeout + Millis(rng_.Between(0, timeout.count() * 15 / 100));
}

// After a lost round with no primary in sight: a split vote or a voter that was not ready. A dry run costs
// nothing, so there is no need to wait for a whole time-out.
void Node::RetryElectionSoon() {
  ResetElectionTimer();
  if (election_due_ && !SingleVoter()) {
    const int64_t timeout = config_->settings.election_timeout_millis;
    election_due_ = now_ + Millis(rng_.Between(timeout / 20, timeout / 5) + 1);
  }
}

// The primary's port refuses: its process is gone. Ask at once; if voters still hear it, ask again a
// little later each time, until somebody hears a primary.
void Node::ArmFastFailover() {
  ResetElectionTimer();
  if (!election_due_ || SingleVoter()) {
    return;
  }
  const Millis timeout = config_->settings.election_timeout();
  Millis delay(rng_.Between(0, options_.fast_failover_delay.count()));
  if (refused_attempts_ > 0) {
    const Millis backoff = kFastRetryBase * (1 << std::min(refused_attempts_ - 1, 8));
    delay = std::min(backoff, timeout) + Millis(rng_.Between(0, kFastRetryJitter.count()));
  }
  ++refused_attempts_;
  election_due_ = std::min(*election_due_, now_ + delay);
  refused_ = true;
}

void Node::Handle(const ConnectionRefused& e) {
  Peer* peer = FindPeerByHost(e.host);
  if (peer == nullptr || peer->refused) {
    return;
  }
  const bool was_primary = peer->id == primary_id_;
  peer->refused = true;
  PeerWentDown(peer, "Connection refused");
  if (was_primary && !election_) {
    ArmFastFailover();
  }
}

void Node::ElectionTimerFired() {
  const ElectionReason reason = refused_        ? ElectionReason::kConnectionRefused
                                : SingleVoter() ? ElectionReason::kSingleNode
                                                : ElectionReason::kElectionTimeout;
  election_due_.reset();
  if (!StartElection(reason, std::nullopt) && !election_) {
    ResetElectionTimer();
  }
}

void Node::TakeoverFired() {
  const Takeover t = *std::exchange(takeover_, std::nullopt);
  const Peer* primary = PrimaryPeer();
  if (primary == nullptr || !primary->up || primary->term != term_ || election_) {
    return;
  }
  if (t.reason == ElectionReason::kPriorityTakeover &&
      self()->effective_priority() <= config_->Find(primary->id)->effective_priority()) {
    return;
  }
  StartElection(t.reason, std::nullopt);
}

// The moment at which fewer than a majority of voters will have shown life within the election timeout.
std::optional<TimePoint> Node::LeaseEnd() const {
  if (!is_leader() || SingleVoter()) {
    return std::nullopt;
  }
  const int others_needed = config_->majority_votes() - (self()->is_voter() ? 1 : 0);
  if (others_needed <= 0) {
    return std::nullopt;
  }
  std::vector<TimePoint> seen;
  for (const repl::MemberProgress& m : progress_.members()) {
    if (m.spec.voter && m.spec.id != self_id()) {
      seen.push_back(m.alive_at.value_or(TimePoint::min()));
    }
  }
  if (static_cast<int>(seen.size()) < others_needed) {
    return now_;
  }
  std::sort(seen.begin(), seen.end(), std::greater<>());
  const TimePoint oldest = seen[static_cast<size_t>(others_needed - 1)];
  return oldest == TimePoint::min() ? now_ : oldest + config_->settings.election_timeout();
}

std::optional<TimePoint> Node::NextDeadline() const {
  Earliest next;
  if (config_ != nullptr) {
    for (const Peer& p : peers_) {
      next.Offer(p.in_flight == 0 ? p.next_heartbeat : p.give_up);
    }
  }
  next.Offer(election_due_);
  next.Offer(takeover_ ? std::make_optional(takeover_->when) : std::nullopt);
  next.Offer(election_ ? std::make_optional(election_->deadline) : std::nullopt);
  next.Offer(LeaseEnd());
  if (catch_up_ && !catch_up_->draining) {
    next.Offer(catch_up_->target ? std::nullopt : catch_up_->grace_end);
    next.Offer(catch_up_->deadline ? catch_up_->deadline : catch_up_->stall_end);
  }
  next.Offer(step_down_ ? std::make_optional(step_down_->deadline) : std::nullopt);
  if (config_change_ && config_change_->phase == ConfigChange::Phase::kWaitCommitted) {
    next.Offer(config_change_->deadline);
  } else if (config_change_ && config_change_->phase == ConfigChange::Phase::kProbing) {
    next.Offer(config_change_->probe.deadline);
  }
  for (const SpreadWaiter& w : spread_waiters_) {
    next.Offer(w.deadline);
  }
  if (!sync_source_.empty()) {
    next.Offer(report_keep_alive_);
  }
  return next.value();
}

void Node::Handle(const TimerFired&) {
  wake_.reset();
  if (const std::optional<TimePoint> end = LeaseEnd(); end && now_ >= *end) {
    BecomeFollower(StepDownReason::kNoMajority);
  }
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer* p = &peers_[i];
    if (p->in_flight == 0 && now_ >= p->next_heartbeat) {
      StartHeartbeat(p);
    } else if (p->in_flight != 0 && now_ >= p->give_up) {
      p->in_flight = 0;
      HeartbeatFailed(p, Error(ErrorCode::kNetworkTimeout, "no answer to the heartbeat in time"));
    }
  }
  if (election_ && now_ >= election_->deadline) {
    ElectionLost("too few answers in time");
  }
  if (takeover_ && now_ >= takeover_->when) {
    TakeoverFired();
  }
  if (election_due_ && now_ >= *election_due_) {
    ElectionTimerFired();
  }
  ContinueCatchUp();
  ContinueStepDown();
  ContinueConfigChange();
  if (!sync_source_.empty() && now_ >= report_keep_alive_) {
    ReportPositions(/*keep_alive=*/true);
  }
}

}  // namespace septet::election
