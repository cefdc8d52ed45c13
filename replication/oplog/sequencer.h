// SPDX-License-Identifier: Apache-2.0
// The one ordered commit path. Everything that changes data goes through Sequencer::Commit (primary,
// standalone, node-local writes) or ApplyBatch (secondary), which assign positions and write ONE
// WriteBatch per group: oplog entries, data, index entries, counters, session records, undo records.
//
// Invariants: the order of batches in the engine is the order of OpTimes; there are no holes in the log;
// every engine snapshot is an exact prefix of history; no entry of term T is created after the sequencer
// was told that this member is no longer primary in T.
// Group commit: the first waiting thread is the leader and takes everything queued with it into one
// batch. Nobody waits for the disk here: durability is a position (Positions::durable) that the journal
// thread moves by fsync every 100 ms, or at once when somebody waits for it.
// Source: replication.md 3.6; the write group of LevelDB for the idea.
// Thread rule: thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "replication/core/optime.h"
#include "replication/oplog/oplog_book.h"
#include "replication/oplog/positions.h"
#include "storage/engine.h"

namespace septet::repl {

// One oplog entry to be written. `bytes` is the whole entry as built by BuildEntry (entry.h): it starts
// with {ts: Timestamp, t: NumberLong, wall: Date} at fixed offsets, which the sequencer fills in.
struct PendingEntry {
  std::string bytes;
  std::string undo;  // inverse record (undo.h), empty if the entry alone tells how to undo it
  // Belongs to a session: prevOpTime becomes the entry before it in this unit, if there is one.
  bool chained = false;
};

// One atomic change. Built by catalog::WriteUnit; committed once. Its virtual functions run on the
// group's leader in commit order and must not block.
class CommitUnit {
 public:
  virtual ~CommitUnit() = default;
  storage::WriteBatch* batch = nullptr;   // data and index changes
  std::vector<PendingEntry> entries;      // empty for changes that are not replicated (database local)
  // Sequencer::epoch() when the unit began to look at data, for units that are replicated: if the mode
  // has changed since, Commit fails. -1 = does not matter.
  int64_t epoch = -1;
  // Before the batch is written: adds what depends on the order (absolute counters, the session record
  // with the OpTime of the last entry). May fill in `undo` of the entries.
  virtual void OnSequenced(const std::vector<OpTime>& optimes, int64_t wall_millis,
                           storage::WriteBatch* out) = 0;
  // After the batch was written, before anybody is told.
  virtual void OnWritten() {}
  // The batch was not written: takes back what OnSequenced changed. In reverse order of the group.
  virtual void OnAborted() {}
};

class Sequencer {
 public:
  struct Options {
    int journal_interval_ms = 100;
    int64_t max_group_bytes = 4 << 20;
    int64_t oplog_chunk_bytes = OplogBook::kChunkBytes;
    std::function<int64_t()> wall_millis;  // default: the system's clock
  };
  Sequencer(storage::Engine* engine, Positions* positions, const Options& options);
  ~Sequencer();  // stops the journal thread after a last fsync
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

  // Reads the oplog's totals and its newest entry, and sets the positions to it (durable too). Once,
  // before anything is committed.
  Status Load();

  // Standalone: no oplog at all. Follower: Commit of replicated units fails with NotWritablePrimary.
  enum class Mode { kStandalone, kFollower, kPrimary };
  // Waits for the running group; after it returns no unit of the former mode commits any more.
  void SetMode(Mode mode, int64_t term);
  Mode mode() const;
  int64_t term() const;
  // Changes with every SetMode.
  int64_t epoch() const;

  // Returns the OpTime of the unit's last entry; null if it has none. In standalone mode: a position
  // with term -1 that only Positions understands. Errors: NotWritablePrimary,
  // InterruptedDueToReplStateChange, the engine's.
  StatusOr<OpTime> Commit(CommitUnit* unit);
  // Secondary: `batch` holds data and `entries` whole stamped entries, in order; `undo` is empty or has
  // one record (possibly empty) per entry. Must not be called on a primary.
  struct ApplyHooks {
    // In commit order, before the write: adds totals, session records. May fill in `undo`.
    std::function<Status(storage::WriteBatch* out)> in_order;
    std::function<void()> on_written;  // before the new position is told
    std::function<void()> on_failed;   // in_order ran (maybe in part), nothing was written
  };
  Status ApplyBatch(storage::WriteBatch* batch, const std::vector<std::string>& entries,
                    const std::vector<std::string>& undo, const ApplyHooks& hooks = {});
  // Rollback and initial sync: a batch that is no user write; runs in the same order. `new_last` (if not
  // null) becomes the newest position (may go back: rollback).
  Status WriteRaw(storage::WriteBatch* batch, const OpTimeAndWall* new_last);
  // Runs `body` alone in the commit order; what it puts into the batch is written like WriteRaw.
  Status RunExclusive(const std::function<Status(storage::WriteBatch* batch)>& body,
                      const OpTimeAndWall* new_last = nullptr);
  // fsync now on the calling thread (last vote, config); returns when all committed before is durable.
  Status SyncNow();
  // Asks the journal thread for an fsync soon (somebody waits for Positions::durable).
  void RequestSync();

  const OplogBook& oplog() const;
  // Removes whole chunks from the front of the oplog. Returns true if something went.
  StatusOr<bool> TruncateOplog(const OplogBook::CutLimits& limits);
  // Rollback, inside RunExclusive's body: notes that the newest entries are being deleted.
  void NoteOplogRemoved(int64_t count, int64_t entry_bytes, bson::Timestamp new_last,
                        storage::WriteBatch* batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The newest and the oldest entry in the oplog; a null OpTime if it is empty.
StatusOr<OpTimeAndWall> NewestEntry(storage::Engine* engine);
StatusOr<OpTimeAndWall> OldestEntry(storage::Engine* engine, bson::Timestamp first);

}  // namespace septet::repl
