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

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "replication/core/optime.h"
#include "replication/oplog/positions.h"
#include "storage/engine.h"

namespace septet::repl {

// One oplog entry to be written. `bytes` is the whole entry as built by EntryBuilder (entry.h): it starts
// with {ts: Timestamp, t: NumberLong, ...} at fixed offsets, which the sequencer fills in.
struct PendingEntry {
  std::string bytes;
  std::string undo;  // inverse record (undo.h), empty if the entry alone tells how to undo it
};

// One atomic change. Built by catalog::WriteUnit; committed once.
class CommitUnit {
 public:
  virtual ~CommitUnit() = default;
  storage::WriteBatch* batch = nullptr;   // data and index changes
  std::vector<PendingEntry> entries;      // empty for changes that are not replicated (database local)
  // Called by the group's leader in commit order, before the batch is written: adds what depends on
  // the order (absolute counters, the session record with the OpTime of the last entry). Must not block.
  virtual void OnSequenced(const std::vector<OpTime>& optimes, storage::WriteBatch* out) = 0;
};

class Sequencer {
 public:
  struct Options {
    bool journal_enabled = true;
    int journal_interval_ms = 100;
  };
  Sequencer(storage::Engine* engine, Positions* positions, const Options& options);
  ~Sequencer();  // stops the journal thread after a last fsync

  // Standalone: no oplog at all. Follower: Commit of replicated units fails with NotWritablePrimary.
  enum class Mode { kStandalone, kFollower, kPrimary };
  // Waits for the running group; after it returns no unit of the former mode commits any more.
  void SetMode(Mode mode, int64_t term);
  Mode mode() const;

  // Returns the OpTime of the unit's last entry (null OpTime if it has none). Errors:
  // NotWritablePrimary, InterruptedDueToReplStateChange, the engine's.
  StatusOr<OpTime> Commit(CommitUnit* unit);
  // Secondary: `batch` holds data and `entries` whole stamped entries, in order.
  Status ApplyBatch(storage::WriteBatch* batch, const std::vector<std::string>& entries,
                    const std::vector<std::string>& undo);
  // Rollback and initial sync: a batch that is no user write; runs in the same order. `new_last` (if not
  // null) becomes the newest position (may go back: rollback).
  Status WriteRaw(storage::WriteBatch* batch, const OpTime* new_last);
  // fsync now on the calling thread (last vote, config); returns when all committed before is durable.
  Status SyncNow();
  // Asks the journal thread for an fsync soon (somebody waits for Positions::durable).
  void RequestSync();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace septet::repl
