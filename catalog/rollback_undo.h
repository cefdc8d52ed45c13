// SPDX-License-Identifier: Apache-2.0
// Undoing entries of the own log, newest first, down to a common point with another member.
//
// Works in bounded steps; each step is one engine batch that takes back some entries' effects (data,
// index entries, totals, session records, metadata), deletes the entries and their undo records, and
// makes the entry before them the newest. So a crash at any moment leaves a shorter but consistent log,
// and the rollback simply goes on.
// Source: replication.md 5.3 A. Thread rule: one thread, while nothing else writes replicated data.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/collection.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/undo.h"

namespace septet::catalog {

// Restores session records (txn/session_apply.h).
class SideUndo {
 public:
  virtual ~SideUndo() = default;
  virtual Status Undo(const repl::EntryView& entry, const repl::UndoRecord& undo) = 0;
  // Puts what the step has changed into its batch.
  virtual Status PutInOrder(storage::WriteBatch* out) = 0;
};

struct RollbackOptions {
  int max_step_entries = 500;
  int64_t max_step_bytes = 8 << 20;
  SideUndo* side = nullptr;
  // Gets the local version of each document that the undone entries inserted or updated, as it was
  // before the rollback; may be called several times for one document, the first time counts.
  std::function<Status(const CollectionInfo& c, bson::DocView document)> save;
};

struct RollbackCounts {
  int64_t entries = 0;
  int64_t inserts = 0;
  int64_t updates = 0;
  int64_t deletes = 0;
  int64_t commands = 0;
};

// Undoes all entries behind `common_point`, which must be in the log. Errors:
// UnrecoverableRollbackError (127) if an undo record or the common point is missing.
StatusOr<RollbackCounts> RollBackTo(Catalog* catalog, const repl::OpTime& common_point,
                                    const RollbackOptions& options);

}  // namespace septet::catalog
