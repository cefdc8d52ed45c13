// SPDX-License-Identifier: Apache-2.0
// The simulated fetcher: copies the source's log, finds out when it is on another branch, rolls back.
#include <algorithm>

#include "base/strings.h"
#include "tests/sim/cluster.h"
#include "tests/sim/member.h"

namespace septet::sim {

using namespace election;  // NOLINT(google-build-using-namespace)

namespace {
constexpr Millis kFetchTimeout{3'000};
}  // namespace

FetchMetadata Member::Metadata() const {
  FetchMetadata m;
  m.term = node_->term();
  m.commit_point = node_->commit_point();
  m.last_written = disk_.log.Top();
  const Snapshot s = node_->MakeSnapshot();
  m.config = s.config->config_version();
  m.replica_set_id = s.config->settings.replica_set_id;
  m.primary_index = s.config->IndexOf(s.primary_id);
  m.sync_source_host = node_->sync_source();
  m.is_primary = node_->is_leader();
  return m;
}

void Member::Do(const SetSyncSource& a) {
  source_ = a.host;
  source_index_ = a.host.empty() ? -1 : cluster_->IndexOfHost(a.host);
  ++fetch_epoch_;
  if (!source_.empty() && !rolling_back_) {
    After(Millis(1), [this, epoch = fetch_epoch_] {
      if (epoch == fetch_epoch_) {
        Fetch();
      }
    });
  }
}

void Member::Fetch() {
  const std::string host = source_;
  cluster_->Call<Batch>(
      index_, source_index_, kFetchTimeout,
      [after = disk_.log.Top()](Member& source, std::function<void(StatusOr<Batch>)> respond) {
        source.ServeFetch(after, std::move(respond));
      },
      [this, host, epoch = ++fetch_epoch_](const StatusOr<Batch>& batch) {
        if (epoch == fetch_epoch_ && !rolling_back_) {
          OnBatch(host, batch);
        }
      });
}

StatusOr<Member::Batch> Member::MakeBatch(const OpTime& after) {
  const MemberState s = node_->state();
  if (s != MemberState::kPrimary && s != MemberState::kSecondary) {
    return Error(ErrorCode::kNotPrimaryOrSecondary, "not readable");
  }
  Batch b;
  b.metadata = Metadata();
  const auto& entries = disk_.log.entries();
  size_t from = 0;
  if (!after.IsNull()) {
    const Entry* e = disk_.log.Find(after);
    if (e == nullptr) {
      b.start_missing = true;
      return b;
    }
    from = static_cast<size_t>(e - entries.data()) + 1;
  }
  const size_t limit =
      after.IsNull() ? entries.size() : static_cast<size_t>(cluster_->options().fetch_batch);
  for (size_t i = from; i < entries.size() && b.entries.size() < limit; ++i) {
    b.entries.push_back(entries[i]);
  }
  return b;
}

void Member::ServeFetch(const OpTime& after, std::function<void(StatusOr<Batch>)> respond) {
  StatusOr<Batch> b = MakeBatch(after);
  if (!b.ok() || b->start_missing || !b->entries.empty()) {
    respond(std::move(b));
    return;
  }
  // Nothing new: wait for an entry or a commit point, as an awaiting getMore does.
  const Millis wait = node_->config()->settings.election_timeout() / 2;
  awaiting_.push_back(
      {after, node_->commit_point().optime, cluster_->scheduler().now() + wait, std::move(respond)});
  After(wait, [this] { FlushAwaiting(true); });
}

void Member::FlushAwaiting(bool timed_out) {
  if (awaiting_.empty() || !alive()) {
    return;
  }
  std::vector<Awaiting> keep;
  std::vector<Awaiting> ready;
  for (Awaiting& w : awaiting_) {
    const bool news = disk_.log.Top() != w.after || node_->commit_point().optime > w.commit_known;
    const bool late = timed_out && cluster_->scheduler().now() >= w.until;
    (news || late ? ready : keep).push_back(std::move(w));
  }
  awaiting_ = std::move(keep);
  for (const Awaiting& w : ready) {
    w.respond(MakeBatch(w.after));
  }
}

void Member::SourceFailed() {
  const int64_t deny = cluster_->random().Between(20, 300);
  Feed(SyncSourceFailed{source_, Millis(deny)});
}

void Member::OnBatch(const std::string& host, const StatusOr<Batch>& batch) {
  if (!batch.ok()) {
    SourceFailed();
    return;
  }
  if (node_->state() == MemberState::kStartup2 && disk_.log.empty()) {
    InitialSync(*batch);
    return;
  }
  if (batch->start_missing) {
    // Only a source on a newer branch can tell that this member is on the wrong one.
    if (batch->metadata.last_written > disk_.log.Top() && !node_->is_leader()) {
      StartRollback();
    } else {
      SourceFailed();
    }
    return;
  }
  const uint64_t epoch = ++fetch_epoch_;  // a repeated answer is too late from here on
  for (const Entry& e : batch->entries) {
    disk_.log.Append(e.optime, e.wall_millis, e.value);
    cluster_->checker().OnAppend(index_, disk_.log, /*as_leader=*/false, 0);
  }
  if (!batch->entries.empty()) {
    ScheduleSync();
    TellProgress();
    FlushAwaiting(false);
  }
  Feed(BatchFetched{host, batch->metadata});
  if (epoch == fetch_epoch_ && alive()) {
    Fetch();
  }
}

void Member::InitialSync(const Batch& batch) {
  for (const Entry& e : batch.entries) {
    disk_.log.Append(e.optime, e.wall_millis, e.value);
    cluster_->checker().OnAppend(index_, disk_.log, /*as_leader=*/false, 0);
  }
  disk_.log.SyncUpTo(disk_.log.entries().size());
  cluster_->checker().OnDurable(index_, disk_.log, 0);
  cluster_->Trace(index_, "initial sync done");
  TellProgress();
  Feed(FollowerModeChanged{MemberState::kRecovering});
  Feed(FollowerModeChanged{MemberState::kSecondary});
  if (!source_.empty()) {
    Fetch();
  }
}

void Member::StartRollback() {
  rolling_back_ = true;
  Feed(FollowerModeChanged{MemberState::kRollback});
  cluster_->Call<std::vector<Entry>>(
      index_, source_index_, kFetchTimeout,
      [](Member& source, std::function<void(StatusOr<std::vector<Entry>>)> respond) {
        respond(source.disk_.log.entries());
      },
      [this](const StatusOr<std::vector<Entry>>& theirs) {
        if (!rolling_back_) {
          return;
        }
        if (theirs.ok()) {
          // The log's cut is synced before it counts.
          const int64_t delay = cluster_->random().Between(1, cluster_->options().max_fsync.count());
          After(Millis(delay), [this, copy = *theirs] { FinishRollback(copy); });
          return;
        }
        rolling_back_ = false;
        Feed(FollowerModeChanged{MemberState::kSecondary});
        SourceFailed();
      });
}

void Member::FinishRollback(const std::vector<Entry>& theirs) {
  if (!rolling_back_) {
    return;
  }
  rolling_back_ = false;
  BackwardReader mine(&disk_.log.entries());
  BackwardReader other(&theirs);
  repl::RollbackLimits limits;
  limits.commit_point = node_->commit_point().optime;
  const StatusOr<repl::RollbackPlan> plan = repl::MakeRollbackPlan(&mine, &other, limits);
  if (!plan.ok()) {
    cluster_->checker().Fail(StrCat("(12) n", index_, " cannot roll back: ", TextOf(plan.status())));
    return;
  }
  cluster_->checker().OnRollback(index_, disk_.log, plan->common_point.optime, limits.commit_point);
  cluster_->Trace(index_, StrCat("rolls back ", plan->entries, " entries"));
  ++cluster_->totals_.rollbacks;
  disk_.log.TruncateAfter(plan->common_point.optime);
  disk_.log.SyncUpTo(disk_.log.entries().size());
  ++log_version_;
  sync_scheduled_ = false;
  cluster_->checker().OnDurable(index_, disk_.log, 0);
  TellProgress();
  Feed(FollowerModeChanged{MemberState::kSecondary});
  if (!source_.empty()) {
    Fetch();
  }
}

}  // namespace septet::sim
