// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/sequencer.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "replication/oplog/entry.h"

namespace septet::repl {
namespace {

using storage::Space;

constexpr size_t kMaxGroupUnits = 256;

// One thread's turn. Lives on its stack while it waits.
struct Turn {
  CommitUnit* unit = nullptr;                        // mergeable with its neighbours, or
  const std::function<Status()>* exclusive = nullptr;  // alone
  Status status = OkStatus();
  OpTime optime;
  bool done = false;
  absl::CondVar wake;
};

}  // namespace

struct Sequencer::Impl {
  Impl(storage::Engine* e, Positions* p, const Options& o)
      : engine(e), positions(p), options(o), book(o.oplog_chunk_bytes) {
    if (!options.wall_millis) {
      options.wall_millis = WallMillis;
    }
    group_batch = engine->NewBatch();
    journal = std::thread([this] { JournalLoop(); });
  }

  ~Impl() {
    {
      absl::MutexLock lock(&journal_mu);
      stopping = true;
      journal_wake.Signal();
    }
    journal.join();
  }

  Status TakeTurn(Turn* turn);
  void RunGroup(const std::vector<Turn*>& group);
  void RunUnits(const std::vector<Turn*>& group);
  Status CheckMode(const CommitUnit& unit) const;
  OpTime Stamp(CommitUnit* unit, bson::Timestamp first, storage::WriteBatch* out);
  Status WriteOut(storage::WriteBatch* out, const OpTimeAndWall* last);
  Status PutEntries(storage::WriteBatch* batch, const std::vector<std::string>& entries,
                    const std::vector<std::string>& undo, OpTimeAndWall* last);
  Status Apply(storage::WriteBatch* batch, const std::vector<std::string>& entries,
               const std::vector<std::string>& undo, const ApplyHooks& hooks);
  void MarkDirty();
  void JournalLoop();
  Status SyncOnce();

  storage::Engine* const engine;
  Positions* const positions;
  Options options;
  OplogBook book;

  absl::Mutex mu;
  std::deque<Turn*> queue ABSL_GUARDED_BY(mu);
  bool running ABSL_GUARDED_BY(mu) = false;
  int mode_waiters ABSL_GUARDED_BY(mu) = 0;
  // Written under mu while nothing runs; read by leaders and by anybody who wants to know.
  std::atomic<Mode> mode{Mode::kStandalone};
  std::atomic<int64_t> term{kUninitializedTerm};
  std::atomic<int64_t> epoch{0};

  // Owned by the running leader.
  std::unique_ptr<storage::WriteBatch> group_batch;
  std::vector<OpTime> optimes;
  std::vector<Turn*> accepted;
  std::string key;
  int64_t wall_millis = 0;

