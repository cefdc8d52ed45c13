// SPDX-License-Identifier: Apache-2.0
// create: collections, views and the oplog.
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "catalog/catalog_keys.h"
#include "catalog/ddl.h"
#include "catalog/metadata.h"
#include "catalog/view_cycle.h"
#include "catalog/write_unit.h"

namespace septet::catalog {

using bson::DocView;

namespace {

std::shared_ptr<const IndexEntry> NewIndex(index::Spec spec, Ident ident) {
  auto entry = std::make_shared<IndexEntry>();
  entry->spec = std::move(spec);
  entry->ident = ident;
  entry->multikey = std::make_shared<std::atomic<uint64_t>>(0);
  entry->accesses = std::make_shared<std::atomic<int64_t>>(0);
  return entry;
}

Status CheckName(const CatalogSnapshot& snapshot, const Namespace& ns) {
  RETURN_IF_ERROR(ValidateCollectionName(ns));
  if (const CollectionPtr there = snapshot.Find(ns.full()); there != nullptr) {
    return Error(ErrorCode::kNamespaceExists,
                 there->is_view
                     ? StrCat("a view already exists with that name: ", ns.full())
                     : StrCat("Collection ", ns.full(), " already exists."));
  }
  const std::string lower = ToLower(ns.db());
  for (const std::string& db : snapshot.Databases()) {
    if (db != ns.db() && ToLower(db) == lower) {
      return Error(ErrorCode::kDatabaseDifferCase,
                   StrCat("db already exists with different case already have: [", db,
                          "] trying to create [", ns.db(), "]"));
    }
  }
  return OkStatus();
}

bool IsZero(const Uuid& uuid) { return uuid == Uuid{}; }

}  // namespace

StatusOr<CollectionPtr> MakeCollection(Catalog::Impl* catalog, const Namespace& ns,
                                       const CreateOptions& options, CatalogChange* change) {
  auto c = std::make_shared<CollectionInfo>();
  c->ns = ns;
  c->uuid = IsZero(options.uuid) ? Uuid::Generate() : options.uuid;
  c->options = options.options.empty() ? DocView().ToBytes() : options.options;
  c->capped = options.capped;
  c->capped_size = options.capped_size;
  c->capped_max = options.capped_max;
  c->state = std::make_shared<CollectionState>(catalog->id_hints);
  RETURN_IF_ERROR(SetDefaultCollation(c.get(), catalog->extensions));
  if (ns.is_oplog()) {
    c->ident = kOplogIdent;
    c->state->oplog = &catalog->sequencer->oplog();
    return CollectionPtr(std::move(c));
  }
  c->ident = catalog->next_ident++;
  // The profile is only ever read in the order it was written.
  if (options.with_id_index && ns.collection() != "system.profile") {
    const index::Extensions::Collation collation{c->collation, c->collator};
    index::Spec spec = index::IdIndexSpec(&collation);
    if (!options.id_index_spec.empty()) {
      ASSIGN_OR_RETURN(spec, index::ParseSpec(DocView(options.id_index_spec), true,
                                              catalog->extensions));
      if (!spec.is_id) {
        return Error(ErrorCode::kBadValue,
                     StrCat("The field 'key' for an _id index must be {_id: 1}, but got ",
                            bson::ToShellText(DocView(spec.key_pattern))));
      }
      if (spec.collation.empty() != c->collation.empty() ||
          (!spec.collation.empty() &&
           bson::Compare(DocView(spec.collation), DocView(c->collation)) != 0)) {
        return Error(ErrorCode::kBadValue,
                     "'idIndex' must have the same collation as the collection.");
      }
    }
    c->indexes.push_back(NewIndex(std::move(spec), catalog->next_ident++));
  }
  change->NoteNextIdent();
  return CollectionPtr(std::move(c));
}

std::string CreateCommand(const CollectionInfo& c) {
  bson::DocBuilder b;
  b.Append("create", c.ns.collection());
  for (const bson::ElementView e : DocView(c.options)) {
    if (e.name() != "idIndex") {
      b.Append(e);
    }
  }
  if (const IndexEntry* id = c.IdIndex(); id != nullptr) {
    b.Append("idIndex", DocView(id->spec.document));
  }
  return b.Finish();
}

StatusOr<CollectionPtr> Catalog::CreateCollection(Op* op, const Namespace& ns,
                                                  const CreateOptions& options) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  absl::MutexLock lock(&impl_->ddl_mu);
  RETURN_IF_ERROR(CheckName(Snapshot(), ns));
  DdlUnit unit(impl_.get(), op);
  ASSIGN_OR_RETURN(CollectionPtr c, MakeCollection(impl_.get(), ns, options, unit.change()));
  unit.change()->Put(c, nullptr);
  if (IsLogged(*impl_, ns)) {
    unit.SetCommand(ns.db(), &c->uuid, DocView(CreateCommand(*c)), {});
  }
  RETURN_IF_ERROR(unit.Commit());
  return c;
}

