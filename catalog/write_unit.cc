// SPDX-License-Identifier: Apache-2.0
#include "catalog/write_unit.h"

#include <thread>

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "catalog/catalog_keys.h"
#include "catalog/index_keys.h"
#include "catalog/write_unit_impl.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

Status WriteConflict() {
  return Error(ErrorCode::kWriteConflict,
               "WriteConflict error: this operation conflicted with another operation. Please retry "
               "your operation or multi-document transaction.");
}

Status DuplicateKeyError(const CollectionInfo& c, const IndexEntry& index, std::string_view key,
                         std::string_view type_bits) {
  bson::DocBuilder values;
  if (Status s = DecodeIndexKey(index, key, type_bits, true, &values); !s.ok()) {
    return s;
  }
  const std::string key_value = values.Finish();
  std::string text = StrCat("E11000 duplicate key error collection: ", c.ns.full(),
                            " index: ", index.spec.name);
  if (!index.spec.collation.empty()) {
    StrAppend(&text, " collation: ", bson::ToShellText(DocView(index.spec.collation)));
  }
  StrAppend(&text, " dup key: ", bson::ToShellText(DocView(key_value)));
  return WithInfo(Error(ErrorCode::kDuplicateKey, text),
                  bson::MakeDoc("keyPattern", DocView(index.spec.key_pattern), "keyValue",
                                DocView(key_value)));
}

WriteUnit::Impl::Impl(Catalog* catalog_in, Op* op_in, CollectionPtr collection)
    : catalog(*catalog_in->impl()), op(op_in), coll(std::move(collection)),
      state(coll->state.get()), owned_batch(catalog.batches.Take()),
      pending_multikey(coll->indexes.size()), before_keys(coll->indexes.size()),
      after_keys(coll->indexes.size()) {
  batch = owned_batch.get();
}

WriteUnit::Impl::~Impl() { Release(); }

void WriteUnit::Impl::Release() {
  catalog.locks.Unlock(locks);
  locks.clear();
  if (capped_locked) {
    state->capped_mu.Unlock();
    capped_locked = false;
  }
  if (opened) {
    state->gate.LeaveShared();
    opened = false;
  }
  if (owned_batch != nullptr) {
    catalog.batches.Give(std::move(owned_batch));
    batch = nullptr;
  }
}

Status WriteUnit::Impl::Open() {
  if (opened) {
    return OkStatus();
  }
  if (coll->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", coll->ns.full(), " is a view, not a collection"));
  }
  if (coll->is_oplog()) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("cannot write to ", coll->ns.full()));
  }
  if (op->may_block) {
    state->gate.EnterShared();
  } else if (!state->gate.TryEnterShared()) {
    return WouldBlock();
  }
  opened = true;
  if (!IsCurrent(*coll)) {
    RETURN_IF_ERROR(TakeNewestVersion());
  }
  if (coll->ns.is_replicated()) {
    epoch = catalog.sequencer->epoch();
    const auto mode = catalog.sequencer->mode();
    if (mode == repl::Sequencer::Mode::kFollower) {
      return Error(ErrorCode::kNotWritablePrimary, "not primary");
    }
    want_entries = mode == repl::Sequencer::Mode::kPrimary;
  }
  return OkStatus();
}

// An index or an option has changed since the caller looked. The gate keeps further changes away.
Status WriteUnit::Impl::TakeNewestVersion() {
  const CollectionPtr now = CatalogSnapshot{catalog.Current()}.FindByUuid(coll->uuid);
  if (now == nullptr || now->ident != coll->ident || !(now->ns == coll->ns)) {
    return Error(ErrorCode::kQueryPlanKilled,
                 StrCat("collection dropped. UUID ", coll->uuid.ToString()));
  }
  coll = now;
  pending_multikey.assign(coll->indexes.size(), 0);
  before_keys.resize(coll->indexes.size());
  after_keys.resize(coll->indexes.size());
  return OkStatus();
}

