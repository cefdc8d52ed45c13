// SPDX-License-Identifier: Apache-2.0
// Configs: initiate, reconfig, what arrives from other members, and the marks of newly added voters
// (replication.md 2.2-2.4). A config is stored first, used after.
#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "election/config_rules.h"
#include "election/node.h"

namespace septet::election {
namespace {

constexpr int64_t kForceVersionStep = 10'000;
constexpr int64_t kForceVersionSpread = 99'999;

}  // namespace

void Node::Handle(const InitiateRequested& e) {
  if (config_ != nullptr) {
    ReplyAdmin(e.reply_id, Error(ErrorCode::kAlreadyInitialized, "already initialized"));
    return;
  }
  if (config_change_) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kAlreadyInitialized,
                     "replSetInitiate: a configuration is being initialized already"));
    return;
  }
  ConfigChange change;
  change.kind = ConfigChange::Kind::kInitiate;
  change.reply_id = e.reply_id;
  const std::string me = options_.self_hosts.empty() ? "" : options_.self_hosts.front();
  if (e.config) {
    change.config = *e.config;
  } else {
    change.config = ReplSetConfig::DefaultFor(options_.set_name, me);
    change.reply_extra = bson::MakeDoc(
        "info2", "no configuration specified. Using a default configuration for the set", "me", me);
  }
  if (const Status s = ValidateForInitiate(change.config, options_.set_name, options_.self_hosts);
      !s.ok()) {
    ReplyAdmin(e.reply_id, s, change.reply_extra);
    return;
  }
  change.config.term = repl::kInitialTerm;
  bson::ObjectId id;
  for (uint8_t& byte : id.bytes) {
    byte = static_cast<uint8_t>(rng_.Uniform(256));
  }
  change.config.settings.replica_set_id = id;
  BeginConfigChange(std::move(change));
}

void Node::Handle(const ReconfigRequested& e) {
  if (config_ == nullptr) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kNotYetInitialized, "Node not yet initialized; use the replSetInitiate "
                                                    "command"));
    return;
  }
  if (!e.force && !is_writable()) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kNotWritablePrimary,
                     StrCat("New config is rejected :: caused by :: replSetReconfig should only be run "
                            "on a writable PRIMARY. Current state ",
                            MemberStateName(state()), ";")));
    return;
  }
  if (config_change_ && config_change_->kind == ConfigChange::Kind::kAutomatic &&
      config_change_->phase == ConfigChange::Phase::kWaitCommitted) {
    config_change_.reset();  // it comes again by itself
  }
  if (config_change_) {
    ReplyAdmin(e.reply_id,
               Error(ErrorCode::kConfigurationInProgress,
                     "Cannot run replSetReconfig because the node is currently updating its "
                     "configuration"));
    return;
  }
  ConfigChange change;
  change.kind = e.force ? ConfigChange::Kind::kForce : ConfigChange::Kind::kReconfig;
  change.reply_id = e.reply_id;
  change.default_write_concern_set = e.default_write_concern_set;
  change.config = e.config;
  if (!change.config.settings.replica_set_id) {
    change.config.settings.replica_set_id = config_->settings.replica_set_id;
  }
  if (e.force) {
    change.config.version = std::max(e.config.version, config_->version) + kForceVersionStep +
                            rng_.Between(0, kForceVersionSpread);
    change.config.term = repl::kUninitializedTerm;
  } else {
    change.config.term = term_;
  }
  const Status s = ValidateForReconfig(*config_, change.config, options_.self_hosts,
                                       {e.force, e.default_write_concern_set});
  if (!s.ok()) {
    ReplyAdmin(e.reply_id, s);
    return;
  }
  if (e.max_time) {
    change.deadline = now_ + *e.max_time;
  }
  if (e.force) {
    for (MemberConfig& m : change.config.members) {
      const MemberConfig* old = config_->Find(m.id);
      m.newly_added = old != nullptr && old->host == m.host && old->newly_added && m.votes == 1;
    }
  } else {
    MarkNewlyAdded(*config_, &change.config);
  }
  BeginConfigChange(std::move(change));
}

void Node::BeginConfigChange(ConfigChange change) {
  const ConfigChange::Kind kind = change.kind;
  config_change_ = std::move(change);
  switch (kind) {
    case ConfigChange::Kind::kInitiate:
      StartProbe();
      return;
    case ConfigChange::Kind::kReconfig:
    case ConfigChange::Kind::kAutomatic:
      config_change_->phase = ConfigChange::Phase::kWaitCommitted;
      ContinueConfigChange();
      return;
    case ConfigChange::Kind::kForce:
    case ConfigChange::Kind::kTermBump:
    case ConfigChange::Kind::kFromPeer:
      PersistChange();
      return;
  }
}