StatusOr<CollectionPtr> Catalog::CreateOplog(Op* op, int64_t size_bytes) {
  const Namespace ns("local", "oplog.rs");
  if (CollectionPtr there = Find(ns.full()); there != nullptr) {
    return there;
  }
  CreateOptions options;
  options.capped = true;
  options.capped_size = size_bytes;
  options.with_id_index = false;
  options.options = bson::MakeDoc("capped", true, "size", size_bytes, "autoIndexId", false);
  return CreateCollection(op, ns, options);
}

Status Catalog::ResizeOplog(Op* op, int64_t size_bytes) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  absl::MutexLock lock(&impl_->ddl_mu);
  const CollectionPtr before = Find("local.oplog.rs");
  if (before == nullptr) {
    return NamespaceNotFound("oplog does not exist");
  }
  auto after = Impl::NextVersion(*before);
  after->capped_size = size_bytes;
  after->options = bson::MakeDoc("capped", true, "size", size_bytes, "autoIndexId", false);
  DdlUnit unit(impl_.get(), op);
  unit.change()->Put(std::move(after), before);
  return unit.Commit();
}

StatusOr<CollectionPtr> Catalog::CreateView(Op* op, const Namespace& ns, std::string_view view_on,
                                            DocView pipeline, DocView options) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  RETURN_IF_ERROR(CheckName(Snapshot(), ns));
  RETURN_IF_ERROR(
      CheckViewCycle([this](std::string_view full) { return Find(full); }, ns, view_on));
  const Namespace definitions(ns.db(), "system.views");
  CollectionPtr views = Find(definitions.full());
  if (views == nullptr) {
    StatusOr<CollectionPtr> made = CreateCollection(op, definitions, {});
    if (!made.ok() && CodeOf(made.status()) != ErrorCode::kNamespaceExists) {
      return made.status();
    }
    views = Find(definitions.full());
  }
  bson::DocBuilder b;
  b.Append("_id", ns.full());
  b.Append("viewOn", view_on);
  b.AppendArray("pipeline", pipeline);
  if (const bson::ValueView collation = options.Find("collation"); !collation.missing()) {
    b.Append("collation", collation);
  }
  const std::string document = b.Finish();
  RETURN_IF_ERROR(DecodeView(DocView(document), impl_->extensions).status());
  WriteUnit unit(this, op, views);
  RETURN_IF_ERROR(unit.Insert(DocView(document)).status());
  RETURN_IF_ERROR(unit.Commit());
  CollectionPtr view = Find(ns.full());
  if (view == nullptr) {
    return Error(ErrorCode::kInternalError, "the new view is not in the catalog");
  }
  return view;
}

Status Catalog::Impl::LoadViews(const CollectionInfo& system_views,
                                std::vector<CollectionPtr>* out) {
  RecordCursor cursor(engine, system_views, nullptr, true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    StatusOr<std::shared_ptr<CollectionInfo>> view = DecodeView(cursor.doc(), extensions);
    // A definition that cannot be read hides one view, not the database.
    if (view.ok() && (*view)->ns.db() == system_views.ns.db()) {
      out->push_back(*std::move(view));
    }
  }
  return cursor.status();
}

Status Catalog::Impl::ReloadViews(std::string_view db) {
  absl::MutexLock lock(&ddl_mu);
  std::vector<CollectionPtr> views;
  std::vector<std::string> removed;
  const auto now = Current();
  for (const CollectionPtr& c : now->sorted) {
    if (c->ns.db() != db) {
      continue;
    }
    if (c->is_view) {
      removed.push_back(c->ns.full());
    } else if (c->ns.collection() == "system.views") {
      RETURN_IF_ERROR(LoadViews(*c, &views));
    }
  }
  // A collection of the same name wins: it was there first.
  std::erase_if(views, [&](const CollectionPtr& v) {
    const auto it = now->by_name.find(v->ns.full());
    return it != now->by_name.end() && !now->sorted[it->second]->is_view;
  });
  Publish(views, removed);
  return OkStatus();
}

}  // namespace septet::catalog
