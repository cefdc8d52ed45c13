// SPDX-License-Identifier: Apache-2.0
#include "txn/session_apply.h"

#include "base/strings.h"
#include "bson/builder.h"
#include "replication/oplog/entry.h"

namespace septet::txn {

using bson::DocView;
using bson::ValueView;
using catalog::CollectionPtr;
using catalog::SideRecord;

StatusOr<SessionTable::State*> SessionTable::Get(ValueView lsid) {
  const auto [it, inserted] = states_.try_emplace(std::string(lsid.AsDoc().raw()));
  State* const state = &it->second;
  if (!inserted) {
    return state;
  }
  const CollectionPtr transactions = catalog_->Find(kTransactionsName);
  const CollectionPtr images = catalog_->Find(kImagesName);
  if (transactions == nullptr || images == nullptr) {
    states_.erase(it);
    return nullptr;
  }
  ASSIGN_OR_RETURN(SideRecord stored, FindSideRecord(catalog_->engine(), *transactions, lsid));
  ASSIGN_OR_RETURN(SideRecord image, FindSideRecord(catalog_->engine(), *images, lsid));
  if (stored.rid != 0) {
    ASSIGN_OR_RETURN(state->record, DecodeSession(DocView(stored.document)));
  }
  state->document = std::move(stored.document);
  state->image = std::move(image.document);
  return state;
}

// Looks the record up again: between the look before and now it may have been reaped.
Status SessionTable::Put(std::string_view table, ValueView lsid, const std::string& document,
                         storage::WriteBatch* out) {
  const CollectionPtr c = catalog_->Find(table);
  if (c == nullptr) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(SideRecord record, FindSideRecord(catalog_->engine(), *c, lsid));
  Undoable undoable{c, record, {}};
  if (document.empty()) {
    RemoveSideRecord(*c, &record, out);
  } else {
    PutSideRecord(*c, DocView(document), &record, out);
  }
  undoable.after = std::move(record);
  done_.push_back(std::move(undoable));
  return OkStatus();
}

Status SessionTable::PutInOrder(storage::WriteBatch* out) {
  for (auto& [lsid, state] : states_) {
    const ValueView id(bson::Type::kObject, lsid.data());
    if (state.changed) {
      RETURN_IF_ERROR(Put(kTransactionsName, id, state.document, out));
    }
    if (state.image_changed) {
      RETURN_IF_ERROR(Put(kImagesName, id, state.image, out));
    }
  }
  return OkStatus();
}

void SessionTable::Forget() {
  for (const Undoable& u : done_) {
    ForgetSideChange(*u.table, u.before, u.after);
  }
  Clear();
}

void SessionTable::Clear() {
  states_.clear();
  done_.clear();
}

Status SessionApply::Add(const repl::EntryView& entry, std::string_view image, std::string* undo) {
  if (!entry.lsid.is_object() || entry.txn_number < 0 || entry.stmt_ids.empty()) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(SessionTable::State* const state, table_.Get(entry.lsid));
  if (state == nullptr) {
    return tolerant_ ? OkStatus()
                     : Error(ErrorCode::kNamespaceNotFound,
                             StrCat("entry ", entry.optime.ToString(),
                                    " belongs to a session, but there are no session tables"));
  }
  if (entry.txn_number < state->record.txn_number) {
    return OkStatus();
  }
  repl::UndoRecord record;
  if (entry.txn_number > state->record.txn_number) {
    record.has_session = true;
    record.session = state->document;
    state->record = SessionRecord();
    state->record.txn_number = entry.txn_number;
  }
  const std::string image_before = state->image;
  if (!image.empty()) {
    record.has_image = true;
    record.image = image_before;
    state->image = EncodeImage(entry.lsid.AsDoc(), entry.txn_number, entry.optime.ts,
                               entry.retry_image == "postImage", DocView(image));
    state->image_changed = true;
  }
  if (!tolerant_) {
    repl::EncodeUndo(record, undo);
  }
  for (const int32_t stmt_id : entry.stmt_ids) {
    catalog::ExecutedStatement statement;
    statement.stmt_id = stmt_id;
    statement.op = entry.op;
    statement.from_upsert = entry.from_upsert;
    if (entry.from_upsert) {
      statement.id = bson::MakeDoc("_id", entry.o.Find("_id"));
    }
    if (tolerant_) {
      state->record.Remove(stmt_id);  // replayed
    }
    state->record.Add(statement);
  }
  state->record.last_write = entry.optime;
  state->record.last_write_millis = entry.wall_millis;
  state->document = EncodeSession(entry.lsid.AsDoc(), state->record);
  state->changed = true;
  return OkStatus();
}

Status SessionUndo::Undo(const repl::EntryView& entry, const repl::UndoRecord& undo) {
  if (!entry.lsid.is_object() || entry.stmt_ids.empty()) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(SessionTable::State* const state, table_.Get(entry.lsid));
  if (state == nullptr) {
    return OkStatus();
  }
  if (undo.has_image) {
    state->image = std::string(undo.image);
    state->image_changed = true;
  }
  if (undo.has_session) {
    state->document = std::string(undo.session);
    state->record = SessionRecord();
    if (!undo.session.empty()) {
      ASSIGN_OR_RETURN(state->record, DecodeSession(DocView(undo.session)));
    }
    state->changed = true;
    return OkStatus();
  }
  if (state->record.txn_number != entry.txn_number) {
    return OkStatus();
  }
  for (const int32_t stmt_id : entry.stmt_ids) {
    state->record.Remove(stmt_id);
  }
  state->record.last_write = entry.prev;
  storage::PinnedValue before;
  ASSIGN_OR_RETURN(const bool found,
                   catalog_->engine()->Get(storage::Space::kOplog, repl::OplogKey(entry.prev.ts),
                                           nullptr, &before));
  if (found) {
    state->record.last_write_millis = repl::EntryOpTimeAndWall(DocView(before.view())).wall_millis;
  }
  state->document = EncodeSession(entry.lsid.AsDoc(), state->record);
  state->changed = true;
  return OkStatus();
}

Status SessionUndo::PutInOrder(storage::WriteBatch* out) {
  RETURN_IF_ERROR(table_.PutInOrder(out));
  table_.Clear();
  return OkStatus();
}

}  // namespace septet::txn
