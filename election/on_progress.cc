// SPDX-License-Identifier: Apache-2.0
// The log moves: own progress, others' positions, the sync source and reports to it
// (replication.md 1.8, 4.1, 4.4, 6.1).
#include <algorithm>

#include "base/strings.h"
#include "election/node.h"

namespace septet::election {
namespace {

constexpr Millis kMaxKeepAlive{30'000};
constexpr Millis kReportRetry{200};
constexpr Millis kOneHour{3'600'000};

}  // namespace

void Node::Handle(const LocalProgress& e) {
  const bool forward = e.written.optime > written_.optime;
  written_ = e.written;
  durable_ = e.durable;
  progress_.SetSelf(written_, durable_);
  if (config_ == nullptr) {
    return;
  }
  if (!is_leader()) {
    AdoptTerm(written_.optime.term);  // an entry proves that its term exists
  }
  if (catch_up_ && forward) {
    catch_up_->stall_end = now_ + options_.catch_up_stall;
  }
  RecomputeCommitPoint();
  ContinueCatchUp();
  ContinueStepDown();
  ReportPositions(/*keep_alive=*/false);
}

void Node::Handle(const FollowerModeChanged& e) {
  const MemberState before = state();
  follower_mode_ = e.mode;
  too_stale_ = e.too_stale;
  if (state() == before) {
    return;
  }
  PublishTopologyChange();
  if (election_ && state() != MemberState::kSecondary) {
    ElectionLost("this member is no secondary any more");
  }
  ResetElectionTimer();
  if (config_ != nullptr && follower_mode_ != MemberState::kRollback) {
    ChooseSource();
  }
}

void Node::Handle(const UpdatePositionReceived& e) {
  Status status;
  if (config_ == nullptr) {
    Emit(SendUpdatePositionReply{
        e.reply_id, Error(ErrorCode::kNotYetInitialized, "no replset config has been received"), -2});
    return;
  }
  AdoptTerm(e.request.term);
  for (const UpdatePositionRequest::Entry& entry : e.request.entries) {
    if (entry.member_id == self_id()) {
      continue;
    }
    if (entry.config_version != config_->version) {
      status = Error(ErrorCode::kInvalidReplicaSetConfig,
                     StrCat("Received replSetUpdatePosition for node with memberId ", entry.member_id,
                            " whose config version of ", entry.config_version,
                            " doesn't match our config version of ", config_->version));
      continue;
    }
    // A member that voted in a later term may not help this one to commit.
    AdoptTerm(entry.member_term);
    progress_.Advance(entry.member_id, entry.written, entry.durable, entry.member_term);
    progress_.MarkAlive(entry.member_id, now_);
  }
  Emit(SendUpdatePositionReply{e.reply_id, std::move(status), config_->version});
  RecomputeCommitPoint();
  ContinueStepDown();
  ReportPositions(/*keep_alive=*/false);
}

void Node::Handle(const UpdatePositionReplyReceived& e) {
  if (e.host != sync_source_ || !report_sent_) {
    return;
  }
  report_sent_.reset();
  if (!e.status.ok()) {
    // The configs differ, or the source is in trouble: a heartbeat finds out, the keep-alive repeats.
    Peer* peer = FindPeerByHost(e.host);
    if (peer != nullptr && peer->in_flight == 0) {
      StartHeartbeat(peer);
    }
    report_keep_alive_ = std::min(report_keep_alive_, now_ + kReportRetry);
    return;
  }
  if (report_dirty_) {
    ReportPositions(/*keep_alive=*/false);
  }
}

void Node::ReportPositions(bool keep_alive) {
  if (sync_source_.empty() || self() == nullptr || self()->arbiter_only ||
      follower_mode_ == MemberState::kStartup2) {
    report_keep_alive_ = now_ + kMaxKeepAlive;
    return;
  }
  const Millis period = std::min(config_->settings.election_timeout() / 2, kMaxKeepAlive);
  const bool lost = report_sent_ && now_ - *report_sent_ >= period;
  if (report_sent_ && !lost && !keep_alive) {
    report_dirty_ = true;  // goes with the next one
    return;
  }
  UpdatePositionRequest q;
  q.term = term_;
  for (const repl::MemberProgress& m : progress_.members()) {
    const bool alive = m.alive_at && now_ - *m.alive_at < config_->settings.election_timeout();
    if (m.spec.bears_data && (m.spec.id == self_id() || alive)) {
      q.entries.push_back({m.spec.id, m.written, m.durable, config_->version,
                           m.spec.id == self_id() ? term_ : m.term});
    }
  }
  report_dirty_ = false;
  report_sent_ = now_;
  report_keep_alive_ = now_ + period;
  Emit(SendUpdatePosition{sync_source_, std::move(q)});
}

bool Node::MayHaveSource() const {
  if (self() == nullptr || self()->arbiter_only || shutting_down_) {
    return false;
  }
  if (is_leader()) {
    return catch_up_ && !catch_up_->draining && catch_up_->target &&
           *catch_up_->target > written_.optime;
  }
  return follower_mode_ != MemberState::kRollback;
}

repl::SourceQuery Node::MakeSourceQuery() const {
  repl::SourceQuery q;
  for (const Peer& p : peers_) {
    const MemberConfig& m = *config_->Find(p.id);
    if (m.arbiter_only) {
      continue;
    }
    repl::SourceCandidate c;
    c.id = p.id;
    c.host = p.host;
    c.up = p.up;
    // Who was primary in an older term has not been heard since.
    c.readable = p.state == MemberState::kSecondary ||
                 (p.state == MemberState::kPrimary && p.term == term_);
    c.primary = p.id == primary_id_;
    c.builds_indexes = m.build_indexes;
    c.voter = m.is_voter();
    c.hidden = m.hidden;
    c.delay_secs = m.secondary_delay_secs;
    c.written = progress_.Find(p.id)->written.optime;
    c.commit_point = p.commit_point;
    c.ping_millis = p.ping_millis;
    c.syncing_from = p.syncing_to;
    q.candidates.push_back(std::move(c));
  }
  q.self_host = self()->host;
  q.builds_indexes = self()->build_indexes;
  q.voter = self()->is_voter();
  q.delay_secs = self()->secondary_delay_secs;
  q.written = written_.optime;
  q.commit_point = commit_point_.value().optime;
  q.chaining_allowed = config_->settings.chaining_allowed;
  q.catching_up = is_leader();
  q.max_lag_secs = options_.max_sync_source_lag_secs;
  q.now = now_;
  return q;
}

void Node::ChooseSource() {
  if (!sync_source_.empty() || !MayHaveSource()) {
    return;
  }
  const Peer* chosen = nullptr;
  if (!forced_source_.empty()) {
    chosen = FindPeerByHost(std::exchange(forced_source_, {}));
  } else if (const std::optional<int> id = repl::ChooseSyncSource(MakeSourceQuery(), denylist_)) {
    chosen = FindPeer(*id);
  }
  if (chosen == nullptr) {
    return;
  }
  sync_source_ = chosen->host;
  report_sent_.reset();
  PublishTopologyChange();
  Emit(SetSyncSource{chosen->host, chosen->id});
  ReportPositions(/*keep_alive=*/true);
}

void Node::DropSource() {
  if (sync_source_.empty()) {
    return;
  }
  sync_source_.clear();
  report_sent_.reset();
  report_dirty_ = false;
  Emit(SetSyncSource{"", -1});
}

void Node::Handle(const SyncSourceFailed& e) {
  if (e.host.empty() || e.host != sync_source_) {
    return;
  }
  denylist_.Add(e.host, now_ + e.deny);
  DropSource();
  ChooseSource();
}

void Node::Handle(const BatchFetched& e) {
  const FetchMetadata& m = e.metadata;
  if (config_ == nullptr || e.host.empty() || e.host != sync_source_) {
    return;
  }
  const auto& my_id = config_->settings.replica_set_id;
  if (my_id && m.replica_set_id && *my_id != *m.replica_set_id) {
    Handle(SyncSourceFailed{e.host});
    return;
  }
  AdoptTerm(m.term);
  Peer* source = FindPeerByHost(e.host);
  if (source == nullptr || sync_source_.empty()) {
    return;
  }
  if (m.term == term_ && !is_leader()) {
    const int named = m.is_primary ? source->id
                      : m.primary_index >= 0 && m.config == config_->config_version() &&
                              m.primary_index < static_cast<int>(config_->members.size())
                          ? config_->members[static_cast<size_t>(m.primary_index)].id
                          : -1;
    const Peer* primary = FindPeer(named);
    if (primary != nullptr && (m.is_primary || !primary->refused)) {
      LearnPrimary(named, m.term);
      primary_heard_ = m.is_primary ? now_ : primary_heard_;
      ResetElectionTimer();
    }
  }
  if (!is_leader() && commit_point_.LearnFromSyncSource(m.commit_point, written_)) {
    CommitPointChanged();
  }
  if (m.config.IsNewerThan(config_->config_version()) && source->in_flight == 0) {
    StartHeartbeat(source);
  }
  if (sync_source_ != e.host) {
    return;  // a new primary was learned and with it a new source
  }
  std::erase_if(closeness_changes_, [this](TimePoint t) { return now_ - t > kOneHour; });
  repl::SourceChangeQuery change;
  change.current_host = e.host;
  change.source_written = m.last_written;
  change.source_is_primary = m.is_primary;
  change.source_syncs_from = m.sync_source_host;
  change.recent_changes = static_cast<int>(closeness_changes_.size());
  const std::string why = repl::WhyChangeSource(MakeSourceQuery(), change, denylist_);
  if (!why.empty()) {
    if (why == repl::kMuchCloser) {
      closeness_changes_.push_back(now_);
    }
    DropSource();
    ChooseSource();
  }
}

}  // namespace septet::election
