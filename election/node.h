// SPDX-License-Identifier: Apache-2.0
// Who is primary: one member's share of the election protocol, as a deterministic state machine.
//
//   Node node(options, stored, seed);  Run(node.Start(now));
//   for each event: Run(node.Step(event, now));  Publish(node.MakeSnapshot());
//
// The driver's contract
//  1. One thread owns the Node. `now` never goes back. Same stored state, seed, events and times give the
//     same actions, always: a Node has no clock, no thread, no socket, no file.
//  2. Actions are begun in the order given. Those that ask for something and have an answer event
//     (Send..., Persist..., StartDrain, BecomeWritable, StopWrites) may go on in the background; the
//     driver then feeds the event, once, in any order with other events. The rest (StepDown,
//     ConfigInstalled, SetSyncSource, ResumeWrites, CommitPointMoved, PublishTopology, WakeAt) are done
//     when the next action begins.
//  3. Nothing that a durable write promises leaves the process before the write is durable. The Node sees
//     to that itself: it sends a granted vote, or asks for votes, only after VoteDurable, and uses a config
//     only after ConfigDurable. The driver sends these two events only after fsync (or with the error).
//     Votes reach the disk in the order of their actions, and so do configs: a later one never first.
//     A vote or config that failed to persist is never acted upon.
//  4. After StepDown{term} was executed no write of that term commits any more: a later vote reply, which
//     compares the candidate's log with this member's, therefore speaks of the final log. Writes that
//     committed before are told by LocalProgress before or at any time after.
//  5. LocalProgress.durable is what fsync has confirmed, never what is only written: votes and commit
//     point rest on it. BatchFetched comes after the LocalProgress of its entries.
//  6. Every Send that has an answer gets one, or none: the Node times out by itself. Duplicates and
//     answers that come late are ignored.
//  7. Time: only the last WakeAt counts. TimerFired may come late, early or twice.
//     During initial sync there is no LocalProgress: the member has nothing to vouch for.
//  8. Restart: give the Node what is stored: config, last vote, newest entry. A restarted member knows no
//     commit point and starts as STARTUP2; the driver moves it on by FollowerModeChanged.
//  9. Hosts: the Node finds itself in a config by options.self_hosts. Before feeding a message that holds
//     a config (InitiateRequested, ReconfigRequested, HeartbeatReplyReceived) the driver resolves hosts it
//     has not seen and calls AddSelfHost for those that are this process.
//
// Differences from the usual behaviour, all within its safety rules: catch-up waits for a majority's
// answers and a short grace instead of all peers; a refused connection to the primary starts a dry run at
// once; voters refuse a dry run that a time-out or refused connection started while they hear the primary
// themselves; the primary is asked for heartbeats more often.
// Thread rule: owned by one thread. Source: replication.md 1, 2.4, 6.1, 10.2, 11.3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "election/actions.h"
#include "election/config.h"
#include "election/events.h"
#include "election/member.h"
#include "election/procedures.h"
#include "election/snapshot.h"
#include "replication/core/commit_point.h"
#include "replication/core/progress.h"
#include "replication/core/sync_source.h"

namespace septet::election {

// Breaks rules on purpose, to prove that the simulator notices. Only tests/sim sets these.
struct TestOnlyMutations {
  bool count_written_as_durable = false;
  bool ignore_own_term_rule = false;
};

struct NodeOptions {
  std::string set_name;                   // --replSet
  std::vector<std::string> self_hosts;    // "host:port"; the first is how it presents itself
  Millis fast_failover_delay{50};         // random start delay after a refused connection, at most
  Millis catch_up_grace{200};             // for peers that have not answered when a majority has
  Millis catch_up_stall{5'000};           // with catchUpTimeoutMillis -1: give up when nothing comes
  Millis primary_heartbeat_interval{500}; // at most; to the member taken for primary
  double priority_takeover_freshness_secs = 2;
  int64_t max_sync_source_lag_secs = 30;
  bool election_handoff = true;           // enableElectionHandoff
  TestOnlyMutations mutations;
};

struct StoredState {
  std::optional<ReplSetConfig> config;
  LastVote last_vote;
  OpTimeAndWall newest;                   // top of the log, durable; null if there is none
};

class Node {
 public:
  Node(NodeOptions options, StoredState stored, uint64_t seed);

  // First actions after construction; call once, before any Step.
  Actions Start(TimePoint now);
  Actions Step(const Event& event, TimePoint now);

