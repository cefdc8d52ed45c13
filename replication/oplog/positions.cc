// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/positions.h"

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/clock.h"

namespace septet::repl {
namespace {

constexpr int64_t kCandidateIntervalMicros = 5'000;
// After the last wait for kCommitted every group of writes gets a candidate for this long.
constexpr int64_t kDemandMicros = 1'000'000;
constexpr uint32_t kMaxIncrement = 0x7fffffff;

using SnapshotPtr = std::shared_ptr<const storage::Snapshot>;
using Callbacks = std::vector<std::function<void()>>;

struct Candidate {
  OpTime optime;
  SnapshotPtr snapshot;
};

// Waiters of one position, by OpTime or by timestamp alone.
struct Waiters {
  std::map<std::pair<OpTime, uint64_t>, std::function<void()>> by_optime;
  std::map<std::pair<uint64_t, uint64_t>, std::function<void()>> by_timestamp;

  void TakeReached(const OpTime& position, Callbacks* out) {
    while (!by_optime.empty() && by_optime.begin()->first.first <= position) {
      out->push_back(std::move(by_optime.begin()->second));
      by_optime.erase(by_optime.begin());
    }
    while (!by_timestamp.empty() && by_timestamp.begin()->first.first <= position.ts.AsU64()) {
      out->push_back(std::move(by_timestamp.begin()->second));
      by_timestamp.erase(by_timestamp.begin());
    }
  }
};

void RunAll(const Callbacks& callbacks) {
  for (const auto& callback : callbacks) {
    callback();
  }
}

}  // namespace

struct Positions::Impl {
  explicit Impl(storage::Engine* e) : engine(e) {}

  const OpTime& At(Which which) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    switch (which) {
      case Which::kWritten:
        return written.optime;
      case Which::kDurable:
        return durable.optime;
      case Which::kCommitted:
        break;
    }
    return committed.optime;
  }

  // The engine holds exactly the entries up to written(): BeginWrite() has not been called, or
  // SetWritten() has just been.
  void TakeCandidate(int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    if (written.optime.IsNull()) {
      return;
    }
    candidates.push_back({written.optime, engine->GetSnapshot()});
    last_candidate_micros = now;
    want_candidate = false;
  }

  // Moves the committed snapshot on; what is let go is moved to `garbage`, to be destroyed outside
  // the lock.
  void AdvanceCommitted(std::vector<Candidate>* garbage, Callbacks* reached)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    bool moved = false;
    while (!candidates.empty() && candidates.front().optime <= commit_point.optime) {
      garbage->push_back(std::move(committed));
      committed = std::move(candidates.front());
      candidates.pop_front();
      moved = true;
    }
    if (moved) {
      waiters[static_cast<size_t>(Which::kCommitted)].TakeReached(committed.optime, reached);
    }
  }

  // All that is written is committed: a snapshot of now is a committed one. Without this the last write
  // before a pause would stay unseen by majority reads until the next write.
  void TakeCandidateIfAllCommitted(int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const OpTime& newest = candidates.empty() ? committed.optime : candidates.back().optime;
    if (!writing && written.optime <= commit_point.optime && newest < written.optime) {
      TakeCandidate(now);
    }
  }

  void DropCandidates(std::vector<Candidate>* garbage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    for (Candidate& c : candidates) {
      garbage->push_back(std::move(c));
    }
    candidates.clear();
  }

  // Somebody waits for kCommitted at `ts`: there must be a candidate at or behind it. Timestamps grow
  // along one branch of history, so the term need not be compared.
  void DemandCandidate(bson::Timestamp ts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const int64_t now = MonotonicMicros();
    demand_until_micros = now + kDemandMicros;
    if (!candidates.empty() && candidates.back().optime.ts >= ts) {
      return;
    }
    if (writing || written.optime.ts < ts) {
      want_candidate = true;
    } else {
      TakeCandidate(now);
    }
  }

  storage::Engine* const engine;
  std::atomic<uint64_t> cluster_time{0};

  mutable absl::Mutex mu;
  OpTimeAndWall written ABSL_GUARDED_BY(mu);
  OpTimeAndWall durable ABSL_GUARDED_BY(mu);
  OpTimeAndWall commit_point ABSL_GUARDED_BY(mu);
  bool writing ABSL_GUARDED_BY(mu) = false;
  bool want_candidate ABSL_GUARDED_BY(mu) = false;
  int64_t last_candidate_micros ABSL_GUARDED_BY(mu) = 0;
  int64_t demand_until_micros ABSL_GUARDED_BY(mu) = 0;
  std::deque<Candidate> candidates ABSL_GUARDED_BY(mu);
  Candidate committed ABSL_GUARDED_BY(mu);
  std::array<Waiters, 3> waiters ABSL_GUARDED_BY(mu);
  // Where a waiter stands, for CancelWait.
  struct Place {
    Which which;
    bool by_timestamp;
    OpTime optime;
  };
  uint64_t next_waiter ABSL_GUARDED_BY(mu) = 1;
  std::unordered_map<uint64_t, Place> places ABSL_GUARDED_BY(mu);

  // Written before the first change of a position.
  Callbacks on_written;
  Callbacks on_durable;
  Callbacks on_commit_point;

  bool Reached(const Place& place) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const OpTime& at = At(place.which);
    if (at.IsNull()) {
      return false;
    }
    return place.by_timestamp ? at.ts >= place.optime.ts : at >= place.optime;
  }

  WaiterId AddWaiter(const Place& place, std::function<void()> done) {
    std::vector<Candidate> garbage;
    Callbacks reached;
    WaiterId id = 0;
    {
      absl::MutexLock lock(&mu);
      id = next_waiter++;
      if (place.which == Which::kCommitted && !Reached(place)) {
        DemandCandidate(place.optime.ts);
        AdvanceCommitted(&garbage, &reached);
      }
      if (Reached(place)) {
        reached.push_back(std::move(done));
      } else {
        Waiters& w = waiters[static_cast<size_t>(place.which)];
        if (place.by_timestamp) {
          w.by_timestamp[{place.optime.ts.AsU64(), id}] = std::move(done);
        } else {
          w.by_optime[{place.optime, id}] = std::move(done);
        }
        places[id] = place;
      }
    }
    RunAll(reached);
    return id;
  }

  // Forgets the places of waiters that have been taken; cheap because it runs only when the table has
  // grown well beyond what still waits.
  void PrunePlaces() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    size_t waiting = 0;
    for (const Waiters& w : waiters) {
      waiting += w.by_optime.size() + w.by_timestamp.size();
    }
    if (places.size() < 2 * waiting + 64) {
      return;
    }
    for (auto it = places.begin(); it != places.end();) {
      const Waiters& w = waiters[static_cast<size_t>(it->second.which)];
      const bool there =
          it->second.by_timestamp
              ? w.by_timestamp.contains({it->second.optime.ts.AsU64(), it->first})
              : w.by_optime.contains({it->second.optime, it->first});
      it = there ? std::next(it) : places.erase(it);
    }
  }
};

