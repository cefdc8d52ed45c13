// SPDX-License-Identifier: Apache-2.0
// Asking for votes, giving them, winning (replication.md 1.2-1.4, 11.3).
#include <algorithm>

#include "base/strings.h"
#include "election/node.h"

namespace septet::election {
namespace {

constexpr Millis kMaxVoteTimeout{30'000};
constexpr uint32_t kSameSecondFreshness = 1000;

}  // namespace

ElectionCounters::PerReason* Node::CounterOf(ElectionReason reason) {
  switch (reason) {
    case ElectionReason::kPriorityTakeover:
      return &counters_.priority_takeover;
    case ElectionReason::kCatchUpTakeover:
      return &counters_.catch_up_takeover;
    case ElectionReason::kStepUpRequest:
    case ElectionReason::kStepUpSkipDryRun:
      return &counters_.step_up_cmd;
    case ElectionReason::kSingleNode:
      return &counters_.freeze_timeout;
    case ElectionReason::kElectionTimeout:
    case ElectionReason::kConnectionRefused:
      return &counters_.election_timeout;
  }
  return &counters_.election_timeout;
}

bool Node::FreshEnoughForTakeover(ElectionReason reason) const {
  OpTime newest = written_.optime;
  OpTime primary_written;
  for (const repl::MemberProgress& m : progress_.members()) {
    newest = std::max(newest, m.written.optime);
    if (m.spec.id == primary_id_) {
      primary_written = m.written.optime;
    }
  }
  const OpTime& mine = written_.optime;
  if (reason == ElectionReason::kCatchUpTakeover) {
    return mine == newest && mine > primary_written && mine.term < term_;
  }
  if (mine.term != newest.term) {
    return false;
  }
  if (mine.ts.secs == newest.ts.secs) {
    return newest.ts.inc - mine.ts.inc <= kSameSecondFreshness;
  }
  return static_cast<double>(newest.ts.secs) - static_cast<double>(mine.ts.secs) <=
         options_.priority_takeover_freshness_secs;
}

// Empty: an election may start.
std::string Node::WhyNotElectable(ElectionReason reason) const {
  const MemberConfig* me = self();
  if (me == nullptr) {
    return "this member is not in the config";
  }
  if (me->arbiter_only) {
    return "this member is an arbiter";
  }
  if (!me->is_electable()) {
    return "this member has priority 0";
  }
  if (shutting_down_) {
    return "this member is shutting down";
  }
  if (state() != MemberState::kSecondary) {
    return "this member is not a secondary";
  }
  if (written_.optime.IsNull()) {
    return "this member has no oplog entry yet";
  }
  if (!MajorityVisible()) {
    return "a majority of the set cannot be seen";
  }
  if (no_candidacy_until_ && now_ < *no_candidacy_until_) {
    return "this member is frozen or stepped down a short time ago";
  }
  if (config_change_ && config_change_->phase == ConfigChange::Phase::kPersisting) {
    return "the config is changing";
  }
  if ((reason == ElectionReason::kPriorityTakeover || reason == ElectionReason::kCatchUpTakeover) &&
      !FreshEnoughForTakeover(reason)) {
    return "this member is not fresh enough for a takeover";
  }
  return "";
}

bool Node::StartElection(ElectionReason reason, std::optional<ReplyId> reply_id) {
  ++CounterOf(reason)->called;
  const std::string why_not = election_ ? "an election is running" : WhyNotElectable(reason);
  if (!why_not.empty()) {
    if (reply_id) {
      ReplyAdmin(*reply_id, Error(ErrorCode::kCommandFailed, StrCat("Election failed: ", why_not)));
    }
    return false;
  }
  ElectionRun run;
  run.reason = reason;
  run.reply_id = reply_id;
  run.term = term_;
  election_ = std::move(run);
  takeover_.reset();
  ResetElectionTimer();
  if (SingleVoter() || reason == ElectionReason::kStepUpSkipDryRun) {
    BeginRealElection();
  } else {
    AskForVotes(/*dry_run=*/true);
  }
  return true;
}

void Node::AskForVotes(bool dry_run) {
  ElectionRun& run = *election_;
  run.phase = dry_run ? ElectionRun::Phase::kDryRun : ElectionRun::Phase::kVoting;
  run.round = NextNumber();
  const Millis timeout = std::min(config_->settings.election_timeout(), kMaxVoteTimeout);
  run.deadline = now_ + timeout;
  std::vector<int> voters;
  for (const MemberConfig& m : config_->members) {
    if (m.is_voter()) {
      voters.push_back(m.id);
    }
  }
  // A takeover because the primary cannot catch up needs the primary's own consent.
  const bool needs_primary = dry_run && run.reason == ElectionReason::kCatchUpTakeover;
  run.votes = VoteCount(voters, needs_primary ? primary_id_ : -1);
  run.votes.Yes(self_id());
  VoteRequest q;
  q.set_name = options_.set_name;
  q.dry_run = dry_run;
  q.term = run.term;
  q.candidate_index = self_index_;
  q.config = config_->config_version();
  q.last_written = written_.optime;
  q.reason = run.reason;
  q.has_reason = true;
  for (const int id : voters) {
    if (const Peer* p = FindPeer(id)) {
      Emit(SendVoteRequest{p->host, id, run.round, q, timeout});
    }
  }
  VotesChanged();
}

void Node::BeginRealElection() {
  ElectionRun& run = *election_;
  if (const std::string why = WhyNotElectable(run.reason); !why.empty()) {
    ElectionLost(why);
    return;
  }
  ++term_;
  primary_id_ = -1;
  primary_heard_.reset();
  PublishTopologyChange();
  run.term = term_;
  run.phase = ElectionRun::Phase::kPersisting;
  run.deadline = now_ + kMaxVoteTimeout;
  run.round = 0;
  run.vote_token = NextNumber();
  last_vote_ = {term_, self_index_};
  last_vote_config_ = config_->config_version();
  Emit(PersistVote{run.vote_token, last_vote_});
}

void Node::Handle(const VoteDurable& e) {
  if (election_ && election_->phase == ElectionRun::Phase::kPersisting &&
      election_->vote_token == e.token) {
    if (e.status.ok()) {
      AskForVotes(/*dry_run=*/false);
    } else {
      ElectionLost("the own vote could not be stored");
    }
    return;
  }
  std::erase_if(pending_votes_, [&](const PendingVote& p) {
    if (p.token != e.token) {
      return false;
    }
    Emit(SendVoteReply{p.reply_id, e.status, VoteReply{term_, e.status.ok(), ""}});
    return true;
  });
}

void Node::Handle(const VoteReplyReceived& e) {
  if (!election_ || election_->round != e.round || e.round == 0) {
    return;
  }
  if (!e.status.ok()) {
    election_->votes.Unreachable(e.member_id);
  } else if (AdoptTerm(e.reply.term)) {
    return;  // the election ended with it
  } else if (e.reply.granted) {
    election_->votes.Yes(e.member_id);
  } else {
    election_->votes.No(e.member_id);
  }
  VotesChanged();
}

void Node::VotesChanged() {
  const VoteCount::Result result = election_->votes.result();
  if (result == VoteCount::Result::kLost) {
    ElectionLost("not enough votes");
  } else if (result == VoteCount::Result::kWon) {
    if (election_->phase == ElectionRun::Phase::kDryRun) {
      BeginRealElection();
    } else {
      ElectionWon();
    }
  }
}

void Node::ElectionLost(std::string_view why) {
  const ElectionRun run = *std::exchange(election_, std::nullopt);
  if (run.reply_id) {
    ReplyAdmin(*run.reply_id, Error(ErrorCode::kCommandFailed, StrCat("Election failed: ", why)));
  }
  if (HearsPrimary()) {
    ResetElectionTimer();
  } else if (run.reason == ElectionReason::kConnectionRefused) {
    ArmFastFailover();
  } else {
    RetryElectionSoon();
  }
}

void Node::ElectionWon() {
  const ElectionRun run = *std::exchange(election_, std::nullopt);
  ++CounterOf(run.reason)->successful;
  CandidateMetrics m;
  m.reason = run.reason;
  m.elected_at = now_;
  m.term = term_;
  m.commit_point_at_election = commit_point_.value().optime;
  m.last_seen_at_election = written_.optime;
  m.votes_needed = run.votes.needed();
  m.priority = self()->priority;
  m.election_timeout_millis = config_->settings.election_timeout_millis;
  candidate_ = m;
  participant_.reset();
  MoveLeaderMode(LeaderMode::kLeaderElect);
  primary_id_ = self_id();
  commit_point_.OnElected();
  election_due_.reset();
  refused_ = false;
  refused_attempts_ = 0;
  takeover_.reset();
  for (const int id : run.votes.Answered()) {
    progress_.MarkAlive(id, now_);
  }
  if (run.reply_id) {
    ReplyAdmin(*run.reply_id, OkStatus());
  }
  DropSource();
  RestartHeartbeats();
  StartCatchUp();
}

// Empty: yes. The order is that of replication.md 1.4.
std::string Node::WhyRefuseVote(const VoteRequest& q) const {
  if (self() == nullptr) {
    return "the voter is not in its own config";
  }
  if (config_->config_version().IsNewerThan(q.config)) {
    return StrCat("candidate's config with ", q.config.ToString(), " is older than mine with ",
                  config_->config_version().ToString());
  }
  if (q.term < term_) {
    return StrCat("candidate's term (", q.term, ") is lower than mine (", term_, ")");
  }
  if (q.set_name != options_.set_name) {
    return StrCat("candidate's set name (", q.set_name, ") differs from mine (", options_.set_name,
                  ")");
  }
  if (q.last_written < written_.optime) {
    return StrCat("candidate's data is staler than mine. candidate's last applied OpTime: ",
                  q.last_written.ToString(),
                  ", my last applied OpTime: ", written_.optime.ToString());
  }
  if (!self()->arbiter_only && follower_mode_ == MemberState::kStartup2 &&
      written_.optime.IsNull() && q.last_written.term > repl::kInitialTerm) {
    // It may have lost entries that it once helped to commit. In a new set there are none to lose; in
    // an old one it first gets its data, from a secondary if there is no primary.
    return "I have no data yet and cannot tell whether the candidate's is enough";
  }
  const bool same_candidate =
      last_vote_.candidate_index == q.candidate_index && last_vote_config_ == q.config;
  if (!q.dry_run && last_vote_.term == q.term && !same_candidate) {
    return StrCat("already voted for another candidate (", last_vote_.candidate_index,
                  ") this term (", last_vote_.term, ")");
  }
  const bool detects_failure = q.has_reason && (q.reason == ElectionReason::kElectionTimeout ||
                                                q.reason == ElectionReason::kConnectionRefused);
  if (q.dry_run && detects_failure && HearsPrimary()) {
    return "I can hear the primary";
  }
  if (self()->arbiter_only && q.config == config_->config_version()) {
    const MemberConfig* candidate =
        q.candidate_index < static_cast<int>(config_->members.size())
            ? &config_->members[static_cast<size_t>(q.candidate_index)]
            : nullptr;
    for (const Peer& p : peers_) {
      const MemberConfig* m = config_->Find(p.id);
      if (p.up && p.state == MemberState::kPrimary && m != nullptr && candidate != nullptr &&
          m != candidate && p.id == primary_id_ &&
          m->effective_priority() >= candidate->effective_priority()) {
        return StrCat("can see a healthy primary (", p.host, ") of equal or greater priority");
      }
    }
  }
  return "";
}

void Node::Handle(const VoteRequestReceived& e) {
  const VoteRequest& q = e.request;
  if (config_ == nullptr) {
    Emit(SendVoteReply{e.reply_id,
                       Error(ErrorCode::kNotYetInitialized, "no replset config has been received"),
                       {}});
    return;
  }
  if (q.set_name == options_.set_name && self() != nullptr) {
    AdoptTerm(q.term);
  }
  const std::string why_not = WhyRefuseVote(q);
  if (!q.dry_run) {
    ParticipantMetrics m;
    m.voted_for_candidate = why_not.empty();
    m.term = q.term;
    m.voted_at = now_;
    if (q.candidate_index < static_cast<int>(config_->members.size())) {
      m.candidate_id = config_->members[static_cast<size_t>(q.candidate_index)].id;
    }
    m.reason = why_not;
    m.last_written_at_election = written_.optime;
    for (const repl::MemberProgress& p : progress_.members()) {
      m.max_written_in_set = std::max(m.max_written_in_set, p.written.optime);
    }
    m.priority = self() == nullptr ? 0 : self()->priority;
    participant_ = m;
  }
  if (!why_not.empty() || q.dry_run) {
    Emit(SendVoteReply{e.reply_id, OkStatus(), VoteReply{term_, why_not.empty(), why_not}});
    return;
  }
  // A repeated request joins the write that is under way; a stored vote is stored once more, which is
  // rare and harmless.
  const auto same = std::find_if(pending_votes_.begin(), pending_votes_.end(),
                                 [&](const PendingVote& p) { return p.term == q.term; });
  if (same != pending_votes_.end()) {
    pending_votes_.push_back({same->token, e.reply_id, q.term});
    return;
  }
  last_vote_ = {q.term, q.candidate_index};
  last_vote_config_ = q.config;
  pending_votes_.push_back({NextNumber(), e.reply_id, q.term});
  Emit(PersistVote{pending_votes_.back().token, last_vote_});
}

}  // namespace septet::election
