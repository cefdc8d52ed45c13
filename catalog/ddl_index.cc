// SPDX-License-Identifier: Apache-2.0
// createIndexes: what is asked against what is there (surface S06-022, S06-023).
#include <algorithm>

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "catalog/ddl.h"

namespace septet::catalog {

using bson::DocView;

namespace {

std::string Documents(const index::Spec& asked, const index::Spec& there) {
  return StrCat("Requested index: ", bson::ToShellText(DocView(asked.document)),
                ", existing index: ", bson::ToShellText(DocView(there.document)));
}

// ok + true: the same index is there already; ok + false: no clash.
StatusOr<bool> CompareWith(const index::Spec& asked, const index::Spec& there) {
  const bool same_name = asked.name == there.name;
  if (index::SameIdentity(asked, there)) {
    if (asked.is_id) {
      return true;
    }
    if (index::SameOptions(asked, there)) {
      if (same_name) {
        return true;
      }
      return Error(ErrorCode::kIndexOptionsConflict,
                   StrCat("Index already exists with a different name: ", there.name));
    }
    return Error(ErrorCode::kIndexOptionsConflict,
                 StrCat("An equivalent index already exists with ",
                        same_name ? "the same name but different options. "
                                  : "a different name and options. ",
                        Documents(asked, there)));
  }
  if (same_name) {
    return Error(ErrorCode::kIndexKeySpecsConflict,
                 StrCat("An existing index has the same name as the requested index. ",
                        Documents(asked, there)));
  }
  return false;
}

// The specs that are not there yet.
StatusOr<std::vector<index::Spec>> Missing(const CollectionInfo& c, std::vector<index::Spec> asked) {
  std::vector<index::Spec> out;
  for (index::Spec& spec : asked) {
    bool there = false;
    for (const auto& index : c.indexes) {
      ASSIGN_OR_RETURN(const bool same, CompareWith(spec, index->spec));
      there = there || same;
    }
    for (const index::Spec& other : out) {
      ASSIGN_OR_RETURN(const bool same, CompareWith(spec, other));
      there = there || same;
    }
    if (!there) {
      out.push_back(std::move(spec));
    }
  }
  if (c.indexes.size() + out.size() > limits::kMaxIndexesPerCollection) {
    return Error(ErrorCode::kCannotCreateIndex,
                 StrCat("add index fails, too many indexes for ", c.ns.full(),
                        " key:", bson::ToShellText(DocView(out.back().key_pattern))));
  }
  return out;
}

// Indexes without a collation of their own take the collection's.
StatusOr<index::Spec> ParseFor(const CollectionInfo* c, DocView spec, bool ignore_unknown,
                               const index::Extensions* extensions) {
  if (c == nullptr || c->collation.empty() || spec.Has("collation")) {
    return index::ParseSpec(spec, ignore_unknown, extensions);
  }
  bson::DocBuilder b;
  b.AppendAll(spec);
  b.Append("collation", DocView(c->collation));
  const std::string with_collation = b.Finish();
  return index::ParseSpec(DocView(with_collation), ignore_unknown, extensions);
}

std::string CreateIndexesCommand(const CollectionInfo& c, const index::Spec& spec) {
  bson::DocBuilder b;
  b.Append("createIndexes", c.ns.collection());
  b.AppendAll(DocView(spec.document));
  return b.Finish();
}

}  // namespace

StatusOr<Catalog::CreateIndexesResult> Catalog::CreateIndexes(Op* op, const Namespace& ns,
                                                              const std::vector<DocView>& specs,
                                                              bool ignore_unknown) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, ns));
  CollectionPtr found = Find(ns.full());
  if (found != nullptr && found->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", ns.full(), " is a view, not a collection"));
  }
  std::vector<index::Spec> parsed;
  for (const DocView spec : specs) {
    ASSIGN_OR_RETURN(index::Spec one,
                     ParseFor(found.get(), spec, ignore_unknown, impl_->extensions));
    parsed.push_back(std::move(one));
  }
  CreateIndexesResult result;
  if (found == nullptr) {
    StatusOr<CollectionPtr> made = CreateCollection(op, ns, {});
    if (!made.ok() && CodeOf(made.status()) != ErrorCode::kNamespaceExists) {
      return made.status();
    }
    result.created_collection = made.ok();
    found = Find(ns.full());
  }
  if (found == nullptr || found->is_oplog()) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("cannot create indexes on ", ns.full()));
  }
  const ExclusiveGates gates(found);
  CollectionPtr c = Find(ns.full());
  if (c == nullptr || c->ident != found->ident) {
    return NamespaceNotFound(StrCat("ns does not exist: ", ns.full()));
  }
  result.before = static_cast<int>(c->indexes.size());
  ASSIGN_OR_RETURN(std::vector<index::Spec> missing, Missing(*c, std::move(parsed)));
  result.after = result.before + static_cast<int>(missing.size());
  if (missing.empty()) {
    return result;
  }
  CatalogChange build(impl_.get());
  ASSIGN_OR_RETURN(auto built,
                   BuildIndexes(impl_.get(), &op->interrupt, *c, std::move(missing), &build));
  // One entry per index. Nobody else changes this collection while its gate is held.
  absl::MutexLock lock(&impl_->ddl_mu);
  for (const auto& index : built) {
    auto after = Impl::NextVersion(*c);
    after->indexes.push_back(index);
    DdlUnit unit(impl_.get(), op);
    unit.change()->TakeBuild(build, index->ident);
    unit.change()->Put(after, c);
    if (IsLogged(*impl_, ns)) {
      unit.SetCommand(ns.db(), &c->uuid, DocView(CreateIndexesCommand(*c, index->spec)), {});
    }
    RETURN_IF_ERROR(unit.Commit());
    c = std::move(after);
  }
  return result;
}

}  // namespace septet::catalog
