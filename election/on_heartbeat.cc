// SPDX-License-Identifier: Apache-2.0
// Heartbeats: sending, answering, and learning from the answers (replication.md 1.8).
#include <algorithm>

#include "base/strings.h"
#include "election/config_rules.h"
#include "election/node.h"

namespace septet::election {
namespace {

constexpr int kHeartbeatRetries = 2;
constexpr size_t kMaxStrayHeartbeats = 50;
constexpr Millis kMinHeartbeatInterval{10};

bool IsAuthError(const Status& status) {
  const ErrorCode code = CodeOf(status);
  return code == ErrorCode::kUnauthorized || code == ErrorCode::kAuthenticationFailed;
}

bool HoldsData(MemberState state) {
  return state == MemberState::kPrimary || state == MemberState::kSecondary ||
         state == MemberState::kRecovering || state == MemberState::kRollback;
}

}  // namespace

HeartbeatRequest Node::MakeHeartbeatRequest() const {
  HeartbeatRequest r;
  r.set_name = options_.set_name;
  if (config_ != nullptr) {
    r.config = config_->config_version();
  }
  r.from = self() != nullptr              ? self()->host
           : options_.self_hosts.empty() ? ""
                                         : options_.self_hosts.front();
  r.from_id = self_id();
  r.term = term_;
  r.primary_id = primary_id_;
  return r;
}

HeartbeatReply Node::MakeHeartbeatReply(const ConfigVersion& theirs) const {
  HeartbeatReply r;
  r.set_name = options_.set_name;
  r.state = state();
  r.term = term_;
  if (config_ != nullptr) {
    r.config = config_->config_version();
    r.replica_set_id = config_->settings.replica_set_id;
    if (r.config.IsNewerThan(theirs)) {
      r.config_document = config_->ToBson();
    }
  }
  r.election_time = election_time_;
  if (r.state != MemberState::kStartup2 && r.state != MemberState::kArbiter) {
    r.written = written_;
    r.durable = durable_;
  }
  r.syncing_to = sync_source_;
  r.primary_id = primary_id_;
  r.electable = self() != nullptr && self()->is_electable() &&
                r.state == MemberState::kSecondary && !shutting_down_ &&
                !(no_candidacy_until_ && now_ < *no_candidacy_until_);
  r.commit_point = commit_point_.value();
  return r;
}

Millis Node::HeartbeatIntervalFor(const Peer& peer) const {
  const Millis usual = config_->settings.heartbeat_interval();
  const Millis timeout = config_->settings.election_timeout();
  Millis interval = usual;
  if (peer.id == primary_id_) {
    interval = std::min({usual, options_.primary_heartbeat_interval, timeout / 4});
  } else if (self()->arbiter_only) {
    interval = std::min(timeout / 2, usual);
  } else if (sync_source_.empty() && !is_leader()) {
    interval = std::min(timeout / 2, usual / 4);
  }
  return std::max(interval, kMinHeartbeatInterval);
}

void Node::StartHeartbeat(Peer* peer) {
  peer->round_started = now_;
  peer->retries_left = kHeartbeatRetries;
  SendHeartbeatTo(peer);
}

void Node::SendHeartbeatTo(Peer* peer) {
  peer->in_flight = NextNumber();
  peer->sent_at = now_;
  // One lost packet must not blind this member for the whole heartbeat timeout: each of the three tries
  // gets a share of it.
  const ReplSetSettings& s = config_->settings;
  const Millis share = std::max(s.election_timeout() / (kHeartbeatRetries + 1), s.heartbeat_interval());
  peer->give_up = std::min(now_ + share, peer->round_started + s.heartbeat_timeout());
  peer->give_up = std::max(peer->give_up, now_ + kMinHeartbeatInterval);
  Emit(SendHeartbeat{peer->host, peer->in_flight, MakeHeartbeatRequest(), peer->give_up - now_});
}

void Node::RestartHeartbeats() {
  for (Peer& p : peers_) {
    p.answered_since_restart = false;
    p.settled_since_restart = !p.up;  // nobody waits for who was down before
    StartHeartbeat(&p);
  }
}

void Node::SendStrayHeartbeat(const std::string& host) {
  if (host.empty()) {
    return;
  }
  for (const auto& [sequence, h] : stray_heartbeats_) {
    if (h == host) {
      return;  // one is out already
    }
  }
  if (stray_heartbeats_.size() >= kMaxStrayHeartbeats) {
    stray_heartbeats_.erase(stray_heartbeats_.begin());
  }
  const uint64_t sequence = NextNumber();
  stray_heartbeats_.emplace_back(sequence, host);
  Emit(SendHeartbeat{host, sequence, MakeHeartbeatRequest(), Millis(10'000)});
}

void Node::Handle(const HeartbeatRequestReceived& e) {
  const HeartbeatRequest& q = e.request;
  if (q.set_name != options_.set_name) {
    Emit(SendHeartbeatReply{e.reply_id,
                            Error(ErrorCode::kInconsistentReplicaSetNames,
                                  StrCat("Our set name of ", options_.set_name, " does not match name ",
                                         q.set_name, " reported by remote node")),
                            {}});
    return;
  }
  if (self() != nullptr && q.from_id == self_id() && q.from != self()->host) {
    Emit(SendHeartbeatReply{
        e.reply_id,
        Error(ErrorCode::kBadValue,
              StrCat("Received heartbeat from member with the same member ID as ourself: ", q.from_id)),
        {}});
    return;
  }
  if (config_ != nullptr && !q.check_empty) {
    AdoptTerm(q.term);
  }
  HeartbeatReply reply = MakeHeartbeatReply(q.config);
  reply.has_data = q.check_empty && e.has_data;
  Emit(SendHeartbeatReply{e.reply_id, OkStatus(), std::move(reply)});
  if (q.check_empty) {
    return;
  }
  const bool theirs_newer = config_ == nullptr ? q.config.version >= 0
                                               : q.config.IsNewerThan(config_->config_version());
  Peer* peer = FindPeerByHost(q.from);
  if (peer == nullptr) {
    if (theirs_newer || state() == MemberState::kRemoved) {
      SendStrayHeartbeat(q.from);
    }
    return;
  }
  peer->last_heartbeat_received = now_;
  if (q.config == config_->config_version()) {
    progress_.MarkAlive(peer->id, now_);
  }
  if (q.config.version >= 0) {
    peer->config = q.config;  // newer than what its last reply said
    ContinueConfigChange();
    RecomputeCommitPoint();
  }
  const bool from_primary = q.primary_id == q.from_id && q.from_id == peer->id && q.term == term_;
  if (from_primary) {
    LearnPrimary(peer->id, q.term);
  }
  const bool stuck = peer->in_flight != 0 && now_ - peer->sent_at > HeartbeatIntervalFor(*peer);
  const bool news = !peer->up || theirs_newer || (from_primary && sync_source_.empty());
  if (stuck || (peer->in_flight == 0 && news)) {
    StartHeartbeat(peer);  // it lives, and has something to say
  }
}

void Node::Handle(const HeartbeatReplyReceived& e) {
  if (OnProbeReply(e)) {
    return;
  }
  for (auto it = stray_heartbeats_.begin(); it != stray_heartbeats_.end(); ++it) {
    if (it->first == e.sequence) {
      stray_heartbeats_.erase(it);
      if (e.status.ok() && e.reply.set_name == options_.set_name) {
        SeenConfig(e.reply);
      }
      return;
    }
  }
  const auto it = std::find_if(peers_.begin(), peers_.end(),
                               [&](const Peer& p) { return p.in_flight == e.sequence; });
  if (e.sequence == 0 || it == peers_.end()) {
    return;
  }
  it->in_flight = 0;
  if (!e.status.ok()) {
    HeartbeatFailed(&*it, e.status);
    return;
  }
  const auto& my_id = config_->settings.replica_set_id;
  if (e.reply.set_name != options_.set_name) {
    it->retries_left = 0;
    HeartbeatFailed(&*it, Error(ErrorCode::kInconsistentReplicaSetNames,
                                StrCat("replica set name ", e.reply.set_name, " is not ours")));
  } else if (my_id && e.reply.replica_set_id && *my_id != *e.reply.replica_set_id) {
    // Two sets with one name: nothing it says may count.
    it->retries_left = 0;
    HeartbeatFailed(&*it, Error(ErrorCode::kInvalidReplicaSetConfig,
                                StrCat("replica set IDs do not match, ours: ", my_id->ToHex(),
                                       "; remote node's: ", e.reply.replica_set_id->ToHex())));
  } else {
    HeartbeatSucceeded(&*it, e.reply);
  }
}

void Node::HeartbeatFailed(Peer* peer, const Status& status) {
  peer->auth_error = IsAuthError(status);
  const bool time_left = now_ < peer->round_started + config_->settings.heartbeat_timeout();
  if (peer->retries_left > 0 && time_left && !peer->auth_error) {
    --peer->retries_left;
    SendHeartbeatTo(peer);
    return;
  }
  peer->next_heartbeat = std::max(now_ + kMinHeartbeatInterval,
                                  peer->round_started + HeartbeatIntervalFor(*peer));
  PeerWentDown(peer, std::string(TextOf(status)));
}

void Node::PeerWentDown(Peer* peer, std::string why) {
  const bool was_up = peer->up;
  peer->MarkDown(std::move(why));
  peer->settled_since_restart = true;
  if (was_up) {
    PublishTopologyChange();
  }
  if (peer->id == primary_id_) {
    primary_id_ = -1;
    PublishTopologyChange();
  }
  if (peer->host == sync_source_) {
    DropSource();
    ChooseSource();
  }
  ContinueCatchUp();
}

void Node::HeartbeatSucceeded(Peer* peer, const HeartbeatReply& reply) {
  peer->RecordPing(now_ - peer->sent_at);
  if (!peer->up || peer->state != reply.state) {
    PublishTopologyChange();
  }
  peer->up = true;
  peer->heard_ever = true;
  peer->refused = false;
  peer->auth_error = false;
  peer->state = reply.state;
  peer->term = reply.term;
  peer->config = reply.config;
  peer->syncing_to = reply.syncing_to;
  peer->primary_id = reply.primary_id;
  peer->electable = reply.electable;
  peer->election_time = reply.election_time;
  peer->commit_point = reply.commit_point.optime;
  peer->last_message.clear();
  peer->last_heartbeat = now_;
  peer->answered_since_restart = true;
  peer->settled_since_restart = true;
  progress_.MarkAlive(peer->id, now_);
  if (HoldsData(reply.state)) {
    progress_.Advance(peer->id, reply.written, reply.durable, reply.term);
  } else {
    progress_.Forget(peer->id);
  }
  AdoptTerm(reply.term);
  if (reply.state == MemberState::kPrimary && reply.term == term_ && !is_leader()) {
    LearnPrimary(peer->id, reply.term);
    primary_heard_ = now_;
    ResetElectionTimer();
    ConsiderTakeover(*peer);
  } else if (peer->id == primary_id_ && reply.state != MemberState::kPrimary) {
    primary_id_ = -1;
    PublishTopologyChange();
  }
  if (!is_leader() && self() != nullptr) {
    const bool moved = self()->arbiter_only
                           ? commit_point_.LearnAsArbiter(reply.commit_point)
                           : commit_point_.LearnFromHeartbeat(reply.commit_point, written_.optime);
    if (moved) {
      CommitPointChanged();
    }
  }
  peer->next_heartbeat = std::max(now_ + kMinHeartbeatInterval,
                                  peer->round_started + HeartbeatIntervalFor(*peer));
  if (takeover_ && takeover_->reason == ElectionReason::kCatchUpTakeover &&
      reply.written.optime.term == term_) {
    takeover_.reset();  // the primary writes: it has caught up
  }
  RecomputeCommitPoint();
  ContinueCatchUp();
  ContinueStepDown();
  ContinueConfigChange();
  MaybeRemoveNewlyAdded();
  ChooseSource();
  SeenConfig(reply);
}

void Node::SeenConfig(const HeartbeatReply& reply) {
  if (reply.config_document.empty() || config_change_ || (is_leader() && !is_writable())) {
    return;
  }
  StatusOr<ReplSetConfig> parsed = ReplSetConfig::FromBson(bson::DocView(reply.config_document));
  if (!parsed.ok() || !ValidateFromPeer(*parsed, options_.set_name).ok()) {
    return;
  }
  if (config_ != nullptr && (!parsed->config_version().IsNewerThan(config_->config_version()) ||
                             (config_->settings.replica_set_id &&
                              parsed->settings.replica_set_id != config_->settings.replica_set_id))) {
    return;
  }
  ConfigChange change;
  change.kind = ConfigChange::Kind::kFromPeer;
  change.sender_term = reply.term;
  change.config = *std::move(parsed);
  BeginConfigChange(std::move(change));
}

void Node::ConsiderTakeover(const Peer& primary) {
  const MemberConfig* me = self();
  const MemberConfig* them = config_->Find(primary.id);
  if (takeover_ || election_ || me == nullptr || them == nullptr || !me->is_electable() ||
      state() != MemberState::kSecondary) {
    return;
  }
  const Millis timeout = config_->settings.election_timeout();
  if (me->effective_priority() > them->effective_priority()) {
    const int rank = config_->PriorityRank(self_index_);
    const int64_t jitter = rng_.Between(0, timeout.count() * 15 / 100);
    takeover_ = Takeover{ElectionReason::kPriorityTakeover,
                         now_ + timeout * (rank + 1) + Millis(jitter)};
    return;
  }
  const int64_t delay = config_->settings.catch_up_takeover_delay_millis;
  if (delay >= 0 && config_->settings.catch_up_timeout_millis != 0 &&
      FreshEnoughForTakeover(ElectionReason::kCatchUpTakeover)) {
    takeover_ = Takeover{ElectionReason::kCatchUpTakeover, now_ + Millis(delay)};
  }
}

}  // namespace septet::election