Status WriteUnit::Impl::LockHash(uint64_t hash, bool* already_mine) {
  switch (catalog.locks.TryLock(hash, this)) {
    case LockTable::Result::kConflict:
      return WriteConflict();
    case LockTable::Result::kAlreadyMine:
      *already_mine = true;
      return OkStatus();
    case LockTable::Result::kLocked:
      locks.push_back(hash);
      *already_mine = false;
      return OkStatus();
  }
  return OkStatus();
}

// What this unit did last to a unique key: nothing, added or removed it.
WriteUnit::Impl::OwnChange WriteUnit::Impl::FindOwnChange(std::string_view key) const {
  for (auto it = unique_changes.rbegin(); it != unique_changes.rend(); ++it) {
    if (std::string_view(unique_arena).substr(it->offset, it->size) == key) {
      return it->added ? OwnChange::kAdded : OwnChange::kRemoved;
    }
  }
  return OwnChange::kNone;
}

void WriteUnit::Impl::NoteUnique(std::string_view key, bool added) {
  unique_changes.push_back({static_cast<uint32_t>(unique_arena.size()),
                            static_cast<uint32_t>(key.size()), added});
  unique_arena.append(key);
}

Status WriteUnit::Impl::CheckUnique(const IndexEntry& index, const index::KeySet::Key& key) {
  bool already_mine = false;
  RETURN_IF_ERROR(LockHash(KeyLockHash(key.bytes), &already_mine));
  if (already_mine) {
    switch (FindOwnChange(key.bytes)) {
      case OwnChange::kAdded:
        return DuplicateKeyError(*coll, index, key.bytes, key.type_bits);
      case OwnChange::kRemoved:
        return OkStatus();
      case OwnChange::kNone:
        break;  // another key with this hash, or a failed insert before
    }
  }
  ASSIGN_OR_RETURN(const bool found,
                   catalog.engine->Get(Space::kIndexes, key.bytes, nullptr, &scratch_value));
  if (found && FindOwnChange(key.bytes) != OwnChange::kRemoved) {
    return DuplicateKeyError(*coll, index, key.bytes, key.type_bits);
  }
  return OkStatus();
}

void WriteUnit::Impl::PutKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid) {
  if (index.spec.unique) {
    NoteUnique(key.bytes, true);
  }
  PutIndexKey(index, key, rid, &scratch, batch);
}

void WriteUnit::Impl::DeleteKey(const IndexEntry& index, const index::KeySet::Key& key,
                                RecordId rid) {
  if (index.spec.unique) {
    NoteUnique(key.bytes, false);
  }
  DeleteIndexKey(index, key, rid, &scratch, batch);
}

void WriteUnit::Impl::NoteMultikey(size_t i, uint64_t mask) {
  if ((mask & ~coll->indexes[i]->multikey->load(std::memory_order_relaxed)) != 0) {
    pending_multikey[i] |= mask;
    any_multikey = true;
  }
}

void WriteUnit::Impl::AddEntry(char entry_op, DocView o, std::string_view o2, int stmt_id,
                               bool from_upsert, bool from_migrate) {
  if (!want_entries) {
    return;
  }
  repl::EntryFields fields;
  fields.op = entry_op;
  fields.ns = coll->ns.full();
  fields.uuid = coll->uuid.bytes;
  fields.o = o;
  fields.o2 = o2;
  fields.from_upsert = from_upsert;
  fields.from_migrate = from_migrate;
  repl::PendingEntry& entry = entries.emplace_back();
  if (stmt_id >= 0 && op->session.has_value() && op->session->sink != nullptr) {
    fields.lsid = op->session->lsid;
    fields.txn_number = op->session->txn_number;
    fields.stmt_id = stmt_id;
    fields.prev = op->session->sink->last_write();
    entry.chained = true;
    ExecutedStatement& statement = statements.emplace_back();
    statement.stmt_id = stmt_id;
    statement.op = entry_op;
    statement.from_upsert = from_upsert;
    if (from_upsert) {
      statement.id = bson::MakeDoc("_id", o.Find("_id"));
    }
  }
  entry.bytes.reserve(static_cast<size_t>(o.size_bytes()) + 160);
  repl::BuildEntry(fields, &entry.bytes);
}

