// SPDX-License-Identifier: Apache-2.0
// renameCollection inside a database. Across databases the command copies.
#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/ddl.h"

namespace septet::catalog {

using bson::DocView;

Status RenameUnderGates(Catalog::Impl* catalog, Op* op, const CollectionInfo& source,
                        const CollectionInfo* target, const Namespace& to, bool stay_temp) {
  absl::MutexLock lock(&catalog->ddl_mu);
  const CatalogSnapshot now{catalog->Current()};
  const CollectionPtr before = now.Find(source.ns.full());
  const CollectionPtr over = now.Find(to.full());
  if (before == nullptr || before->ident != source.ident) {
    return NamespaceNotFound(StrCat("Source collection ", source.ns.full(), " does not exist"));
  }
  if ((over == nullptr) != (target == nullptr) ||
      (over != nullptr && over->ident != target->ident)) {
    return Error(ErrorCode::kNamespaceExists, "target namespace exists");
  }
  DdlUnit unit(catalog, op);
  if (over != nullptr) {
    unit.change()->Drop(over);
  }
  auto after = Catalog::Impl::NextVersion(*before);
  after->ns = to;
  unit.change()->Put(after, before);
  if (IsLogged(*catalog, to)) {
    bson::DocBuilder b;
    b.Append("renameCollection", source.ns.full());
    b.Append("to", to.full());
    b.Append("stayTemp", stay_temp);
    if (over != nullptr) {
      b.Append("dropTarget",
               bson::BinData{4, {reinterpret_cast<const char*>(over->uuid.bytes), 16}});
    }
    const std::string o = b.Finish();
    const std::string o2 =
        over != nullptr ? bson::MakeDoc("numRecords", RecordCount(*over)) : std::string();
    unit.SetCommand(source.ns.db(), &before->uuid, DocView(o), o2);
  }
  return unit.Commit();
}

Status Catalog::RenameCollection(Op* op, const Namespace& from, const Namespace& to,
                                 bool drop_target, bool stay_temp) {
  RETURN_IF_ERROR(RequireMayBlock(*op));
  RETURN_IF_ERROR(RequireWritable(*impl_, from));
  RETURN_IF_ERROR(RequireWritable(*impl_, to));
  RETURN_IF_ERROR(ValidateCollectionName(to));
  const CollectionPtr source = Find(from.full());
  const CollectionPtr target = Find(to.full());
  if (source == nullptr) {
    return NamespaceNotFound(StrCat("Source collection ", from.full(), " does not exist"));
  }
  if (source->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("cannot rename view: ", from.full()));
  }
  if (from.db() != to.db()) {
    return Error(ErrorCode::kCommandNotSupported,
                 "a collection cannot be moved to another database by its catalog");
  }
  if (from == to) {
    return Error(ErrorCode::kIllegalOperation,
                 StrCat("Can't rename a collection to itself: ", from.full()));
  }
  if (target != nullptr && target->is_view) {
    return Error(ErrorCode::kNamespaceExists,
                 StrCat("a view already exists with that name: ", to.full()));
  }
  if (target != nullptr && !drop_target) {
    return Error(ErrorCode::kNamespaceExists, "target namespace exists");
  }
  {
    const ExclusiveGates gates(source, target);
    RETURN_IF_ERROR(RenameUnderGates(impl_.get(), op, *source, target.get(), to, stay_temp));
  }
  return ReapDropped();
}

}  // namespace septet::catalog