  absl::Mutex journal_mu;
  absl::CondVar journal_wake;
  bool stopping ABSL_GUARDED_BY(journal_mu) = false;
  bool sync_asked ABSL_GUARDED_BY(journal_mu) = false;
  std::atomic<bool> dirty{false};
  std::thread journal;
};

Status Sequencer::Impl::TakeTurn(Turn* turn) {
  std::vector<Turn*> group;
  {
    absl::MutexLock lock(&mu);
    queue.push_back(turn);
    while (!turn->done && (queue.front() != turn || running || mode_waiters > 0)) {
      turn->wake.Wait(&mu);
    }
    if (turn->done) {
      return turn->status;
    }
    running = true;
    int64_t bytes = 0;
    for (Turn* t : queue) {
      if (!group.empty() && (t->unit == nullptr || group[0]->unit == nullptr)) {
        break;
      }
      group.push_back(t);
      bytes += t->unit != nullptr ? static_cast<int64_t>(t->unit->batch->size_bytes()) : 0;
      if (bytes >= options.max_group_bytes || group.size() >= kMaxGroupUnits) {
        break;
      }
    }
  }
  RunGroup(group);
  absl::MutexLock lock(&mu);
  running = false;
  for (Turn* t : group) {
    P_CHECK(queue.front() == t);
    queue.pop_front();
    t->done = true;
    if (t != turn) {
      t->wake.Signal();
    }
  }
  if (!queue.empty()) {
    queue.front()->wake.Signal();
  }
  return turn->status;
}

void Sequencer::Impl::RunGroup(const std::vector<Turn*>& group) {
  if (group[0]->exclusive != nullptr) {
    group[0]->status = (*group[0]->exclusive)();
    return;
  }
  RunUnits(group);
}

Status Sequencer::Impl::CheckMode(const CommitUnit& unit) const {
  if (unit.epoch >= 0 && unit.epoch != epoch.load(std::memory_order_relaxed)) {
    return Error(ErrorCode::kInterruptedDueToReplStateChange,
                 "operation was interrupted by a change of the member's state");
  }
  if (!unit.entries.empty() && mode.load(std::memory_order_relaxed) != Mode::kPrimary) {
    return Error(ErrorCode::kNotWritablePrimary, "not primary");
  }
  return OkStatus();
}

// Gives the unit its positions, starting at `first`, and puts its entries into the batch.
OpTime Sequencer::Impl::Stamp(CommitUnit* unit, bson::Timestamp first, storage::WriteBatch* out) {
  const int64_t entry_term = term.load(std::memory_order_relaxed);
  const size_t count = unit->entries.size();
  optimes.clear();
  for (size_t i = 0; i < count; ++i) {
    optimes.push_back({bson::Timestamp::FromU64(first.AsU64() + i), entry_term});
  }
  unit->OnSequenced(optimes, wall_millis, out);
  for (size_t i = 0; i < count; ++i) {
    PendingEntry& entry = unit->entries[i];
    StampEntry(&entry.bytes, optimes[i], wall_millis);
    if (entry.chained && i > 0) {
      StampPrevious(&entry.bytes, optimes[i - 1]);
    }
    key = OplogKey(optimes[i].ts);
    out->Put(Space::kOplog, key, entry.bytes);
    if (!entry.undo.empty()) {
      out->Put(Space::kUndo, key, entry.undo);
    }
    book.Add(optimes[i].ts, entry.bytes.size());
  }
  return count == 0 ? OpTime() : optimes.back();
}

Status Sequencer::Impl::WriteOut(storage::WriteBatch* out, const OpTimeAndWall* last) {
  if (last != nullptr) {
    positions->BeginWrite();
  }
  const Status status = engine->Write(out);
  if (!status.ok() && last != nullptr) {
    positions->AbortWrite();
  }
  return status;
}

void Sequencer::Impl::RunUnits(const std::vector<Turn*>& group) {
  const bool standalone = mode.load(std::memory_order_relaxed) == Mode::kStandalone;
  accepted.clear();
  uint32_t positions_wanted = 0;
  for (Turn* turn : group) {
    turn->status = CheckMode(*turn->unit);
    if (turn->status.ok()) {
      accepted.push_back(turn);
      positions_wanted += standalone ? 1 : static_cast<uint32_t>(turn->unit->entries.size());
    }
  }
  if (accepted.empty()) {
    return;
  }
  storage::WriteBatch* out = accepted[0]->unit->batch;
  if (accepted.size() > 1) {
    group_batch->Clear();
    out = group_batch.get();
  }
  wall_millis = std::max(wall_millis, options.wall_millis());
  bson::Timestamp next;
  if (positions_wanted > 0) {
    next = positions->Tick(positions_wanted, wall_millis / 1000);
  }
  OpTimeAndWall last{{}, wall_millis};
  for (Turn* turn : accepted) {
    CommitUnit* const unit = turn->unit;
    if (accepted.size() > 1) {
      out->Append(*unit->batch);
    }
    turn->optime = Stamp(unit, next, out);
    size_t used = unit->entries.size();
    if (standalone) {
      turn->optime = {next, kUninitializedTerm};
      used = 1;
    }
    next = bson::Timestamp::FromU64(next.AsU64() + used);
    last.optime = turn->optime.IsNull() ? last.optime : turn->optime;
  }
  book.Store(out);
  const bool moves = !last.optime.IsNull();
  const Status status = WriteOut(out, moves ? &last : nullptr);
  if (!status.ok()) {
    book.Abort();
    for (auto it = accepted.rbegin(); it != accepted.rend(); ++it) {
      (*it)->unit->OnAborted();
      (*it)->status = status;
    }
    return;
  }
  book.Commit();
  for (Turn* turn : accepted) {
    turn->unit->OnWritten();
  }
  MarkDirty();
  if (moves) {
    positions->SetWritten(last);
  }
}

void Sequencer::Impl::MarkDirty() { dirty.store(true, std::memory_order_release); }

Status Sequencer::Impl::SyncOnce() {
  dirty.store(false, std::memory_order_release);
  const OpTimeAndWall written = positions->written();
  const Status status = engine->Sync();
  if (!status.ok()) {
    MarkDirty();
    return status;
  }
  if (!written.optime.IsNull()) {
    positions->SetDurable(written);
  }
  return OkStatus();
}

void Sequencer::Impl::JournalLoop() {
  log::SetThreadContext("journal");
  const absl::Duration interval = absl::Milliseconds(options.journal_interval_ms);
  while (true) {
    bool stop = false;
    {
      absl::MutexLock lock(&journal_mu);
      const absl::Time until = absl::Now() + interval;
      while (!sync_asked && !stopping && !journal_wake.WaitWithDeadline(&journal_mu, until)) {
      }
      sync_asked = false;
      stop = stopping;
    }
    if (dirty.load(std::memory_order_acquire)) {
      if (const Status status = SyncOnce(); !status.ok()) {
        P_LOG(kError, kStorage, 41001, "Could not make the journal durable", {"error", TextOf(status)});
      }
    }
    if (stop) {
      return;
    }
  }
}

Sequencer::Sequencer(storage::Engine* engine, Positions* positions, const Options& options)
    : impl_(std::make_unique<Impl>(engine, positions, options)) {}
Sequencer::~Sequencer() = default;

Status Sequencer::Load() {
  RETURN_IF_ERROR(impl_->book.Load(impl_->engine));
  ASSIGN_OR_RETURN(const OpTimeAndWall newest, NewestEntry(impl_->engine));
  if (!newest.optime.IsNull()) {
    impl_->positions->SetWritten(newest);
    impl_->positions->SetDurable(newest);
  }
  return OkStatus();
}

void Sequencer::SetMode(Mode mode, int64_t term) {
  absl::MutexLock lock(&impl_->mu);
  ++impl_->mode_waiters;
  impl_->mu.Await(absl::Condition(
      +[](bool* running) { return !*running; }, &impl_->running));
  --impl_->mode_waiters;
  impl_->mode.store(mode);
  impl_->term.store(term);
  impl_->epoch.fetch_add(1);
  if (!impl_->queue.empty()) {
    impl_->queue.front()->wake.Signal();
  }
}

Sequencer::Mode Sequencer::mode() const { return impl_->mode.load(std::memory_order_acquire); }
int64_t Sequencer::term() const { return impl_->term.load(std::memory_order_acquire); }
int64_t Sequencer::epoch() const { return impl_->epoch.load(std::memory_order_acquire); }

StatusOr<OpTime> Sequencer::Commit(CommitUnit* unit) {
  P_CHECK(unit->batch != nullptr);
  Turn turn;
  turn.unit = unit;
  RETURN_IF_ERROR(impl_->TakeTurn(&turn));
  return turn.optime;
}

Status Sequencer::RunExclusive(const std::function<Status(storage::WriteBatch* batch)>& body,
                               const OpTimeAndWall* new_last) {
  const std::function<Status()> run = [&]() -> Status {
    storage::WriteBatch* const batch = impl_->group_batch.get();
    batch->Clear();
    RETURN_IF_ERROR(body(batch));
    RETURN_IF_ERROR(impl_->WriteOut(batch, new_last));
    impl_->MarkDirty();
    if (new_last != nullptr) {
      impl_->positions->ResetAfterRollback(*new_last);
    }
    return OkStatus();
  };
  Turn turn;
  turn.exclusive = &run;
  return impl_->TakeTurn(&turn);
}

Status Sequencer::WriteRaw(storage::WriteBatch* batch, const OpTimeAndWall* new_last) {
  return RunExclusive(
      [batch](storage::WriteBatch* out) {
        out->Append(*batch);
        return OkStatus();
      },
      new_last);
}

Status Sequencer::Impl::PutEntries(storage::WriteBatch* batch,
                                   const std::vector<std::string>& entries,
                                   const std::vector<std::string>& undo, OpTimeAndWall* last) {
  for (size_t i = 0; i < entries.size(); ++i) {
    const OpTimeAndWall at = EntryOpTimeAndWall(bson::DocView(entries[i]));
    if (at.optime.IsNull() || (!last->optime.IsNull() && at.optime <= last->optime)) {
      return Error(ErrorCode::kOplogOutOfOrder,
                   "entry " + at.optime.ToString() + " after " + last->optime.ToString());
    }
    *last = at;
    key = OplogKey(at.optime.ts);
    batch->Put(Space::kOplog, key, entries[i]);
    if (!undo.empty() && !undo[i].empty()) {
      batch->Put(Space::kUndo, key, undo[i]);
    }
    book.Add(at.optime.ts, entries[i].size());
  }
  return OkStatus();
}

Status Sequencer::Impl::Apply(storage::WriteBatch* batch, const std::vector<std::string>& entries,
                              const std::vector<std::string>& undo, const ApplyHooks& hooks) {
  if (mode.load(std::memory_order_relaxed) == Mode::kPrimary) {
    return Error(ErrorCode::kInternalError, "a primary does not apply entries of others");
  }
  OpTimeAndWall last = positions->written();
  Status status = hooks.in_order ? hooks.in_order(batch) : OkStatus();
  if (status.ok()) {
    status = PutEntries(batch, entries, undo, &last);
  }
  if (status.ok()) {
    book.Store(batch);
    status = WriteOut(batch, entries.empty() ? nullptr : &last);
  }
  if (!status.ok()) {
    book.Abort();
    if (hooks.on_failed) {
      hooks.on_failed();
    }
    return status;
  }
  book.Commit();
  MarkDirty();
  if (hooks.on_written) {
    hooks.on_written();
  }
  if (!entries.empty()) {
    positions->SetWritten(last);
  }
  return OkStatus();
}

Status Sequencer::ApplyBatch(storage::WriteBatch* batch, const std::vector<std::string>& entries,
                             const std::vector<std::string>& undo, const ApplyHooks& hooks) {
  P_CHECK(undo.empty() || undo.size() == entries.size());
  const std::function<Status()> run = [&] { return impl_->Apply(batch, entries, undo, hooks); };
  Turn turn;
  turn.exclusive = &run;
  return impl_->TakeTurn(&turn);
}

Status Sequencer::SyncNow() { return impl_->SyncOnce(); }

void Sequencer::RequestSync() {
  absl::MutexLock lock(&impl_->journal_mu);
  if (!impl_->sync_asked) {
    impl_->sync_asked = true;
    impl_->journal_wake.Signal();
  }
}

const OplogBook& Sequencer::oplog() const { return impl_->book; }

StatusOr<bool> Sequencer::TruncateOplog(const OplogBook::CutLimits& limits) {
  bool cut = false;
  RETURN_IF_ERROR(RunExclusive([&](storage::WriteBatch* batch) {
    cut = impl_->book.Cut(limits, batch);
    return OkStatus();
  }));
  if (cut) {
    RETURN_IF_ERROR(impl_->book.DropFront(impl_->engine));
  }
  return cut;
}

void Sequencer::NoteOplogRemoved(int64_t count, int64_t entry_bytes, bson::Timestamp new_last,
                                 storage::WriteBatch* batch) {
  impl_->book.RemoveNewest(count, entry_bytes, new_last, batch);
}

namespace {

StatusOr<OpTimeAndWall> EndOfOplog(storage::Engine* engine, bson::Timestamp first, bool newest) {
  storage::CursorOptions options;
  if (!first.IsNull()) {
    options.lower = OplogKey(first);
  }
  auto cursor = engine->NewCursor(Space::kOplog, nullptr, options);
  newest ? cursor->SeekToLast() : cursor->SeekToFirst();
  if (!cursor->valid()) {
    RETURN_IF_ERROR(cursor->status());
    return OpTimeAndWall();
  }
  return EntryOpTimeAndWall(bson::DocView(cursor->value()));
}

}  // namespace

StatusOr<OpTimeAndWall> NewestEntry(storage::Engine* engine) {
  return EndOfOplog(engine, {}, true);
}

StatusOr<OpTimeAndWall> OldestEntry(storage::Engine* engine, bson::Timestamp first) {
  return EndOfOplog(engine, first, false);
}

}  // namespace septet::repl