StatusOr<RecordId> WriteUnit::Impl::Insert(DocView doc, int stmt_id, bool from_upsert) {
  RETURN_IF_ERROR(Open());
  if (doc.size_bytes() > limits::kMaxBsonObjectSize) {
    return Error(ErrorCode::kBSONObjectTooLarge,
                 StrCat("object to insert too large. size in bytes: ", doc.size_bytes(),
                        ", max size: ", limits::kMaxBsonObjectSize));
  }
  const auto& indexes = coll->indexes;
  for (size_t i = 0; i < indexes.size(); ++i) {
    RETURN_IF_ERROR(index::MakeKeys(indexes[i]->spec, indexes[i]->ident, doc, &after_keys[i]));
    if (indexes[i]->spec.unique) {
      for (const auto& key : after_keys[i].keys) {
        RETURN_IF_ERROR(CheckUnique(*indexes[i], key));
      }
    }
  }
  if (coll->capped) {
    RETURN_IF_ERROR(MakeRoom(doc.size_bytes()));
  }
  ASSIGN_OR_RETURN(const RecordId rid, NextRecordId());
  for (size_t i = 0; i < indexes.size(); ++i) {
    for (const auto& key : after_keys[i].keys) {
      PutKey(*indexes[i], key, rid);
    }
    NoteMultikey(i, after_keys[i].multikey);
  }
  batch->Put(Space::kRecords, storage::RecordKey(coll->ident, rid), doc.raw());
  if (coll->capped) {
    capped_own.emplace_back(rid, doc.ToBytes());
  }
  ++count_delta;
  bytes_delta += doc.size_bytes();
  ++changes;
  AddEntry('i', doc, {}, stmt_id, from_upsert, false);
  return rid;
}

StatusOr<RecordId> WriteUnit::Impl::NextRecordId() {
  if (state->next_rid.load(std::memory_order_acquire) == 0) {
    RETURN_IF_ERROR(FindNextRecordId(catalog.engine, *coll));
  }
  return state->next_rid.fetch_add(1, std::memory_order_relaxed);
}

Status FindNextRecordId(storage::Engine* engine, const CollectionInfo& c) {
  RecordCursor cursor(engine, c, nullptr, false);
  cursor.SeekFirst();
  RETURN_IF_ERROR(cursor.status());
  int64_t expected = 0;
  c.state->next_rid.compare_exchange_strong(expected, cursor.valid() ? cursor.rid() + 1 : 1,
                                            std::memory_order_acq_rel);
  return OkStatus();
}

bool SameInputs(const index::Spec& spec, DocView before, DocView after) {
  if (spec.filter != nullptr) {
    return false;
  }
  for (const index::KeyField& field : spec.fields) {
    if (!bson::Identical(before.Find(field.path.part(0)), after.Find(field.path.part(0)))) {
      return false;
    }
  }
  return true;
}

// Computes the keys before and after, checks those that are new; nothing is put yet.
Status WriteUnit::Impl::PrepareUpdate(DocView before, DocView after) {
  const auto& indexes = coll->indexes;
  for (size_t i = 0; i < indexes.size(); ++i) {
    before_keys[i].Clear();
    after_keys[i].Clear();
    const index::Spec& spec = indexes[i]->spec;
    if (SameInputs(spec, before, after)) {
      continue;
    }
    RETURN_IF_ERROR(index::MakeKeys(spec, indexes[i]->ident, before, &before_keys[i]));
    RETURN_IF_ERROR(index::MakeKeys(spec, indexes[i]->ident, after, &after_keys[i]));
    if (!spec.unique) {
      continue;
    }
    ForNewKeys(before_keys[i], after_keys[i], &new_keys);
    for (const index::KeySet::Key* key : new_keys) {
      RETURN_IF_ERROR(CheckUnique(*indexes[i], *key));
    }
  }
  return OkStatus();
}

