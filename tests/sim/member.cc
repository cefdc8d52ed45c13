// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/member.h"

#include "base/strings.h"
#include "tests/sim/cluster.h"

namespace septet::sim {

using namespace election;  // NOLINT(google-build-using-namespace): the actions and events by name

Member::Member(Cluster* cluster, int index, std::string host)
    : cluster_(cluster), index_(index), host_(std::move(host)) {}

void Member::Boot() {
  ++incarnation_;
  NodeOptions options;
  options.set_name = "rs0";
  options.self_hosts = {host_};
  options.mutations.ignore_own_term_rule =
      cluster_->options().mutation == Mutation::kCommitOlderTerm;
  options.mutations.count_written_as_durable =
      cluster_->options().mutation == Mutation::kCountWritten;
  disk_.log.SyncUpTo(disk_.log.entries().size());
  node_ = std::make_unique<Node>(options, StoredState{disk_.config, disk_.vote, disk_.log.Written()},
                                 cluster_->random().Next());
  writable_term_ = -1;
  accepts_writes_ = false;
  sync_scheduled_ = false;
  ++log_version_;
  ++wake_version_;
  ++fetch_epoch_;
  source_.clear();
  rolling_back_ = false;
  disk_busy_until_ = {};
  last_state_.clear();
  last_round_ = 0;
  cluster_->checker().OnRestart(index_, *node_);
  for (const Action& a : node_->Start(cluster_->scheduler().now())) {
    Execute(a);
  }
  TellProgress();
  if (!disk_.log.empty()) {
    FeedAfter(Millis(1), FollowerModeChanged{MemberState::kRecovering});
    FeedAfter(Millis(2), FollowerModeChanged{MemberState::kSecondary});
  }
}

void Member::Crash() {
  const size_t tail = disk_.log.entries().size() - disk_.log.durable();
  disk_.log.Lose(static_cast<size_t>(cluster_->random().Uniform(tail + 1)));
  cluster_->checker().OnDurable(index_, disk_.log, 0);
  ++incarnation_;
  node_.reset();
  responders_.clear();
  awaiting_.clear();
  std::vector<uint64_t> all;
  waiters_.TakeAll(&all);
  for (auto& [id, waiter] : std::exchange(waiting_, {})) {
    waiter.done(false);
  }
}

void Member::After(Millis delay, std::function<void()> what) {
  cluster_->scheduler().After(delay, [this, life = incarnation_, what = std::move(what)] {
    cluster_->RunAt(index_, [this, life, what] {
      if (incarnation_ == life && alive()) {
        what();
      }
    });
  });
}

bool Member::writable() const {
  return alive() && !cluster_->paused(index_) && accepts_writes_ && writable_term_ == node_->term();
}

void Member::FeedAfter(Millis delay, Event event) {
  After(delay, [this, event = std::move(event)] { Feed(event); });
}

void Member::Feed(const Event& event) {
  if (!alive()) {
    return;
  }
  cluster_->checker().BeforeStep(index_, *node_);
  const Actions actions = node_->Step(event, cluster_->scheduler().now());
  cluster_->CountStep(index_, event.index(), actions.size());
  cluster_->checker().OnStep(index_, *node_, disk_.log);
  const uint64_t life = incarnation_;
  for (const Action& a : actions) {
    Execute(a);
    if (incarnation_ != life) {
      return;
    }
  }
  const std::string now_state =
      StrCat(MemberStateName(node_->state()), node_->is_writable() ? " writable" : "");
  if (now_state != last_state_) {
    cluster_->Trace(index_, StrCat(now_state, " term ", node_->term()));
    last_state_ = now_state;
  }
  ResolveWaiters();
}

void Member::AfterDiskWrite(std::function<void()> what) {
  const Millis duration(cluster_->random().Between(1, cluster_->options().max_fsync.count()));
  const repl::TimePoint now = cluster_->scheduler().now();
  disk_busy_until_ = std::max(now, disk_busy_until_) + duration;
  After(disk_busy_until_ - now, std::move(what));
}

void Member::TellProgress() {
  Feed(LocalProgress{disk_.log.Written(), disk_.log.Durable()});
}

void Member::ScheduleSync() {
  if (sync_scheduled_ || disk_.log.durable() == disk_.log.entries().size()) {
    return;
  }
  sync_scheduled_ = true;
  const int64_t delay = cluster_->random().Between(1, cluster_->options().max_fsync.count());
  After(Millis(delay), [this, count = disk_.log.entries().size(), version = log_version_] {
    sync_scheduled_ = false;
    if (version == log_version_) {
      const size_t from = disk_.log.durable();
      disk_.log.SyncUpTo(count);
      cluster_->checker().OnDurable(index_, disk_.log, from);
      TellProgress();
    }
    ScheduleSync();
  });
}

OpTime Member::AppendAsLeader(uint64_t value) {
  const int64_t wall = cluster_->WallMillis(index_);
  bson::Timestamp ts = disk_.log.Top().ts;
  ts.secs = std::max(ts.secs, static_cast<uint32_t>(wall / 1000));
  ++ts.inc;
  disk_.log.Append({ts, writable_term_}, wall, value);
  cluster_->checker().OnAppend(index_, disk_.log, /*as_leader=*/true, node_->term());
  ScheduleSync();
  FlushAwaiting(false);
  return disk_.log.Top();
}

WriteResult Member::Write(uint64_t value, const repl::WriteConcern& concern,
                          std::function<void(bool)> done) {
  if (!writable()) {
    return {};
  }
  const OpTime optime = AppendAsLeader(value);
  const uint64_t id = ++last_waiter_;
  waiters_.Add(id, concern, optime);
  waiting_.emplace(id, Waiter{optime, concern, std::move(done)});
  TellProgress();
  return {true, optime};
}

void Member::ResolveWaiters() {
  std::vector<uint64_t> ready;
  waiters_.TakeSatisfied(node_->progress(), node_->commit_point().optime, &ready);
  for (const uint64_t id : ready) {
    const auto it = waiting_.find(id);
    Waiter w = std::move(it->second);
    waiting_.erase(it);
    const bool majority = w.concern.kind == repl::WriteConcern::Kind::kMajority;
    cluster_->checker().OnAcknowledged(index_, w.optime, majority ? 0 : w.concern.w,
                                       w.concern.journal == repl::WriteConcern::Journal::kYes,
                                       disk_.log);
    w.done(true);
  }
}

void Member::Admin(Event event, ReplyId reply_id, std::function<void(Status)> done) {
  responders_[reply_id] = [done = std::move(done)](const Action& a) {
    done(std::get<SendAdminReply>(a).status);
  };
  Feed(event);
}

void Member::Respond(ReplyId id, const Action& action) {
  const auto it = responders_.find(id);
  if (it == responders_.end()) {
    return;
  }
  Responder r = std::move(it->second);
  responders_.erase(it);
  r(action);
}

bool Member::IsSettled(const OpTime& top) const {
  if (!alive()) {
    return false;
  }
  const MemberState s = node_->state();
  if (s == MemberState::kArbiter) {
    return true;
  }
  return (s == MemberState::kPrimary || s == MemberState::kSecondary) && disk_.log.Top() == top &&
         node_->commit_point().optime == top;
}

void Member::Execute(const Action& action) {
  std::visit([this](const auto& a) { Do(a); }, action);
}

namespace {
// Through the document and back, as over a real connection.
template <typename M>
M OverTheWire(const M& m, bool through_bson) {
  if (!through_bson) {
    return m;
  }
  return M::FromBson(bson::DocView(m.ToBson())).value();
}
}  // namespace

void Member::Do(const SendHeartbeat& a) {
  const int to = cluster_->IndexOfHost(a.host);
  const bool bson = cluster_->options().through_bson;
  cluster_->Call<HeartbeatReply>(
      index_, to, a.timeout,
      [q = OverTheWire(a.request, bson)](Member& target,
                                         std::function<void(StatusOr<HeartbeatReply>)> respond) {
        const ReplyId id = target.NextReplyId();
        target.responders_[id] = [respond](const Action& action) {
          const auto& r = std::get<SendHeartbeatReply>(action);
          respond(r.status.ok() ? StatusOr<HeartbeatReply>(r.reply) : r.status);
        };
        target.Feed(HeartbeatRequestReceived{id, q});
      },
      [this, sequence = a.sequence, bson](const StatusOr<HeartbeatReply>& r) {
        Feed(HeartbeatReplyReceived{sequence, r.status(),
                                    r.ok() ? OverTheWire(*r, bson) : HeartbeatReply()});
      });
}

void Member::Do(const SendHeartbeatReply& a) { Respond(a.reply_id, a); }

void Member::Do(const SendVoteRequest& a) {
  if (a.round != last_round_) {
    last_round_ = a.round;
    cluster_->Trace(index_, StrCat(a.request.dry_run ? "dry run (" : "asks for votes (",
                                   ElectionReasonName(a.request.reason), ") term ", a.request.term));
  }
  const bool bson = cluster_->options().through_bson;
  cluster_->Call<VoteReply>(
      index_, cluster_->IndexOfHost(a.host), a.timeout,
      [q = OverTheWire(a.request, bson)](Member& target,
                                         std::function<void(StatusOr<VoteReply>)> respond) {
        const ReplyId id = target.NextReplyId();
        target.responders_[id] = [respond](const Action& action) {
          const auto& r = std::get<SendVoteReply>(action);
          respond(r.status.ok() ? StatusOr<VoteReply>(r.reply) : r.status);
        };
        target.Feed(VoteRequestReceived{id, q});
      },
      [this, round = a.round, id = a.member_id, bson](const StatusOr<VoteReply>& r) {
        Feed(VoteReplyReceived{round, id, r.status(), r.ok() ? OverTheWire(*r, bson) : VoteReply()});
      });
}

void Member::Do(const SendVoteReply& a) { Respond(a.reply_id, a); }

void Member::Do(const SendUpdatePosition& a) {
  const bool bson = cluster_->options().through_bson;
  cluster_->Call<int>(
      index_, cluster_->IndexOfHost(a.host), Millis(5'000),
      [q = OverTheWire(a.request, bson)](Member& target, std::function<void(StatusOr<int>)> respond) {
        const ReplyId id = target.NextReplyId();
        target.responders_[id] = [respond](const Action& action) {
          const auto& r = std::get<SendUpdatePositionReply>(action);
          respond(r.status.ok() ? StatusOr<int>(0) : r.status);
        };
        target.Feed(UpdatePositionReceived{id, q});
      },
      [this, host = a.host](const StatusOr<int>& r) {
        Feed(UpdatePositionReplyReceived{host, r.status()});
      });
}

void Member::Do(const SendUpdatePositionReply& a) { Respond(a.reply_id, a); }

void Member::Do(const SendStepUp& a) {
  cluster_->Trace(index_, StrCat("hands over to ", a.host));
  cluster_->Call<int>(
      index_, cluster_->IndexOfHost(a.host), Millis(5'000),
      [](Member& target, std::function<void(StatusOr<int>)> respond) {
        const ReplyId id = target.NextReplyId();
        target.Admin(StepUpRequested{id, true}, id, [respond](const Status& s) {
          respond(s.ok() ? StatusOr<int>(0) : s);
        });
      },
      [](const StatusOr<int>&) {});
}

void Member::Do(const SendAdminReply& a) { Respond(a.reply_id, a); }

void Member::Do(const PersistVote& a) {
  // The candidate's host, as an index means nothing after a reconfig.
  std::string candidate = "nobody";
  const ReplSetConfig* config = node_->config();
  if (a.vote.candidate_index >= 0 &&
      a.vote.candidate_index < static_cast<int>(config->members.size())) {
    candidate = config->members[static_cast<size_t>(a.vote.candidate_index)].host;
  }
  AfterDiskWrite([this, a, candidate] {
    if (cluster_->options().mutation != Mutation::kVoteNotDurable) {
      disk_.vote = a.vote;
    }
    if (a.vote.candidate_index >= 0) {  // else it abstains
      cluster_->checker().OnVote(index_, a.vote.term, candidate);
    }
    cluster_->Trace(index_, StrCat("votes for ", candidate, " term ", a.vote.term));
    Feed(VoteDurable{a.token, OkStatus()});
  });
}

void Member::Do(const PersistConfig& a) {
  AfterDiskWrite([this, a] {
    disk_.config = a.config;
    if (a.initiate) {
      disk_.log.Append({{static_cast<uint32_t>(cluster_->WallMillis(index_) / 1000), 1}, 0},
                       cluster_->WallMillis(index_), 0);
      disk_.log.SyncUpTo(1);
      cluster_->checker().OnAppend(index_, disk_.log, /*as_leader=*/false, 0);
      cluster_->checker().OnDurable(index_, disk_.log, 0);
    }
    Feed(ConfigDurable{a.token, OkStatus()});
    if (a.initiate) {
      TellProgress();
      Feed(FollowerModeChanged{MemberState::kSecondary});
    }
  });
}

void Member::Do(const ConfigInstalled& a) {
  cluster_->Trace(index_, StrCat("config ", a.config.config_version().ToString()));
  waiters_.Configure(a.config.settings.write_concern_modes,
                     a.config.write_concern_majority_journal_default);
}

void Member::Do(const StartDrain& a) { FeedAfter(Millis(1), DrainComplete{a.term}); }

void Member::Do(const BecomeWritable& a) {
  After(Millis(1), [this, a] {
    if (node_->term() != a.term || !node_->is_leader()) {
      return;  // stepped down meanwhile
    }
    writable_term_ = a.term;
    accepts_writes_ = node_->leader_mode() == LeaderMode::kLeaderElect;
    AppendAsLeader(0);
    const OpTimeAndWall first = disk_.log.Written();
    TellProgress();
    Feed(BecameWritable{a.term, first, OkStatus()});
  });
}

void Member::Do(const StopWrites& a) {
  accepts_writes_ = false;
  FeedAfter(Millis(0), LocalProgress{disk_.log.Written(), disk_.log.Durable()});
  FeedAfter(Millis(0), WritesStopped{a.term});
}

void Member::Do(const ResumeWrites& a) { accepts_writes_ = writable_term_ == a.term; }

void Member::Do(const StepDown& a) {
  cluster_->Trace(index_, StrCat("steps down from term ", a.term, ": ", StepDownReasonName(a.reason)));
  accepts_writes_ = false;
  writable_term_ = -1;
  std::vector<uint64_t> all;
  waiters_.TakeAll(&all);
  for (auto& [id, waiter] : std::exchange(waiting_, {})) {
    waiter.done(false);
  }
}

void Member::Do(const WriteReconfigNoop&) {
  After(Millis(0), [this] {
    if (writable()) {
      AppendAsLeader(0);
      TellProgress();
    }
  });
}

void Member::Do(const CommitPointMoved&) {
  cluster_->checker().OnCommitPoint(index_, *node_, disk_.log);
  FlushAwaiting(false);
}

void Member::Do(const PublishTopology&) {}

void Member::Do(const WakeAt& a) {
  const Millis delay = std::max(Millis(0), a.when - cluster_->scheduler().now());
  After(delay, [this, version = ++wake_version_] {
    if (version == wake_version_) {
      Feed(TimerFired{});
    }
  });
}

}  // namespace septet::sim
