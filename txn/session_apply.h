// SPDX-License-Identifier: Apache-2.0
// Session records on members that apply entries of others, and when entries are rolled back: derived
// from the entries' lsid, txnNumber and stmtId, so that after a failover a retry gets the same answer.
// Thread rule: one thread; the Put functions in commit order.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "catalog/apply.h"
#include "catalog/rollback_undo.h"
#include "catalog/side_record.h"
#include "txn/session_record.h"

namespace septet::txn {

// The sessions of one batch, kept by lsid; each is read once and written once.
class SessionTable {
 public:
  explicit SessionTable(catalog::Catalog* catalog) : catalog_(catalog) {}

  struct State {
    std::string document;  // as it would be stored now; empty: none
    SessionRecord record;  // its content
    std::string image;     // document of config.image_collection; empty: none
    bool changed = false;
    bool image_changed = false;
  };
  // Null and ok if the session tables do not exist.
  StatusOr<State*> Get(bson::ValueView lsid);
  Status PutInOrder(storage::WriteBatch* out);
  void Forget();  // the batch was not written: totals in memory go back
  void Clear();

 private:
  Status Put(std::string_view table, bson::ValueView lsid, const std::string& document,
             storage::WriteBatch* out);

  struct Undoable {
    catalog::CollectionPtr table;
    catalog::SideRecord before;
    catalog::SideRecord after;
  };
  catalog::Catalog* const catalog_;
  std::map<std::string, State> states_;
  std::vector<Undoable> done_;
};

class SessionApply final : public catalog::SideApply {
 public:
  // tolerant: an entry older than what the record says (initial sync) changes nothing.
  SessionApply(catalog::Catalog* catalog, bool tolerant) : table_(catalog), tolerant_(tolerant) {}

  // In the log's order, for every entry of the batch. `image` as ApplyLane gave it; `*undo` is the
  // entry's inverse record so far.
  Status Add(const repl::EntryView& entry, std::string_view image, std::string* undo);

  Status PutInOrder(storage::WriteBatch* out) override { return table_.PutInOrder(out); }
  void OnWritten() override { table_.Clear(); }
  void OnFailed() override { table_.Forget(); }

 private:
  SessionTable table_;
  const bool tolerant_;
};

class SessionUndo final : public catalog::SideUndo {
 public:
  explicit SessionUndo(catalog::Catalog* catalog) : catalog_(catalog), table_(catalog) {}
  Status Undo(const repl::EntryView& entry, const repl::UndoRecord& undo) override;
  Status PutInOrder(storage::WriteBatch* out) override;

 private:
  catalog::Catalog* const catalog_;
  SessionTable table_;
};

}  // namespace septet::txn