Positions::Positions(storage::Engine* engine) : impl_(std::make_unique<Impl>(engine)) {}
Positions::~Positions() = default;

OpTimeAndWall Positions::written() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->written;
}

OpTimeAndWall Positions::durable() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->durable;
}

OpTimeAndWall Positions::commit_point() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->commit_point;
}

void Positions::BeginWrite() {
  absl::MutexLock lock(&impl_->mu);
  impl_->writing = true;
}

void Positions::AbortWrite() {
  absl::MutexLock lock(&impl_->mu);
  impl_->writing = false;
}

void Positions::SetWritten(const OpTimeAndWall& p) {
  AdvanceClusterTime(p.optime.ts);
  Impl& impl = *impl_;
  std::vector<Candidate> garbage;
  Callbacks reached;
  const int64_t now = MonotonicMicros();
  {
    absl::MutexLock lock(&impl.mu);
    impl.written = p;
    impl.writing = false;
    const bool due = now - impl.last_candidate_micros >= kCandidateIntervalMicros;
    if (impl.want_candidate || due || now < impl.demand_until_micros) {
      impl.TakeCandidate(now);
    } else {
      impl.TakeCandidateIfAllCommitted(now);
    }
    impl.waiters[static_cast<size_t>(Which::kWritten)].TakeReached(p.optime, &reached);
    impl.AdvanceCommitted(&garbage, &reached);
    impl.PrunePlaces();
  }
  RunAll(reached);
  RunAll(impl.on_written);
}

void Positions::SetDurable(const OpTimeAndWall& p) {
  Impl& impl = *impl_;
  Callbacks reached;
  {
    absl::MutexLock lock(&impl.mu);
    if (p.optime <= impl.durable.optime && !impl.durable.optime.IsNull()) {
      return;
    }
    impl.durable = p;
    impl.waiters[static_cast<size_t>(Which::kDurable)].TakeReached(p.optime, &reached);
    impl.PrunePlaces();
  }
  RunAll(reached);
  RunAll(impl.on_durable);
}

void Positions::SetCommitPoint(const OpTimeAndWall& p) {
  Impl& impl = *impl_;
  std::vector<Candidate> garbage;
  Callbacks reached;
  {
    absl::MutexLock lock(&impl.mu);
    if (p.optime <= impl.commit_point.optime && !impl.commit_point.optime.IsNull()) {
      return;
    }
    impl.commit_point = p;
    impl.TakeCandidateIfAllCommitted(MonotonicMicros());
    impl.AdvanceCommitted(&garbage, &reached);
    impl.PrunePlaces();
  }
  RunAll(reached);
  RunAll(impl.on_commit_point);
}