void Node::ContinueConfigChange() {
  ConfigSpread();
  if (!config_change_ || config_change_->phase == ConfigChange::Phase::kPersisting) {
    return;
  }
  if (config_change_->phase == ConfigChange::Phase::kProbing) {
    ContinueProbe();
  } else if (ConfigCommitted() && OplogCommitmentHolds()) {
    if (config_change_->kind == ConfigChange::Kind::kAutomatic) {
      PersistChange();
    } else {
      StartProbe();
    }
    return;
  }
  if (config_change_ && config_change_->deadline && now_ >= *config_change_->deadline &&
      config_change_->phase == ConfigChange::Phase::kWaitCommitted) {
    FailConfigChange(
        Error(ErrorCode::kCurrentConfigNotCommittedYet,
              StrCat("New config is rejected :: caused by :: Cannot run replSetReconfig because the "
                     "current config: ",
                     config_->config_version().ToString(), " is not majority committed.")));
  }
}

// A majority of voters uses the config this member uses.
bool Node::ConfigCommitted() const {
  int votes = self() != nullptr && self()->is_voter() ? 1 : 0;
  for (const Peer& p : peers_) {
    const MemberConfig* m = config_->Find(p.id);
    votes += m->is_voter() && p.up && p.config == config_->config_version() ? 1 : 0;
  }
  return votes >= config_->majority_votes();
}

// What was committed under the former config is on a majority of this one, and this term has committed
// something.
bool Node::OplogCommitmentHolds() const {
  const OpTime reached =
      progress_.ReachedBy(progress_.write_majority(), CountedPosition(), /*voters_only=*/true).optime;
  return reached >= commit_at_install_ &&
         commit_point_.value().optime >= commit_point_.first_of_term();
}

void Node::ConfigSpread() {
  if (spread_waiters_.empty()) {
    return;
  }
  const bool committed = ConfigCommitted();
  std::erase_if(spread_waiters_, [&](const SpreadWaiter& w) {
    if (committed) {
      ReplyAdmin(w.reply_id, OkStatus());
      return true;
    }
    if (w.deadline && now_ >= *w.deadline) {
      ReplyAdmin(w.reply_id,
                 Error(ErrorCode::kMaxTimeMSExpired,
                       "Reconfig finished but failed to propagate to a majority :: caused by :: "
                       "operation exceeded time limit"));
      return true;
    }
    return false;
  });
}

void Node::StartProbe() {
  ConfigChange& change = *config_change_;
  change.phase = ConfigChange::Phase::kProbing;
  const bool initiate = change.kind == ConfigChange::Kind::kInitiate;
  const Millis timeout = change.config.settings.heartbeat_timeout();
  change.probe.deadline = now_ + timeout;
  if (change.deadline) {
    change.probe.deadline = std::min(change.probe.deadline, *change.deadline);
  }
  for (const MemberConfig& m : change.config.members) {
    const auto& mine = options_.self_hosts;
    if (std::find(mine.begin(), mine.end(), m.host) != mine.end()) {
      continue;
    }
    Probe::Answer a;
    a.host = m.host;
    a.sequence = NextNumber();
    // A voter that is new counts as none: it answers, but has no data to lose.
    a.voter = m.is_voter();
    a.electable = m.is_electable();
    HeartbeatRequest q = MakeHeartbeatRequest();
    q.check_empty = initiate;
    Emit(SendHeartbeat{m.host, a.sequence, std::move(q), timeout});
    change.probe.answers.push_back(std::move(a));
  }
  ContinueProbe();
}

