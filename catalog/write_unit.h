// SPDX-License-Identifier: Apache-2.0
// One atomic change of documents: data, index entries, oplog entries, session record, undo records and
// counters in one batch. Use:
//   WriteUnit unit(catalog, op, coll);
//   unit.Lock(rid) -> read the record again -> unit.Update(...) -> unit.Commit()
// A lock that another unit holds or a unique key being inserted elsewhere gives
// WriteConflict (112): the caller drops the unit and runs the statement again (RetryOnConflict). A
// collection whose options or indexes have changed since is taken in its newest version; one that was
// dropped or renamed gives QueryPlanKilled (175): the caller looks for it anew.
// Nothing is visible before Commit; a unit that is destroyed without Commit leaves no trace.
// Thread rule: owned by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace septet::catalog {

class WriteUnit {
 public:
  WriteUnit(Catalog* catalog, Op* op, CollectionPtr collection);
  ~WriteUnit();

  // Takes the record's lock until Commit or destruction. Error: WriteConflict.
  Status Lock(RecordId rid);
  // `doc` is ready to store: _id first, validated. `stmt_id` -1 = none; from_upsert: an update made it
  // (a retry then answers `upserted`). A failed call leaves the unit as it was, so the caller may go
  // on with other documents. Errors: DuplicateKey (11000, with keyPattern and keyValue as info),
  // BSONObjectTooLarge, CannotIndexParallelArrays (171), WriteConflict, NotWritablePrimary, and
  // WouldBlock() on an I/O thread. A capped collection loses its oldest documents in the same unit.
  StatusOr<RecordId> Insert(bson::DocView doc, int stmt_id = -1, bool from_upsert = false);
  // The record must be locked; `before` is its current document, `log_o` the oplog entry's o (diff or
  // whole document). Changes of this unit are not visible to reads: at most one call per record.
  Status Update(RecordId rid, bson::DocView before, bson::DocView after, bson::DocView log_o,
                int stmt_id = -1);
  Status Remove(RecordId rid, bson::DocView before, int stmt_id = -1);
  // findAndModify, after its Update or Remove: keeps the image with the session record so that a retry
  // gets the same answer. No effect without a session.
  void KeepImage(bson::DocView image, bool is_post_image);
  // Writes everything and sets op->last_write. A unit without changes writes nothing.
  Status Commit();
  int change_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs `body` (a statement) again while it fails with WriteConflict; counts the conflicts in
// op->counters. On an I/O thread gives up after a few tries with WouldBlock().
Status RetryOnConflict(Op* op, const std::function<Status()>& body);

}  // namespace septet::catalog
