// SPDX-License-Identifier: Apache-2.0
#include "catalog/ddl.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/catalog_keys.h"
#include "catalog/metadata.h"
#include "replication/oplog/entry.h"
#include "replication/oplog/undo.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

void CatalogChange::Put(CollectionPtr after, CollectionPtr before) {
  if (before == nullptr) {
    created_.push_back(after->ident);
  } else {
    restore_.emplace_back(before->ident, EncodeMetadata(*before));
    if (!(before->ns == after->ns)) {
      removed_names_.push_back(before->ns.full());
    }
  }
  put_.push_back(std::move(after));
}

void CatalogChange::Drop(CollectionPtr c) {
  DroppedRange range;
  range.ident = c->ident;
  for (const auto& index : c->indexes) {
    range.indexes.push_back(index->ident);
  }
  dropped_.push_back(std::move(range));
  restore_.emplace_back(c->ident, EncodeMetadata(*c));
  removed_names_.push_back(c->ns.full());
  gone_.push_back(std::move(c));
}

void CatalogChange::DropIndexes(const CollectionInfo& before, const CollectionInfo& after) {
  for (const auto& index : before.indexes) {
    const bool kept = std::any_of(after.indexes.begin(), after.indexes.end(),
                                  [&](const auto& i) { return i->ident == index->ident; });
    if (!kept) {
      DroppedRange range;
      range.ident = index->ident;
      range.is_index = true;
      dropped_.push_back(std::move(range));
    }
  }
}

void CatalogChange::Write(bson::Timestamp ts, storage::WriteBatch* out) {
  if (store_next_ident_) {
    out->Put(Space::kCatalog, keys::kMeta, EncodeMeta(catalog_->next_ident.load()));
  }
  for (const CollectionPtr& c : gone_) {
    out->Delete(Space::kCatalog, keys::IdentKey(keys::kCollection, c->ident));
  }
  for (const CollectionPtr& c : put_) {
    out->Put(Space::kCatalog, keys::IdentKey(keys::kCollection, c->ident), EncodeMetadata(*c));
  }
  for (DroppedRange& range : dropped_) {
    range.ts = ts;
    out->Put(Space::kCatalog, keys::IdentKey(keys::kDropped, range.ident), EncodeDropped(range));
  }
  for (const auto& [ident, multikey] : built_) {
    out->Delete(Space::kCatalog, keys::IdentKey(keys::kBuilding, ident));
    if (multikey != 0) {
      out->Put(Space::kCatalog, keys::IdentKey(keys::kMultikey, ident),
               {reinterpret_cast<const char*>(&multikey), sizeof(multikey)});
    }
  }
}

void CatalogChange::TakeBuild(const CatalogChange& build, Ident index) {
  store_next_ident_ = build.store_next_ident_;
  for (const auto& one : build.built_) {
    if (one.first == index) {
      built_.push_back(one);
    }
  }
}

void CatalogChange::Publish() {
  for (const CollectionPtr& c : gone_) {
    c->state->dropped.store(true, std::memory_order_release);
  }
  catalog_->Publish(put_, removed_names_);
  absl::MutexLock lock(&catalog_->dropped_mu);
  catalog_->dropped.insert(catalog_->dropped.end(), dropped_.begin(), dropped_.end());
}

std::string CatalogChange::UndoDocument() const {
  bson::DocBuilder b;
  {
    auto array = b.Array("restore");
    for (const auto& [ident, meta] : restore_) {
      auto item = b.AddObject();
      b.Append("ident", static_cast<int64_t>(ident));
      b.Append("meta", DocView(meta));
    }
  }
  {
    auto array = b.Array("remove");
    for (const Ident ident : created_) {
      b.Add(static_cast<int64_t>(ident));
    }
  }
  return b.Finish();
}

DdlUnit::DdlUnit(Catalog::Impl* catalog, Op* op)
    : catalog_(catalog), op_(op), change_(catalog), owned_(catalog->engine->NewBatch()) {
  batch = owned_.get();
}

void DdlUnit::SetCommand(std::string_view db, const Uuid* uuid, DocView o, std::string_view o2) {
  repl::EntryFields fields;
  const std::string ns = StrCat(db, ".$cmd");
  fields.op = 'c';
  fields.ns = ns;
  fields.uuid = uuid != nullptr ? uuid->bytes : nullptr;
  fields.o = o;
  fields.o2 = o2;
  epoch = catalog_->sequencer->epoch();
  repl::BuildEntry(fields, &entries.emplace_back().bytes);
}

void DdlUnit::OnSequenced(const std::vector<repl::OpTime>& optimes, int64_t,
                          storage::WriteBatch* out) {
  change_.Write(optimes.empty() ? bson::Timestamp() : optimes.back().ts, out);
  if (!entries.empty()) {
    repl::UndoRecord undo;
    const std::string document = change_.UndoDocument();
    undo.ddl = document;
    repl::EncodeUndo(undo, &entries.back().undo);
  }
}

Status DdlUnit::Commit() {
  ASSIGN_OR_RETURN(const repl::OpTime optime, catalog_->sequencer->Commit(this));
  if (!optime.IsNull()) {
    op_->last_write = optime;
  }
  return OkStatus();
}

ExclusiveGates::ExclusiveGates(CollectionPtr a, CollectionPtr b) {
  for (CollectionPtr* c : {&a, &b}) {
    if (*c != nullptr && (*c)->state != nullptr) {
      held_.push_back(std::move(*c));
    }
  }
  std::sort(held_.begin(), held_.end(), [](const CollectionPtr& x, const CollectionPtr& y) {
    return x->ident < y->ident;
  });
  for (const CollectionPtr& c : held_) {
    c->state->gate.EnterExclusive();
  }
}

ExclusiveGates::~ExclusiveGates() {
  for (const CollectionPtr& c : held_) {
    c->state->gate.LeaveExclusive();
  }
}

Status RequireMayBlock(const Op& op) { return op.may_block ? OkStatus() : WouldBlock(); }

Status RequireWritable(const Catalog::Impl& catalog, const Namespace& ns) {
  if (ns.db() != "local" && catalog.sequencer->mode() == repl::Sequencer::Mode::kFollower) {
    return Error(ErrorCode::kNotWritablePrimary, "not primary");
  }
  return OkStatus();
}

// Unlike documents, the creation of session tables is logged; the profile is not.
bool IsLogged(const Catalog::Impl& catalog, const Namespace& ns) {
  return catalog.replicated() && !ns.is_local() && ns.collection() != "system.profile";
}

Status NamespaceNotFound(std::string_view text) {
  return Error(ErrorCode::kNamespaceNotFound, text);
}

}  // namespace septet::catalog