// Keys of `after` that are not in `before`; both are sorted.
void WriteUnit::Impl::ForNewKeys(const index::KeySet& before, const index::KeySet& after,
                                 std::vector<const index::KeySet::Key*>* out) {
  out->clear();
  auto b = before.keys.begin();
  for (const auto& key : after.keys) {
    while (b != before.keys.end() && b->bytes < key.bytes) {
      ++b;
    }
    if (b == before.keys.end() || b->bytes != key.bytes) {
      out->push_back(&key);
    }
  }
}

Status WriteUnit::Impl::Update(RecordId rid, DocView before, DocView after, DocView log_o,
                               int stmt_id) {
  RETURN_IF_ERROR(Open());
  if (after.size_bytes() > limits::kMaxInternalBsonSize) {
    return Error(ErrorCode::kBSONObjectTooLarge,
                 StrCat("object to update too large. size in bytes: ", after.size_bytes(),
                        ", max size: ", limits::kMaxBsonObjectSize));
  }
  RETURN_IF_ERROR(PrepareUpdate(before, after));
  const auto& indexes = coll->indexes;
  for (size_t i = 0; i < indexes.size(); ++i) {
    auto b = before_keys[i].keys.begin();
    const auto end = before_keys[i].keys.end();
    for (const auto& key : after_keys[i].keys) {
      for (; b != end && b->bytes < key.bytes; ++b) {
        DeleteKey(*indexes[i], *b, rid);
      }
      const bool kept = b != end && b->bytes == key.bytes;
      if (!kept || b->type_bits != key.type_bits) {
        PutKey(*indexes[i], key, rid);
      }
      b += kept ? 1 : 0;
    }
    for (; b != end; ++b) {
      DeleteKey(*indexes[i], *b, rid);
    }
    NoteMultikey(i, after_keys[i].multikey);
  }
  batch->Put(Space::kRecords, storage::RecordKey(coll->ident, rid), after.raw());
  bytes_delta += after.size_bytes() - before.size_bytes();
  ++changes;
  AddEntry('u', log_o, bson::MakeDoc("_id", before.Find("_id")), stmt_id, false, false);
  AddUndo(rid, before);
  return OkStatus();
}

void WriteUnit::Impl::AddUndo(RecordId rid, DocView before) {
  if (want_entries) {
    repl::UndoRecord undo;
    undo.rid = rid;
    undo.document = before.raw();
    repl::EncodeUndo(undo, &entries.back().undo);
  }
}

Status WriteUnit::Impl::Remove(RecordId rid, DocView before, int stmt_id, bool from_migrate) {
  RETURN_IF_ERROR(Open());
  const auto& indexes = coll->indexes;
  for (size_t i = 0; i < indexes.size(); ++i) {
    RETURN_IF_ERROR(index::MakeKeys(indexes[i]->spec, indexes[i]->ident, before, &before_keys[i]));
  }
  for (size_t i = 0; i < indexes.size(); ++i) {
    for (const auto& key : before_keys[i].keys) {
      DeleteKey(*indexes[i], key, rid);
    }
  }
  batch->Delete(Space::kRecords, storage::RecordKey(coll->ident, rid));
  --count_delta;
  bytes_delta -= before.size_bytes();
  ++changes;
  const std::string id = bson::MakeDoc("_id", before.Find("_id"));
  AddEntry('d', DocView(id), {}, stmt_id, false, from_migrate);
  AddUndo(rid, before);
  return OkStatus();
}

void WriteUnit::Impl::OnSequenced(const std::vector<repl::OpTime>& optimes, int64_t wall_millis,
                                  storage::WriteBatch* out) {
  if (count_delta != 0 || bytes_delta != 0) {
    state->AddCounts(coll->ident, count_delta, bytes_delta, out);
  }
  if (any_multikey) {
    PutMultikey(out);
  }
  if (statements.empty()) {
    return;
  }
  if (!image.document.empty()) {
    image.at = optimes[image_entry];
  }
  std::string session_before;
  std::string image_before;
  repl::UndoRecord undo;
  undo.has_session = op->session->sink->OnSequenced(statements, image, optimes.back(), wall_millis,
                                                    out, &session_before, &image_before,
                                                    &undo.has_image);
  undo.session = session_before;
  undo.image = image_before;
  for (repl::PendingEntry& entry : entries) {
    if (entry.chained) {
      repl::EncodeUndo(undo, &entry.undo);
      break;
    }
  }
}