  void AddSelfHost(std::string host);

  // Cheap enough to make after every Step that published or moved a position: plain data, the config
  // shared.
  Snapshot MakeSnapshot() const;

  // Positions of all members, for write concern waiters (repl::WriteConcernQueue); changes with Step only.
  const repl::Progress& progress() const { return progress_; }
  const OpTimeAndWall& commit_point() const { return commit_point_.value(); }
  int64_t term() const { return term_; }
  const LastVote& last_vote() const { return last_vote_; }
  MemberState state() const;
  LeaderMode leader_mode() const { return leader_mode_; }
  bool is_leader() const { return leader_mode_ != LeaderMode::kNotLeader; }
  bool is_writable() const { return leader_mode_ == LeaderMode::kWritable; }
  const std::string& sync_source() const { return sync_source_; }
  const ReplSetConfig* config() const { return config_.get(); }

 private:
  friend struct NodeTestPeer;

  // Routing (node.cc), then one file per event family.
  void Handle(const HeartbeatRequestReceived& e);
  void Handle(const HeartbeatReplyReceived& e);
  void Handle(const VoteRequestReceived& e);
  void Handle(const VoteReplyReceived& e);
  void Handle(const UpdatePositionReceived& e);
  void Handle(const UpdatePositionReplyReceived& e);
  void Handle(const BatchFetched& e);
  void Handle(const SyncSourceFailed& e);
  void Handle(const ConnectionRefused& e);
  void Handle(const TimerFired& e);
  void Handle(const VoteDurable& e);
  void Handle(const ConfigDurable& e);
  void Handle(const LocalProgress& e);
  void Handle(const FollowerModeChanged& e);
  void Handle(const DrainComplete& e);
  void Handle(const BecameWritable& e);
  void Handle(const WritesStopped& e);
  void Handle(const InitiateRequested& e);
  void Handle(const ReconfigRequested& e);
  void Handle(const StepDownRequested& e);
  void Handle(const StepUpRequested& e);
  void Handle(const FreezeRequested& e);
  void Handle(const MaintenanceRequested& e);
  void Handle(const SyncFromRequested& e);
  void Handle(const AbortCatchUpRequested& e);
  void Handle(const ShutdownRequested& e);

  // node.cc: shared small things.
  template <typename A>
  void Emit(A action) { out_.emplace_back(std::move(action)); }
  void EmitWake();
  void PublishTopologyChange() { topology_dirty_ = true; }
  const MemberConfig* self() const;
  int self_id() const;
  Peer* FindPeer(int id);
  Peer* FindPeerByHost(std::string_view host);
  Peer* PrimaryPeer() { return FindPeer(primary_id_); }
  bool SingleVoter() const;
  void MoveLeaderMode(LeaderMode to);
  repl::Progress::Which CountedPosition() const;
  bool AdoptTerm(int64_t term);                    // true if it was higher
  void LearnPrimary(int id, int64_t term);
  void BecomeFollower(StepDownReason reason);
  void RecomputeCommitPoint();
  void CommitPointChanged();
  bool MajorityVisible() const;
  bool HearsPrimary() const;
  MemberSnapshot MakeMemberSnapshot(const MemberConfig& m) const;  // snapshot.cc
  void ReplyAdmin(ReplyId id, Status status, std::string extra = "");
  uint64_t NextNumber() { return ++last_number_; }

  // on_heartbeat.cc
  void StartHeartbeat(Peer* peer);
  void SendHeartbeatTo(Peer* peer);
  void RestartHeartbeats();
  void HeartbeatFailed(Peer* peer, const Status& status);
  void HeartbeatSucceeded(Peer* peer, const HeartbeatReply& reply);
  Millis HeartbeatIntervalFor(const Peer& peer) const;
  HeartbeatRequest MakeHeartbeatRequest() const;
  HeartbeatReply MakeHeartbeatReply(const ConfigVersion& theirs) const;
  void SendStrayHeartbeat(const std::string& host);
  void PeerWentDown(Peer* peer, std::string why);
  void SeenConfig(const HeartbeatReply& reply);
  void ConsiderTakeover(const Peer& primary);