bool Node::OnProbeReply(const HeartbeatReplyReceived& e) {
  if (!config_change_ || config_change_->phase != ConfigChange::Phase::kProbing) {
    return false;
  }
  ConfigChange& change = *config_change_;
  for (Probe::Answer& a : change.probe.answers) {
    if (a.sequence != e.sequence) {
      continue;
    }
    if (a.done) {
      return true;
    }
    a.done = true;
    const bool initiate = change.kind == ConfigChange::Kind::kInitiate;
    const auto& id = change.config.settings.replica_set_id;
    if (!e.status.ok()) {
      a.failure = TextOf(e.status);
      if (CodeOf(e.status) == ErrorCode::kInconsistentReplicaSetNames) {
        change.probe.veto = StrCat("Our set name did not match that of ", a.host);
      }
    } else if (e.reply.set_name != change.config.set_name) {
      change.probe.veto = StrCat("Our set name did not match that of ", a.host);
    } else if (initiate && e.reply.config.version >= 0) {
      change.probe.veto = StrCat(a.host, " is already initiated");
    } else if (initiate && e.reply.has_data) {
      change.probe.veto = StrCat("'", a.host, "' has data already, cannot initiate set.");
    } else if (!initiate && e.reply.config.IsNewerThan(change.config.config_version())) {
      change.probe.veto = StrCat("Our config version of ", change.config.config_version().ToString(),
                                 " is no larger than the version on ", a.host, ", which is ",
                                 e.reply.config.ToString());
    } else if (!initiate && id && e.reply.replica_set_id && *id != *e.reply.replica_set_id) {
      change.probe.veto = StrCat("Our replica set ID did not match that of ", a.host);
    } else {
      a.good = true;
    }
    ContinueProbe();
    return true;
  }
  return false;
}

void Node::ContinueProbe() {
  ConfigChange& change = *config_change_;
  const bool initiate = change.kind == ConfigChange::Kind::kInitiate;
  if (!change.probe.veto.empty()) {
    const ErrorCode code = change.probe.veto.find("has data already") != std::string::npos
                               ? ErrorCode::kCannotInitializeNodeWithData
                               : ErrorCode::kNewReplicaSetConfigurationIncompatible;
    FailConfigChange(Error(code, change.probe.veto));
    return;
  }
  bool all_done = true;
  bool all_good = true;
  int voters = 0;
  bool electable = false;
  for (const MemberConfig& m : change.config.members) {
    const auto& answers = change.probe.answers;
    const auto a = std::find_if(answers.begin(), answers.end(),
                                [&](const Probe::Answer& x) { return x.host == m.host; });
    const bool good = a == answers.end() || a->good;  // this member goes along
    all_done = all_done && (a == answers.end() || a->done);
    all_good = all_good && good;
    voters += good && m.is_voter() ? 1 : 0;
    electable = electable || (good && m.is_electable());
  }
  const bool enough =
      initiate ? all_good : voters >= change.config.majority_votes() && electable;
  if (enough) {
    PersistChange();
  } else if (all_done || now_ >= change.probe.deadline) {
    FailConfigChange(ProbeFailure());
  }
}

Status Node::ProbeFailure() const {
  const ConfigChange& change = *config_change_;
  std::string down;
  std::string responded;
  for (const MemberConfig& m : change.config.members) {
    const auto& answers = change.probe.answers;
    const auto a = std::find_if(answers.begin(), answers.end(),
                                [&](const Probe::Answer& x) { return x.host == m.host; });
    if (a == answers.end() || a->good) {
      StrAppend(&responded, responded.empty() ? "" : ", ", m.host);
    } else {
      StrAppend(&down, down.empty() ? "" : ", ", m.host, " failed with ",
                a->failure.empty() ? "no answer in time" : a->failure);
    }
  }
  if (change.kind == ConfigChange::Kind::kInitiate) {
    return Error(ErrorCode::kNodeNotFound,
                 StrCat("replSetInitiate quorum check failed because not all proposed set members "
                        "responded affirmatively: ",
                        down));
  }
  return Error(ErrorCode::kNodeNotFound,
               StrCat("Quorum check failed because not enough voting nodes responded; required ",
                      change.config.majority_votes(), " but only the following voting nodes responded: ",
                      responded, "; the following nodes did not respond affirmatively: ", down));
}

void Node::PersistChange() {
  ConfigChange& change = *config_change_;
  change.phase = ConfigChange::Phase::kPersisting;
  change.token = NextNumber();
  Emit(PersistConfig{change.token, change.config, change.kind == ConfigChange::Kind::kInitiate});
}

void Node::FailConfigChange(Status status) {
  const ConfigChange change = *std::exchange(config_change_, std::nullopt);
  if (change.reply_id) {
    ReplyAdmin(*change.reply_id, std::move(status), change.reply_extra);
  }
  RaiseConfigTerm();
}

