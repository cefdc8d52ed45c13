// SPDX-License-Identifier: Apache-2.0
#include "catalog/clone_capped.h"

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

Status CopyNewest(Catalog* catalog, Op* op, const CollectionInfo& from, const CollectionPtr& to) {
  int64_t excess = DataBytes(from) - to->capped_size;
  RecordCursor cursor(catalog->engine(), from, catalog->engine()->GetSnapshot(), true, true);
  cursor.SeekFirst();
  for (; cursor.valid() && excess > 0; cursor.Next()) {
    excess -= static_cast<int64_t>(cursor.bytes().size());
  }
  std::vector<std::string> group;
  while (cursor.valid()) {
    RETURN_IF_ERROR(op->interrupt.Check());
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
  return CopyNewest(catalog, op, *source, copy);
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
    RETURN_IF_ERROR(CopyNewest(catalog, op, *source, copy));
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
