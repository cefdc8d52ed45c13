// SPDX-License-Identifier: Apache-2.0
// Where this member stands: newest written (= applied = visible) entry, newest durable one, commit
// point, cluster time; and who waits for them. Waiters are callbacks, so no thread is held.
// Also keeps the snapshots that majority reads need: candidates (OpTime -> engine snapshot), the newest
// one <= commit point is the committed snapshot. A candidate is taken with every few milliseconds of
// writing, with every group of writes while somebody waits for kCommitted, and when the commit point
// has caught up with all that is written.
// Standalone members have positions too (term -1), so waiting for durability works alike.
// Thread rule: thread-safe, but observers are registered before the first write. Callbacks run on the
// thread that moved the position, outside the lock; they must only hand work over (post to an
// io_context).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "replication/core/optime.h"
#include "storage/engine.h"

namespace septet::repl {

class Positions {
 public:
  explicit Positions(storage::Engine* engine);
  ~Positions();

  OpTimeAndWall written() const;
  OpTimeAndWall durable() const;
  OpTimeAndWall commit_point() const;

  // Called by the sequencer around each write of entries, and by the journal thread. Until SetWritten
  // or AbortWrite the engine may already hold what written() does not tell.
  void BeginWrite();
  void AbortWrite();
  void SetWritten(const OpTimeAndWall& p);
  void SetDurable(const OpTimeAndWall& p);  // never goes back
  // Never goes back; see ResetCommitPoint.
  void SetCommitPoint(const OpTimeAndWall& p);
  // A forced reconfig starts again from a lower one; committed snapshots are dropped.
  void ResetCommitPoint(const OpTimeAndWall& p);
  void ResetAfterRollback(const OpTimeAndWall& written);

  // Newest snapshot that contains only majority-committed entries; null before the first.
  std::shared_ptr<const storage::Snapshot> CommittedSnapshot(OpTime* optime) const;
  // Does the committed snapshot hold the entry?
  bool HasCommittedSnapshot(OpTime optime) const;
  // WaitFor(kCommitted, optime) will follow once `optime` is committed: without a snapshot at hand then,
  // it would wait for a later entry to be committed too.
  void WantCommittedSnapshot(OpTime optime);

  // Cluster time: hybrid logical clock. Tick gives a fresh timestamp > everything seen.
  bson::Timestamp ClusterTime() const;
  void AdvanceClusterTime(bson::Timestamp seen);
  bson::Timestamp Tick(uint32_t count = 1, int64_t wall_secs = 0);  // first of `count` consecutive ones

  enum class Which { kWritten, kDurable, kCommitted /* committed snapshot >= */ };
  using WaiterId = uint64_t;
  // Calls `done` once when the position reached `optime` (at once, inline, if it has already).
  // kDurable: ask the sequencer for a sync too (RequestSync), or wait for the journal's next round.
  WaiterId WaitFor(Which which, OpTime optime, std::function<void()> done);
  // Waits by timestamp only (afterClusterTime).
  WaiterId WaitForTimestamp(Which which, bson::Timestamp ts, std::function<void()> done);
  // After it returns `done` will not start any more; it may be running on another thread.
  void CancelWait(WaiterId id);

  // Observers, called after every change (replication driver, capped and change-stream waiters).
  void OnWritten(std::function<void()> observer);
  void OnDurable(std::function<void()> observer);
  void OnCommitPoint(std::function<void()> observer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace septet::repl
