// SPDX-License-Identifier: Apache-2.0
// drop, dropDatabase, dropIndexes, and destroying what was dropped.
#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "catalog/catalog_keys.h"
#include "catalog/ddl.h"
#include "catalog/write_unit.h"

namespace septet::catalog {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;
using storage::Space;

namespace {

Status DropView(Catalog* catalog, Op* op, const CollectionInfo& view) {
  const CollectionPtr definitions =
      catalog->Find(StrCat(view.ns.db(), ".system.views"));
  if (definitions == nullptr) {
    return NamespaceNotFound("ns not found");
  }
  const std::string id = bson::MakeDoc("_id", view.ns.full());
  return RetryOnConflict(op, [&]() -> Status {
    WriteUnit unit(catalog, op, catalog->Find(definitions->ns.full()));
    ASSIGN_OR_RETURN(const RecordId rid, FindById(catalog->engine(), *definitions,
                                                  DocView(id).Find("_id"), nullptr));
    if (rid == 0) {
      return NamespaceNotFound("ns not found");
    }
    RETURN_IF_ERROR(unit.Lock(rid));
    storage::PinnedValue value;
    ASSIGN_OR_RETURN(const bool found,
                     GetRecord(catalog->engine(), *definitions, rid, nullptr, &value));
    if (!found) {
      return NamespaceNotFound("ns not found");
    }
    RETURN_IF_ERROR(unit.Remove(rid, DocView(value.view())));
    return unit.Commit();
  });
}

}  // namespace

Status DropUnderGate(Catalog::Impl* catalog, Op* op, const CollectionInfo& found) {
  absl::MutexLock lock(&catalog->ddl_mu);
  const Namespace& ns = found.ns;
  const CollectionPtr c = CatalogSnapshot{catalog->Current()}.Find(ns.full());
  if (c == nullptr || c->ident != found.ident) {
    return NamespaceNotFound("ns not found");
  }
  DdlUnit unit(catalog, op);
  unit.change()->Drop(c);
  if (IsLogged(*catalog, ns)) {
    unit.SetCommand(ns.db(), &c->uuid, DocView(bson::MakeDoc("drop", ns.collection())),
                    bson::MakeDoc("numRecords", RecordCount(*c)));
  }
  return unit.Commit();
}

Status Catalog::DropCollection(Op* op, const Namespace& ns, int* indexes_was) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  const CollectionPtr found = Find(ns.full());
  if (found == nullptr) {
    return NamespaceNotFound("ns not found");
  }
  if (found->is_oplog() && impl_->replicated()) {
    return Error(ErrorCode::kIllegalOperation, "can't drop live oplog while replicating");
  }
  if (indexes_was != nullptr) {
    *indexes_was = static_cast<int>(found->indexes.size());
  }
  if (found->is_view) {
    return DropView(this, op, *found);
  }
  {
    const ExclusiveGates gates(found);
    RETURN_IF_ERROR(DropUnderGate(impl_.get(), op, *found));
  }
  if (ns.collection() == "system.views") {
    RETURN_IF_ERROR(impl_->ReloadViews(ns.db()));
  }
  return ReapDropped();
}

Status Catalog::DropDatabase(Op* op, std::string_view db) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  const Namespace any(db, "$cmd");
  RETURN_IF_ERROR(RequireWritable(*impl_, any));
  // Definitions of views go with system.views.
  bool dropped = false;
  for (const CollectionPtr& c : Snapshot().Collections(db)) {
    if (c->is_view) {
      continue;
    }
    Status status = DropCollection(op, c->ns, nullptr);
    if (!status.ok() && CodeOf(status) != ErrorCode::kNamespaceNotFound) {
      return status;
    }
    dropped = true;
  }
  if (!dropped || !IsLogged(*impl_, any)) {
    return OkStatus();
  }
  DdlUnit unit(impl_.get(), op);
  unit.SetCommand(db, nullptr, DocView(bson::MakeDoc("dropDatabase", 1)), {});
  return unit.Commit();
}

namespace {

// Picks the indexes to go; `out` gets their positions.
class IndexPicker {
 public:
  IndexPicker(const CollectionInfo& c, std::vector<size_t>* out) : c_(c), out_(out) {}

  Status Pick(ValueView index) {
    if (index.is_string() && index.AsString() == "*") {
      for (size_t i = 0; i < c_.indexes.size(); ++i) {
        if (!c_.indexes[i]->spec.is_id) {
          out_->push_back(i);
        }
      }
      return OkStatus();
    }
    if (index.is_string()) {
      return ByName(index.AsString());
    }
    if (index.is_object()) {
      return ByKey(index.AsDoc());
    }
    if (index.is_array()) {
      for (const ElementView e : index.AsArray()) {
        if (!e.value().is_string()) {
          return Error(ErrorCode::kTypeMismatch,
                       StrCat("dropIndexes ", c_.ns.full(), " (", c_.uuid.ToString(),
                              ") failed to drop multiple indexes ", bson::ToShellText(index),
                              ": index name must be a string"));
        }
        RETURN_IF_ERROR(ByName(e.value().AsString()));
      }
    }
    return OkStatus();  // a server ignores other types
  }

 private:
  Status Add(size_t i) {
    if (c_.indexes[i]->spec.is_id) {
      return Error(ErrorCode::kInvalidOptions, "cannot drop _id index");
    }
    if (std::find(out_->begin(), out_->end(), i) == out_->end()) {
      out_->push_back(i);
    }
    return OkStatus();
  }