void Node::Handle(const ConfigDurable& e) {
  if (!config_change_ || config_change_->phase != ConfigChange::Phase::kPersisting ||
      config_change_->token != e.token) {
    return;
  }
  if (!e.status.ok()) {
    const bool fatal = config_change_->kind == ConfigChange::Kind::kTermBump;
    FailConfigChange(e.status);
    if (fatal) {
      BecomeFollower(StepDownReason::kWriteFailed);
    }
    return;
  }
  const ConfigChange change = *std::exchange(config_change_, std::nullopt);
  const bool first = config_ == nullptr;
  InstallConfig(change.config);
  switch (change.kind) {
    case ConfigChange::Kind::kInitiate:
    case ConfigChange::Kind::kForce:
      initiated_ = change.kind == ConfigChange::Kind::kInitiate;
      if (change.reply_id) {
        ReplyAdmin(*change.reply_id, OkStatus(), change.reply_extra);
      }
      break;
    case ConfigChange::Kind::kReconfig:
    case ConfigChange::Kind::kAutomatic:
      if (is_writable()) {
        Emit(WriteReconfigNoop{change.config.version});
      }
      if (change.reply_id) {
        spread_waiters_.push_back({*change.reply_id, change.deadline});
      }
      break;
    case ConfigChange::Kind::kTermBump:
      if (leader_mode_ == LeaderMode::kLeaderElect && change.config.term == term_) {
        catch_up_->writable_asked = true;
        Emit(BecomeWritable{term_});
      }
      return;
    case ConfigChange::Kind::kFromPeer:
      if (first && self() != nullptr) {
        AbstainUpTo(std::max(change.sender_term, change.config.term));
      }
      break;
  }
  RaiseConfigTerm();
  ContinueConfigChange();
}

// A member without a memory joins: an earlier life of it, with the same host, may have voted already in
// the terms its set has reached. It does not vote in those.
void Node::AbstainUpTo(int64_t term) {
  AdoptTerm(term);
  if (last_vote_.term < term) {
    last_vote_ = {term, -1};
    Emit(PersistVote{NextNumber(), last_vote_});
  }
}

void Node::InstallConfig(const ReplSetConfig& config) {
  const MemberState before = state();
  config_ = std::make_shared<const ReplSetConfig>(config);
  self_index_ = FindSelf(*config_, options_.self_hosts).value_or(-1);
  std::vector<Peer> peers;
  for (size_t i = 0; i < config_->members.size() && self_index_ >= 0; ++i) {
    const MemberConfig& m = config_->members[i];
    if (static_cast<int>(i) == self_index_) {
      continue;
    }
    Peer p;
    if (Peer* old = FindPeer(m.id); old != nullptr && old->host == m.host) {
      p = *old;
    }
    p.id = m.id;
    p.host = m.host;
    peers.push_back(std::move(p));
  }
  peers_ = std::move(peers);
  progress_.Configure(config_->Specs(), self_id());
  progress_.SetSelf(written_, durable_);
  commit_at_install_ = commit_point_.value().optime;
  if (election_) {
    ElectionLost("the config changed");
  }
  takeover_.reset();
  if (is_leader() && (self() == nullptr || !self()->is_electable())) {
    BecomeFollower(StepDownReason::kReconfig);
  }
  if (FindPeer(primary_id_) == nullptr && !is_leader()) {
    primary_id_ = -1;
  }
  Emit(ConfigInstalled{*config_, self_index_});
  if (!sync_source_.empty() && (FindPeerByHost(sync_source_) == nullptr || self() == nullptr)) {
    DropSource();
  }
  PublishTopologyChange();
  if (is_leader()) {
    for (const Peer& p : peers_) {
      progress_.MarkAlive(p.id, now_);  // new voters get a whole time-out to show themselves
    }
  } else if (state() != before || !election_due_) {
    ResetElectionTimer();
  }
  for (Peer& p : peers_) {
    StartHeartbeat(&p);
  }
  RecomputeCommitPoint();
  ChooseSource();
  report_sent_.reset();  // positions count only with the config of who receives them
  ReportPositions(/*keep_alive=*/true);
}

void Node::MaybeRemoveNewlyAdded() {
  if (!is_writable() || config_change_) {
    return;
  }
  for (const Peer& p : peers_) {
    const bool has_data = p.up && (p.state == MemberState::kSecondary ||
                                   p.state == MemberState::kRecovering ||
                                   p.state == MemberState::kRollback);
    if (!has_data || !config_->Find(p.id)->newly_added) {
      continue;
    }
    ConfigChange change;
    change.kind = ConfigChange::Kind::kAutomatic;
    change.config = *config_;
    change.config.version += 1;
    change.config.term = term_;
    change.config.members[static_cast<size_t>(config_->IndexOf(p.id))].newly_added = false;
    BeginConfigChange(std::move(change));
    return;
  }
}

}  // namespace septet::election