void WriteUnit::Impl::PutMultikey(storage::WriteBatch* out) {
  for (size_t i = 0; i < pending_multikey.size(); ++i) {
    if (pending_multikey[i] == 0) {
      continue;
    }
    const IndexEntry& index = *coll->indexes[i];
    const uint64_t mask = index.multikey->fetch_or(pending_multikey[i]) | pending_multikey[i];
    out->Put(Space::kCatalog, keys::IdentKey(keys::kMultikey, index.ident),
             {reinterpret_cast<const char*>(&mask), sizeof(mask)});
  }
}

void WriteUnit::Impl::OnWritten() {
  if (capped_next > state->capped_first.load(std::memory_order_relaxed)) {
    state->capped_first.store(capped_next, std::memory_order_relaxed);
  }
  if (!statements.empty()) {
    op->session->sink->OnWritten();
  }
}

void WriteUnit::Impl::OnAborted() {
  state->AddCounts(coll->ident, -count_delta, -bytes_delta, nullptr);
  if (!statements.empty()) {
    op->session->sink->OnAborted();
  }
}

Status WriteUnit::Impl::Commit() {
  if (changes == 0) {
    Release();
    return OkStatus();
  }
  StatusOr<repl::OpTime> optime = catalog.sequencer->Commit(this);
  Release();
  RETURN_IF_ERROR(optime.status());
  if (!optime->IsNull()) {
    op->last_write = *optime;
  }
  if (coll->ns.collection() == "system.views") {
    return catalog.ReloadViews(coll->ns.db());
  }
  return OkStatus();
}

WriteUnit::WriteUnit(Catalog* catalog, Op* op, CollectionPtr collection)
    : impl_(std::make_unique<Impl>(catalog, op, std::move(collection))) {}
WriteUnit::~WriteUnit() = default;

Status WriteUnit::Lock(RecordId rid) {
  RETURN_IF_ERROR(impl_->Open());
  bool already_mine = false;
  return impl_->LockHash(RecordLockHash(impl_->coll->ident, rid), &already_mine);
}

StatusOr<RecordId> WriteUnit::Insert(DocView doc, int stmt_id, bool from_upsert) {
  return impl_->Insert(doc, stmt_id, from_upsert);
}

Status WriteUnit::Update(RecordId rid, DocView before, DocView after, DocView log_o, int stmt_id) {
  return impl_->Update(rid, before, after, log_o, stmt_id);
}

Status WriteUnit::Remove(RecordId rid, DocView before, int stmt_id) {
  return impl_->Remove(rid, before, stmt_id, false);
}

void WriteUnit::KeepImage(DocView image, bool is_post_image) {
  if (impl_->statements.empty()) {
    return;
  }
  impl_->image.document = image.ToBytes();
  impl_->image.is_post_image = is_post_image;
  impl_->image_entry = impl_->entries.size() - 1;
  repl::AppendRetryImage(&impl_->entries.back().bytes, is_post_image);
}

Status WriteUnit::Commit() { return impl_->Commit(); }
int WriteUnit::change_count() const { return impl_->changes; }

Status RetryOnConflict(Op* op, const std::function<Status()>& body) {
  constexpr int kSpins = 4;
  constexpr int64_t kMaxBackoffMicros = 20'000;
  for (int attempt = 0;; ++attempt) {
    Status status = body();
    if (CodeOf(status) != ErrorCode::kWriteConflict) {
      return status;
    }
    ++op->counters.write_conflicts;
    RETURN_IF_ERROR(op->interrupt.CheckNow());
    if (attempt < kSpins) {
      std::this_thread::yield();
    } else if (!op->may_block) {
      return WouldBlock();
    } else {
      const int64_t micros = int64_t{50} << std::min(attempt - kSpins, 10);
      std::this_thread::sleep_for(
          std::chrono::microseconds(std::min(micros, kMaxBackoffMicros)));
    }
  }
}

}  // namespace septet::catalog
