// SPDX-License-Identifier: Apache-2.0
#include "catalog/apply.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "catalog/catalog_impl.h"
#include "catalog/catalog_keys.h"
#include "catalog/index_keys.h"
#include "catalog/write_unit_impl.h"

namespace septet::catalog {

using bson::DocView;
using bson::ValueView;
using storage::Space;

bool NeedsSerialApply(const CollectionInfo& c) {
  return c.capped || std::any_of(c.indexes.begin(), c.indexes.end(), [](const auto& index) {
           return index->spec.unique && !index->spec.is_id;
         });
}

StatusOr<DocOverlay::Doc*> DocOverlay::Get(const CollectionInfo& c, ValueView id) {
  const IndexEntry* const index = c.IdIndex();
  if (index == nullptr) {
    return Error(ErrorCode::kIndexNotFound, StrCat(c.ns.full(), " has no _id index"));
  }
  storage::KeyBuilder key(index->ident);
  key.Append(id, index->spec.collator.get());
  const auto [it, inserted] = docs_.try_emplace(key.TakeKey());
  Doc* const doc = &it->second;
  if (!inserted) {
    return doc;
  }
  storage::PinnedValue value;
  ASSIGN_OR_RETURN(const bool found, engine_->Get(Space::kIndexes, it->first, nullptr, &value));
  if (found) {
    doc->rid = RecordIdOfValue(value.view());
    ASSIGN_OR_RETURN(const bool there, GetRecord(engine_, c, doc->rid, nullptr, &value));
    if (!there) {
      return Error(ErrorCode::kDataCorruptionDetected,
                   StrCat("an entry of the _id index of ", c.ns.full(), " points at no document"));
    }
    doc->bytes = std::string(value.view());
  }
  return doc;
}

DocWriter::DocWriter(storage::Engine* engine, bool tolerant)
    : engine_(engine), tolerant_(tolerant), overlay_(engine), batch_(engine->NewBatch()) {}
DocWriter::~DocWriter() = default;

void DocWriter::Clear() {
  overlay_.Clear();
  batch_->Clear();
  totals_.clear();
  unique_owners_.clear();
  view_dbs_.clear();
}

DocWriter::Totals* DocWriter::TotalsOf(const CollectionPtr& c) {
  Totals& totals = totals_[c->ident];
  if (totals.collection == nullptr) {
    totals.collection = c;
    totals.multikey.resize(c->indexes.size());
    if (c->ns.collection() == "system.views") {
      view_dbs_.emplace_back(c->ns.db());
    }
  }
  return &totals;
}

Status DocWriter::Change(const CollectionPtr& c, DocOverlay::Doc* doc, RecordId rid,
                         std::string_view after) {
  Totals* const totals = TotalsOf(c);
  const std::string before = std::move(doc->bytes);
  const bool existed = doc->rid != 0;
  for (size_t i = 0; i < c->indexes.size(); ++i) {
    RETURN_IF_ERROR(ChangeKeys(*c, *c->indexes[i], i, rid, before, after, totals));
  }
  if (after.empty()) {
    batch_->Delete(Space::kRecords, storage::RecordKey(c->ident, rid));
  } else {
    batch_->Put(Space::kRecords, storage::RecordKey(c->ident, rid), after);
  }
  totals->count += (after.empty() ? 0 : 1) - (existed ? 1 : 0);
  totals->bytes += static_cast<int64_t>(after.size()) - static_cast<int64_t>(before.size());
  doc->rid = after.empty() ? 0 : rid;
  doc->bytes = std::string(after);
  return OkStatus();
}

Status DocWriter::ChangeKeys(const CollectionInfo& c, const IndexEntry& index, size_t i,
                             RecordId rid, std::string_view before, std::string_view after,
                             Totals* totals) {
  const index::Spec& spec = index.spec;
  before_keys_.Clear();
  after_keys_.Clear();
  // An entry that another document has taken over must be put again, so look at everything.
  const bool look_at_all = tolerant_ && spec.unique && !spec.is_id;
  if (!look_at_all && !before.empty() && !after.empty() &&
      SameInputs(spec, DocView(before), DocView(after))) {
    return OkStatus();
  }
  if (!before.empty()) {
    RETURN_IF_ERROR(index::MakeKeys(spec, index.ident, DocView(before), &before_keys_));
  }
  if (!after.empty()) {
    RETURN_IF_ERROR(index::MakeKeys(spec, index.ident, DocView(after), &after_keys_));
    totals->multikey[i] |= after_keys_.multikey;
  }
  auto b = before_keys_.keys.begin();
  const auto end = before_keys_.keys.end();
  for (const auto& key : after_keys_.keys) {
    for (; b != end && b->bytes < key.bytes; ++b) {
      RETURN_IF_ERROR(DeleteKey(index, *b, rid));
    }
    const bool kept = b != end && b->bytes == key.bytes;
    if (!kept || b->type_bits != key.type_bits || look_at_all) {
      RETURN_IF_ERROR(PutKey(c, index, key, rid));
    }
    b += kept ? 1 : 0;
  }
  for (; b != end; ++b) {
    RETURN_IF_ERROR(DeleteKey(index, *b, rid));
  }
  return OkStatus();
}

// The record a unique secondary key belongs to now; 0 if nobody has it.
StatusOr<RecordId> DocWriter::OwnerOf(const index::KeySet::Key& key) {
  const auto it = unique_owners_.find(key.bytes);
  if (it != unique_owners_.end()) {
    return it->second;
  }
  ASSIGN_OR_RETURN(const bool found, engine_->Get(Space::kIndexes, key.bytes, nullptr, &value_));
  return found ? RecordIdOfValue(value_.view()) : RecordId{0};
}

Status DocWriter::PutKey(const CollectionInfo& c, const IndexEntry& index,
                         const index::KeySet::Key& key, RecordId rid) {
  if (index.spec.unique && !index.spec.is_id) {
    if (!tolerant_) {
      ASSIGN_OR_RETURN(const RecordId owner, OwnerOf(key));
      if (owner != 0 && owner != rid) {
        return DuplicateKeyError(c, index, key.bytes, key.type_bits);
      }
    }
    unique_owners_[key.bytes] = rid;
  }
  PutIndexKey(index, key, rid, &scratch_, batch_.get());
  return OkStatus();
}

Status DocWriter::DeleteKey(const IndexEntry& index, const index::KeySet::Key& key, RecordId rid) {
  if (index.spec.unique && !index.spec.is_id) {
    if (tolerant_) {
      ASSIGN_OR_RETURN(const RecordId owner, OwnerOf(key));
      if (owner != rid) {
        return OkStatus();
      }
    }
    unique_owners_[key.bytes] = 0;
  }
  DeleteIndexKey(index, key, rid, &scratch_, batch_.get());
  return OkStatus();
}

void DocWriter::PutTotals(storage::WriteBatch* out) {
  for (auto& [ident, totals] : totals_) {
    const CollectionInfo& c = *totals.collection;
    if (totals.count != 0 || totals.bytes != 0) {
      c.state->AddCounts(ident, totals.count, totals.bytes, out);
    }
    for (size_t i = 0; i < totals.multikey.size(); ++i) {
      const IndexEntry& index = *c.indexes[i];
      if ((totals.multikey[i] & ~index.multikey->load()) == 0) {
        continue;
      }
      const uint64_t mask = index.multikey->fetch_or(totals.multikey[i]) | totals.multikey[i];
      out->Put(Space::kCatalog, keys::IdentKey(keys::kMultikey, index.ident),
               {reinterpret_cast<const char*>(&mask), sizeof(mask)});
    }
  }
}

void DocWriter::ForgetTotals() {
  for (auto& [ident, totals] : totals_) {
    totals.collection->state->AddCounts(ident, -totals.count, -totals.bytes, nullptr);
  }
}

ApplyLane::ApplyLane(Catalog* catalog, const ApplyOptions& options)
    : catalog_(catalog), options_(options), snapshot_(catalog->Snapshot()),
      writer_(catalog->engine(), options.tolerant) {
  P_CHECK(options_.apply_diff != nullptr);
}

StatusOr<CollectionPtr> ApplyLane::CollectionOf(const repl::EntryView& entry) {
  CollectionPtr c;
  if (entry.uuid != nullptr) {
    Uuid uuid;
    std::copy(entry.uuid, entry.uuid + 16, uuid.bytes);
    c = snapshot_.FindByUuid(uuid);
  } else {
    c = snapshot_.Find(entry.ns);
  }
  if (c != nullptr && c->is_view) {
    c = nullptr;
  }
  if (c == nullptr && !options_.tolerant) {
    return Error(ErrorCode::kNamespaceNotFound,
                 StrCat("entry ", entry.optime.ToString(), " is for a collection that is unknown: ",
                        entry.ns));
  }
  if (c != nullptr && c->state->next_rid.load(std::memory_order_acquire) == 0) {
    RETURN_IF_ERROR(FindNextRecordId(catalog_->engine(), *c));
  }
  return c;
}

Status ApplyLane::Missing(const CollectionInfo& c, const repl::EntryView& entry) const {
  if (options_.tolerant) {
    return OkStatus();
  }
  return Error(ErrorCode::kDataCorruptionDetected,
               StrCat("entry ", entry.optime.ToString(), " changes a document that does not exist in ",
                      c.ns.full(), ": ",
                      bson::ToShellText(entry.op == 'u' ? entry.o2.AsDoc() : entry.o)));
}

Status ApplyLane::Apply(const repl::EntryView& entry, std::string* undo, std::string* image) {
  if (entry.op == 'n') {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const CollectionPtr c, CollectionOf(entry));
  if (c == nullptr) {
    return OkStatus();
  }
  switch (entry.op) {
    case 'i':
      return ApplyInsert(c, entry, undo);
    case 'u':
      return ApplyUpdate(c, entry, undo, image);
    case 'd':
      return ApplyDelete(c, entry, undo, image);
    default:
      return Error(ErrorCode::kFailedToParse,
                   StrCat("entry ", entry.optime.ToString(), " has an unknown op: ",
                          std::string_view(&entry.op, 1)));
  }
}

Status ApplyLane::ApplyInsert(const CollectionPtr& c, const repl::EntryView& entry, std::string*) {
  ASSIGN_OR_RETURN(DocOverlay::Doc* const doc, writer_.overlay()->Get(*c, entry.o.Find("_id")));
  if (doc->rid != 0 && !options_.tolerant) {
    return Error(ErrorCode::kDuplicateKey,
                 StrCat("entry ", entry.optime.ToString(), " inserts a document that exists in ",
                        c->ns.full()));
  }
  const RecordId rid = doc->rid != 0 ? doc->rid : c->state->next_rid.fetch_add(1);
  return writer_.Change(c, doc, rid, entry.o.raw());
}

namespace {

void EncodeBefore(const DocOverlay::Doc& doc, std::string* undo) {
  repl::UndoRecord record;
  record.rid = doc.rid;
  record.document = doc.bytes;
  repl::EncodeUndo(record, undo);
}

}  // namespace

Status ApplyLane::ApplyUpdate(const CollectionPtr& c, const repl::EntryView& entry,
                              std::string* undo, std::string* image) {
  if (!entry.o2.is_object()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("entry ", entry.optime.ToString(), " has no o2"));
  }
  ASSIGN_OR_RETURN(DocOverlay::Doc* const doc,
                   writer_.overlay()->Get(*c, entry.o2.AsDoc().Find("_id")));
  if (doc->rid == 0) {
    return Missing(*c, entry);
  }
  std::string changed;
  std::string_view after = entry.o.raw();
  if (entry.o.Has("$v")) {
    const ValueView diff = entry.o.Find("diff");
    if (!diff.is_object()) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("entry ", entry.optime.ToString(), " has no diff"));
    }
    ASSIGN_OR_RETURN(changed, options_.apply_diff(DocView(doc->bytes), diff.AsDoc()));
    after = changed;
  }
  if (!options_.tolerant) {
    EncodeBefore(*doc, undo);
  }
  if (!entry.retry_image.empty()) {
    *image = entry.retry_image == "preImage" ? doc->bytes : std::string(after);
  }
  return writer_.Change(c, doc, doc->rid, after);
}