void Positions::ResetCommitPoint(const OpTimeAndWall& p) {
  Impl& impl = *impl_;
  std::vector<Candidate> garbage;
  {
    absl::MutexLock lock(&impl.mu);
    impl.commit_point = p;
    garbage.push_back(std::exchange(impl.committed, Candidate{}));
    if (!impl.writing) {
      impl.TakeCandidate(MonotonicMicros());
    } else {
      impl.want_candidate = true;
    }
  }
  RunAll(impl.on_commit_point);
}

void Positions::ResetAfterRollback(const OpTimeAndWall& written) {
  Impl& impl = *impl_;
  std::vector<Candidate> garbage;
  {
    absl::MutexLock lock(&impl.mu);
    impl.written = written;
    impl.writing = false;
    if (impl.durable.optime > written.optime) {
      impl.durable = written;
    }
    // Candidates of the branch that is gone hold entries that were never committed.
    impl.DropCandidates(&garbage);
    impl.TakeCandidate(MonotonicMicros());
  }
  AdvanceClusterTime(written.optime.ts);
  RunAll(impl.on_written);
}

SnapshotPtr Positions::CommittedSnapshot(OpTime* optime) const {
  absl::MutexLock lock(&impl_->mu);
  if (optime != nullptr) {
    *optime = impl_->committed.optime;
  }
  return impl_->committed.snapshot;
}

bool Positions::HasCommittedSnapshot(OpTime optime) const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->committed.optime >= optime;
}

void Positions::WantCommittedSnapshot(OpTime optime) {
  absl::MutexLock lock(&impl_->mu);
  if (impl_->committed.optime < optime) {
    impl_->DemandCandidate(optime.ts);
  }
}

bson::Timestamp Positions::ClusterTime() const {
  return bson::Timestamp::FromU64(impl_->cluster_time.load(std::memory_order_acquire));
}

void Positions::AdvanceClusterTime(bson::Timestamp seen) {
  uint64_t current = impl_->cluster_time.load(std::memory_order_relaxed);
  while (current < seen.AsU64() &&
         !impl_->cluster_time.compare_exchange_weak(current, seen.AsU64(),
                                                    std::memory_order_acq_rel)) {
  }
}

bson::Timestamp Positions::Tick(uint32_t count, int64_t wall_secs) {
  if (wall_secs == 0) {
    wall_secs = WallMillis() / 1000;
  }
  const uint32_t wall = static_cast<uint32_t>(wall_secs);
  uint64_t current = impl_->cluster_time.load(std::memory_order_relaxed);
  while (true) {
    bson::Timestamp first = bson::Timestamp::FromU64(current);
    if (wall > first.secs) {
      first = {wall, 1};
    } else if (first.inc > kMaxIncrement - count) {
      first = {first.secs + 1, 1};
    } else {
      ++first.inc;
    }
    const uint64_t last = first.AsU64() + count - 1;
    if (impl_->cluster_time.compare_exchange_weak(current, last, std::memory_order_acq_rel)) {
      return first;
    }
  }
}

Positions::WaiterId Positions::WaitFor(Which which, OpTime optime, std::function<void()> done) {
  return impl_->AddWaiter({which, false, optime}, std::move(done));
}

Positions::WaiterId Positions::WaitForTimestamp(Which which, bson::Timestamp ts,
                                                std::function<void()> done) {
  return impl_->AddWaiter({which, true, OpTime{ts, kUninitializedTerm}}, std::move(done));
}

void Positions::CancelWait(WaiterId id) {
  std::function<void()> dropped;  // destroyed outside the lock
  absl::MutexLock lock(&impl_->mu);
  const auto it = impl_->places.find(id);
  if (it == impl_->places.end()) {
    return;
  }
  const Impl::Place place = it->second;
  impl_->places.erase(it);
  Waiters& w = impl_->waiters[static_cast<size_t>(place.which)];
  if (place.by_timestamp) {
    if (auto node = w.by_timestamp.extract({place.optime.ts.AsU64(), id})) {
      dropped = std::move(node.mapped());
    }
  } else if (auto node = w.by_optime.extract({place.optime, id})) {
    dropped = std::move(node.mapped());
  }
}

void Positions::OnWritten(std::function<void()> observer) {
  impl_->on_written.push_back(std::move(observer));
}
void Positions::OnDurable(std::function<void()> observer) {
  impl_->on_durable.push_back(std::move(observer));
}
void Positions::OnCommitPoint(std::function<void()> observer) {
  impl_->on_commit_point.push_back(std::move(observer));
}

}  // namespace septet::repl