  // on_vote.cc
  std::string WhyRefuseVote(const VoteRequest& request) const;
  std::string WhyNotElectable(ElectionReason reason) const;
  bool StartElection(ElectionReason reason, std::optional<ReplyId> reply_id);
  void AskForVotes(bool dry_run);
  void BeginRealElection();
  void VotesChanged();
  void ElectionLost(std::string_view why);
  void ElectionWon();
  bool FreshEnoughForTakeover(ElectionReason reason) const;
  ElectionCounters::PerReason* CounterOf(ElectionReason reason);

  // on_timer.cc
  void ResetElectionTimer();
  void RetryElectionSoon();
  void ArmFastFailover();
  void ElectionTimerFired();
  void TakeoverFired();
  std::optional<TimePoint> LeaseEnd() const;       // when a majority will count as lost
  std::optional<TimePoint> NextDeadline() const;

  // on_catch_up.cc
  void StartCatchUp();
  void ContinueCatchUp();
  void FinishCatchUp();
  void RaiseConfigTerm();

  // on_progress.cc
  bool MayHaveSource() const;
  void ChooseSource();
  void DropSource();
  repl::SourceQuery MakeSourceQuery() const;
  void ReportPositions(bool keep_alive);

  // on_admin.cc: step-down. on_config.cc: config changes.
  void BeginStepDown(StepDownAttempt attempt);
  void ContinueStepDown();
  void StepDownSucceeded();
  void StepDownFailed();
  const MemberConfig* BestSuccessor() const;
  bool MaySucceed(const Peer& peer) const;
  void BeginConfigChange(ConfigChange change);
  void ContinueConfigChange();
  void StartProbe();
  void ContinueProbe();
  Status ProbeFailure() const;
  void PersistChange();
  void ConfigSpread();
  void FailConfigChange(Status status);
  void AbstainUpTo(int64_t term);
  void InstallConfig(const ReplSetConfig& config);
  bool ConfigCommitted() const;
  bool OplogCommitmentHolds() const;
  void MaybeRemoveNewlyAdded();
  bool OnProbeReply(const HeartbeatReplyReceived& e);

  NodeOptions options_;
  Random rng_;
  TimePoint now_;
  Actions out_;
  uint64_t last_number_ = 0;       // sequences, rounds, tokens

  std::shared_ptr<const ReplSetConfig> config_;
  int self_index_ = -1;
  std::vector<Peer> peers_;        // in the config's order, without this member
  repl::Progress progress_;
  repl::CommitPoint commit_point_;
  ConfigVersion known_committed_;  // see RecomputeCommitPoint
  OpTime commit_at_install_;       // commit point when the config was installed

  int64_t term_ = repl::kInitialTerm;
  LastVote last_vote_;
  ConfigVersion last_vote_config_;           // config whose index last_vote_ names; this process only
  int primary_id_ = -1;
  std::optional<TimePoint> primary_heard_;   // its last sign of life in the current term
  LeaderMode leader_mode_ = LeaderMode::kNotLeader;
  MemberState follower_mode_ = MemberState::kStartup2;
  int maintenance_count_ = 0;
  bool too_stale_ = false;
  bool shutting_down_ = false;
  bool initiated_ = false;         // by this process: there is no primary to wait for
  OpTimeAndWall written_;
  OpTimeAndWall durable_;
  std::optional<bson::Timestamp> election_time_;

  std::optional<TimePoint> election_due_;
  int refused_attempts_ = 0;       // fast failover: dry runs since the primary's port refused
  bool refused_ = false;           // election_due_ was set by a refused connection
  std::optional<TimePoint> no_candidacy_until_;  // frozen or stepped down
  std::optional<Takeover> takeover_;
  std::optional<ElectionRun> election_;
  std::vector<PendingVote> pending_votes_;
  std::optional<CatchUp> catch_up_;
  std::optional<StepDownAttempt> step_down_;
  std::optional<ConfigChange> config_change_;
  std::vector<SpreadWaiter> spread_waiters_;
  std::vector<std::pair<uint64_t, std::string>> stray_heartbeats_;  // to hosts outside the config

  std::string sync_source_;
  std::string forced_source_;
  repl::Denylist denylist_;
  std::vector<TimePoint> closeness_changes_;
  bool report_dirty_ = false;
  std::optional<TimePoint> report_sent_;     // one is out since then
  TimePoint report_keep_alive_;

  bool topology_dirty_ = false;
  int64_t topology_version_ = 0;
  std::optional<TimePoint> wake_;
  ElectionCounters counters_;
  std::optional<CandidateMetrics> candidate_;
  std::optional<ParticipantMetrics> participant_;
};

}  // namespace septet::election