Status ApplyLane::ApplyDelete(const CollectionPtr& c, const repl::EntryView& entry,
                              std::string* undo, std::string* image) {
  ASSIGN_OR_RETURN(DocOverlay::Doc* const doc, writer_.overlay()->Get(*c, entry.o.Find("_id")));
  if (doc->rid == 0) {
    return Missing(*c, entry);
  }
  if (!options_.tolerant) {
    EncodeBefore(*doc, undo);
  }
  if (!entry.retry_image.empty()) {
    *image = doc->bytes;
  }
  return writer_.Change(c, doc, doc->rid, {});
}

Status CommitLanes(Catalog* catalog, const std::vector<std::unique_ptr<ApplyLane>>& lanes,
                   const std::vector<std::string>& entries, const std::vector<std::string>& undo,
                   SideApply* side) {
  auto batch = catalog->impl()->batches.Take();
  for (const auto& lane : lanes) {
    batch->Append(*lane->writer()->batch());
  }
  repl::Sequencer::ApplyHooks hooks;
  hooks.in_order = [&](storage::WriteBatch* out) -> Status {
    for (const auto& lane : lanes) {
      lane->writer()->PutTotals(out);
    }
    return side != nullptr ? side->PutInOrder(out) : OkStatus();
  };
  hooks.on_written = [&] {
    if (side != nullptr) {
      side->OnWritten();
    }
  };
  hooks.on_failed = [&] {
    for (const auto& lane : lanes) {
      lane->writer()->ForgetTotals();
    }
    if (side != nullptr) {
      side->OnFailed();
    }
  };
  const Status status = catalog->sequencer()->ApplyBatch(batch.get(), entries, undo, hooks);
  catalog->impl()->batches.Give(std::move(batch));
  RETURN_IF_ERROR(status);
  for (const auto& lane : lanes) {
    for (const std::string& db : lane->writer()->view_dbs()) {
      RETURN_IF_ERROR(catalog->impl()->ReloadViews(db));
    }
  }
  return OkStatus();
}

}  // namespace septet::catalog