  Status ByName(std::string_view name) {
    for (size_t i = 0; i < c_.indexes.size(); ++i) {
      if (c_.indexes[i]->spec.name == name) {
        return Add(i);
      }
    }
    return Error(ErrorCode::kIndexNotFound, StrCat("index not found with name [", name, "]"));
  }

  Status ByKey(DocView key) {
    std::vector<size_t> matches;
    for (size_t i = 0; i < c_.indexes.size(); ++i) {
      if (bson::Compare(DocView(c_.indexes[i]->spec.key_pattern), key) == 0) {
        matches.push_back(i);
      }
    }
    if (matches.empty()) {
      return Error(ErrorCode::kIndexNotFound,
                   StrCat("can't find index with key: ", bson::ToShellText(key)));
    }
    if (matches.size() > 1) {
      std::string text = StrCat(matches.size(), " indexes found for key: ", bson::ToShellText(key),
                                ", identify by name instead. Conflicting indexes: ");
      for (size_t i = 0; i < matches.size(); ++i) {
        StrAppend(&text, i > 0 ? ", " : "",
                  bson::ToShellText(DocView(c_.indexes[matches[i]]->spec.document)));
      }
      return Error(ErrorCode::kAmbiguousIndexKeyPattern, text);
    }
    return Add(matches[0]);
  }

  const CollectionInfo& c_;
  std::vector<size_t>* const out_;
};

// The index's document without v, key and name: what is needed to create it again.
std::string RestOfSpec(const index::Spec& spec) {
  bson::DocBuilder b;
  for (const ElementView e : DocView(spec.document)) {
    if (e.name() != "name") {
      b.Append(e);
    }
  }
  return b.Finish();
}

}  // namespace

Status Catalog::DropIndexes(Op* op, const Namespace& ns, ValueView index, int* indexes_was) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  const CollectionPtr found = Find(ns.full());
  if (found == nullptr) {
    return NamespaceNotFound(StrCat("ns not found ", ns.full()));
  }
  if (found->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", ns.full(), " is a view, not a collection"));
  }
  {
    const ExclusiveGates gates(found);
    absl::MutexLock lock(&impl_->ddl_mu);
    CollectionPtr c = Find(ns.full());
    if (c == nullptr || c->ident != found->ident) {
      return NamespaceNotFound(StrCat("ns not found ", ns.full()));
    }
    if (indexes_was != nullptr) {
      *indexes_was = static_cast<int>(c->indexes.size());
    }
    std::vector<size_t> picked;
    RETURN_IF_ERROR(IndexPicker(*c, &picked).Pick(index));
    // One entry per index, each a change of its own.
    std::vector<std::shared_ptr<const IndexEntry>> victims;
    for (const size_t i : picked) {
      victims.push_back(c->indexes[i]);
    }
    for (const auto& victim : victims) {
      auto after = Impl::NextVersion(*c);
      std::erase_if(after->indexes, [&](const auto& i) { return i == victim; });
      DdlUnit unit(impl_.get(), op);
      unit.change()->Put(after, c);
      unit.change()->DropIndexes(*c, *after);
      if (IsLogged(*impl_, ns)) {
        unit.SetCommand(ns.db(), &c->uuid,
                        DocView(bson::MakeDoc("dropIndexes", ns.collection(), "index",
                                              victim->spec.name)),
                        RestOfSpec(victim->spec));
      }
      RETURN_IF_ERROR(unit.Commit());
      c = std::move(after);
    }
  }
  return ReapDropped();
}

Status Catalog::ReapDropped() {
  std::vector<DroppedRange> due;
  {
    const bson::Timestamp committed = impl_->positions->commit_point().optime.ts;
    absl::MutexLock lock(&impl_->dropped_mu);
    const auto is_due = [&](const DroppedRange& r) {
      return r.ts.IsNull() || !impl_->replicated() || r.ts <= committed;
    };
    std::copy_if(impl_->dropped.begin(), impl_->dropped.end(), std::back_inserter(due), is_due);
    std::erase_if(impl_->dropped, is_due);
  }
  for (size_t i = 0; i < due.size(); ++i) {
    if (Status status = Destroy(due[i]); !status.ok()) {
      absl::MutexLock lock(&impl_->dropped_mu);
      impl_->dropped.insert(impl_->dropped.end(), due.begin() + static_cast<ptrdiff_t>(i),
                            due.end());
      return status;
    }
  }
  return OkStatus();
}

Status Catalog::Destroy(const DroppedRange& range) {
  std::vector<Ident> indexes = range.indexes;
  auto batch = impl_->engine->NewBatch();
  if (range.is_index) {
    indexes.push_back(range.ident);
  } else {
    RETURN_IF_ERROR(impl_->engine->DropRange(Space::kRecords, storage::IdentPrefix(range.ident),
                                             storage::IdentPrefixEnd(range.ident)));
    batch->Delete(Space::kCatalog, CountsKey(range.ident));
  }
  for (const Ident index : indexes) {
    RETURN_IF_ERROR(impl_->engine->DropRange(Space::kIndexes, storage::IdentPrefix(index),
                                             storage::IdentPrefixEnd(index)));
    batch->Delete(Space::kCatalog, keys::IdentKey(keys::kMultikey, index));
  }
  batch->Delete(Space::kCatalog, keys::IdentKey(keys::kDropped, range.ident));
  return impl_->sequencer->WriteRaw(batch.get(), nullptr);
}

}  // namespace septet::catalog
