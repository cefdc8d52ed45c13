// SPDX-License-Identifier: Apache-2.0
#include "catalog/collection_copy.h"

#include "base/strings.h"
#include "bson/builder.h"
#include "catalog/ddl.h"
#include "catalog/write_unit.h"

namespace septet::catalog {
namespace {

using bson::DocView;

constexpr int kDocumentsPerUnit = 500;
constexpr size_t kBytesPerUnit = 1 << 20;

Status CheckSource(const CollectionPtr& source, const Namespace& ns) {
  if (source == nullptr) {
    return NamespaceNotFound(StrCat("source collection ", ns.full(), " does not exist"));
  }
  if (source->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView,
                 StrCat("Namespace ", ns.full(), " is a view, not a collection"));
  }
  return OkStatus();
}

// The options of `source`, capped.
CreateOptions CappedOptions(const CollectionInfo& source, int64_t size) {
  CreateOptions out;
  out.capped = true;
  out.capped_size = (size + 255) & ~int64_t{255};
  bson::DocBuilder b;
  b.Append("capped", true).Append("size", out.capped_size);
  for (const bson::ElementView e : DocView(source.options)) {
    if (e.name() != "capped" && e.name() != "size" && e.name() != "max") {
      b.Append(e);
    }
  }
  out.options = b.Finish();
  return out;
}

// All documents, or the newest that fit into a capped collection.
Status CopyDocuments(Catalog* catalog, Op* op, const CollectionInfo& from, const CollectionPtr& to) {
  int64_t excess = to->capped ? DataBytes(from) - to->capped_size : 0;
  RecordCursor cursor(catalog->engine(), from, catalog->engine()->GetSnapshot(), true, true);
  cursor.SeekFirst();
  for (; cursor.valid() && excess > 0; cursor.Next()) {
    excess -= static_cast<int64_t>(cursor.bytes().size());
  }
  std::vector<std::string> group;
  while (cursor.valid()) {
    RETURN_IF_ERROR(op->interrupt.CheckNow());
    group.clear();
    for (size_t bytes = 0; cursor.valid() && group.size() < kDocumentsPerUnit && bytes < kBytesPerUnit;
         cursor.Next()) {
      group.emplace_back(cursor.bytes());
      bytes += group.back().size();
    }
    RETURN_IF_ERROR(RetryOnConflict(op, [&]() -> Status {
      WriteUnit unit(catalog, op, to);
      for (const std::string& document : group) {
        RETURN_IF_ERROR(unit.Insert(DocView(document)).status());
      }
      return unit.Commit();
    }));
  }
  return cursor.status();
}

}  // namespace

Status CloneAsCapped(Catalog* catalog, Op* op, const Namespace& from, const Namespace& to,
                     int64_t size) {
  const CollectionPtr source = catalog->Find(from.full());
  RETURN_IF_ERROR(CheckSource(source, from));
  ASSIGN_OR_RETURN(const CollectionPtr copy,
                   catalog->CreateCollection(op, to, CappedOptions(*source, size)));
  return CopyDocuments(catalog, op, *source, copy);
}

namespace {

CreateOptions SameOptions(const CollectionInfo& source) {
  CreateOptions out;
  out.options = source.options;
  out.capped = source.capped;
  out.capped_size = source.capped_size;
  out.capped_max = source.capped_max;
  const IndexEntry* id = source.IdIndex();
  out.with_id_index = id != nullptr;
  if (id != nullptr) {
    out.id_index_spec = id->spec.document;
  }
  return out;
}

Status CopyIndexes(Catalog* catalog, Op* op, const CollectionInfo& from, const Namespace& to) {
  std::vector<DocView> specs;
  for (const auto& index : from.indexes) {
    if (!index->spec.is_id) {
      specs.emplace_back(index->spec.document);
    }
  }
  return specs.empty() ? OkStatus() : catalog->CreateIndexes(op, to, specs).status();
}

Status CheckMove(Catalog* catalog, const CollectionPtr& source, const Namespace& from, const Namespace& to,
                 bool drop_target) {
  if (source == nullptr) {
    return NamespaceNotFound(StrCat("Source collection ", from.full(), " does not exist"));
  }
  if (source->is_view) {
    return Error(ErrorCode::kCommandNotSupportedOnView, StrCat("cannot rename view: ", from.full()));
  }
  const CollectionPtr target = catalog->Find(to.full());
  if (target != nullptr && target->is_view) {
    return Error(ErrorCode::kNamespaceExists,
                 StrCat("a view already exists with that name: ", to.full()));
  }
  return target != nullptr && !drop_target
             ? Error(ErrorCode::kNamespaceExists, "target namespace exists")
             : OkStatus();
}

}  // namespace

Status MoveToDatabase(Catalog* catalog, Op* op, const Namespace& from, const Namespace& to,
                      bool drop_target) {
  // One at a time: two in opposite directions would wait for each other's gates.
  static absl::Mutex one_move;
  absl::MutexLock alone(&one_move);
  RETURN_IF_ERROR(ValidateCollectionName(to));
  const CollectionPtr source = catalog->Find(from.full());
  RETURN_IF_ERROR(CheckMove(catalog, source, from, to, drop_target));
  const std::string unique = Uuid::Generate().ToString().substr(0, 8);
  const Namespace temporary(to.db(), StrCat("tmp", unique, ".renameCollection"));
  ASSIGN_OR_RETURN(const CollectionPtr copy,
                   catalog->CreateCollection(op, temporary, SameOptions(*source)));
  const auto move = [&]() -> Status {
    const ExclusiveGates gates(source);
    RETURN_IF_ERROR(CopyIndexes(catalog, op, *source, temporary));
    RETURN_IF_ERROR(CopyDocuments(catalog, op, *source, catalog->Find(temporary.full())));
    RETURN_IF_ERROR(catalog->RenameCollection(op, temporary, to, drop_target));
    return DropUnderGate(catalog->impl(), op, *source);
  };
  const Status moved = move();
  if (!moved.ok()) {
    (void)catalog->DropCollection(op, temporary, nullptr).ok();
    return moved;
  }
  return catalog->ReapDropped();
}

Status ConvertToCapped(Catalog* catalog, Op* op, const Namespace& ns, int64_t size) {
  const CollectionPtr source = catalog->Find(ns.full());
  RETURN_IF_ERROR(CheckSource(source, ns));
  const std::string unique = Uuid::Generate().ToString().substr(0, 8);
  const Namespace temporary(ns.db(), StrCat("tmp", unique, ".convertToCapped.", ns.collection()));
  ASSIGN_OR_RETURN(const CollectionPtr copy,
                   catalog->CreateCollection(op, temporary, CappedOptions(*source, size)));
  const auto replace = [&]() -> Status {
    const ExclusiveGates gates(source);
    RETURN_IF_ERROR(CopyDocuments(catalog, op, *source, copy));
    return RenameUnderGates(catalog->impl(), op, *copy, source.get(), ns, false);
  };
  const Status replaced = replace();
  if (!replaced.ok()) {
    (void)catalog->DropCollection(op, temporary, nullptr).ok();
    return replaced;
  }
  return catalog->ReapDropped();
}

}  // namespace septet::catalog
