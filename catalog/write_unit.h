// SPDX-License-Identifier: Apache-2.0
// One atomic change of documents: data, index entries, oplog entries, session record, undo records and
// counters in one batch. Use:
//   WriteUnit unit(catalog, op, coll);
//   unit.Lock(rid) -> read the record again -> unit.Update(...) -> unit.Commit()
// A lock that another unit holds, a unique key being inserted elsewhere or a dropped collection gives
// WriteConflict (112): the caller drops the unit and runs the statement again (RetryOnConflict).
// Nothing is visible before Commit; a unit that is destroyed without Commit leaves no trace.
// Thread rule: owned by one thread.
#pragma once

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
  // `doc` is ready to store: _id first, validated. `stmt_id` -1 = none. Errors: DuplicateKey (11000, with
  // keyPattern and keyValue as info), BSONObjectTooLarge, CannotIndexParallelArrays (171), WriteConflict.
  StatusOr<RecordId> Insert(bson::DocView doc, int stmt_id = -1);
  // The record must be locked; `before` is its current document, `log_o` the oplog entry's o (diff or
  // whole document). `image` (pre or post document for findAndModify's retry) may be empty.
  Status Update(RecordId rid, bson::DocView before, bson::DocView after, bson::DocView log_o,
                int stmt_id = -1);
  Status Remove(RecordId rid, bson::DocView before, int stmt_id = -1);
  // findAndModify: keeps the image with the session record so that a retry gets the same answer.
  void KeepImage(bson::DocView image, bool is_post_image);
  // Sets what a retry of the whole statement must answer beside n (upserted id ...).
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
