// SPDX-License-Identifier: Apache-2.0
#include "server/ttl.h"

#include <limits>
#include <vector>

#include "base/log.h"
#include "bson/path.h"
#include "catalog/write_unit.h"
#include "storage/key.h"

namespace septet::server {
namespace {

using catalog::CollectionPtr;
using catalog::IndexEntry;
using catalog::RecordId;

// Removals that share one oplog group. Small, so that writers of the same documents do not wait long.
constexpr size_t kBatch = 50;

bool IsTtl(const IndexEntry& index) {
  return index.ready && index.spec.expire_after_secs >= 0 && index.spec.fields.size() == 1 &&
         !index.spec.is_id;
}

std::string DateKey(const IndexEntry& index, int64_t millis) {
  bson::DocBuilder value;
  value.AppendDate("", millis);
  const std::string bytes = value.Finish();
  storage::KeyBuilder key(index.ident, index.spec.descending_mask);
  key.Append(bson::DocView(bytes).FirstElement().value());
  return key.TakeKey();
}

// The next records whose index entry says they expired at `cutoff`, at most kBatch.
StatusOr<std::vector<RecordId>> FindExpired(catalog::Catalog* catalog, const IndexEntry& index,
                                            int64_t cutoff) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  const bool descending = (index.spec.descending_mask & 1) != 0;
  catalog::IndexCursor cursor(catalog->engine(), index, catalog->engine()->GetSnapshot(), true);
  std::vector<RecordId> expired;
  bson::DocBuilder entry;
  for (cursor.Seek(DateKey(index, descending ? cutoff : kFirst));
       cursor.valid() && expired.size() < kBatch; cursor.Next()) {
    entry.Reset();
    RETURN_IF_ERROR(cursor.DecodeTo(&entry, /*with_names=*/false));
    entry.Seal();
    const bson::ValueView v = entry.View().FirstElement().value();
    if (v.type() != bson::Type::kDate || v.AsDateMillis() > cutoff) {
      break;
    }
    expired.push_back(cursor.rid());
  }
  RETURN_IF_ERROR(cursor.status());
  return expired;
}

// Whether the document, as it is now, has a date at or before `cutoff`.
bool IsExpired(bson::DocView doc, const bson::FieldPath& path, int64_t cutoff) {
  const auto old = [cutoff](bson::ValueView v) {
    return v.type() == bson::Type::kDate && v.AsDateMillis() <= cutoff;
  };
  return bson::VisitPath(doc, path, 0, [&](bson::ValueView v) {
    if (old(v)) {
      return true;
    }
    if (v.is_array()) {
      for (const bson::ElementView& e : v.AsArray()) {
        if (old(e.value())) {
          return true;
        }
      }
    }
    return false;
  });
}

StatusOr<int64_t> RemoveBatch(catalog::Catalog* catalog, const CollectionPtr& collection,
                              const IndexEntry& index, const std::vector<RecordId>& rids,
                              int64_t cutoff) {
  const bson::FieldPath path(bson::DocView(index.spec.key_pattern).FirstElement().name());
  int64_t removed = 0;
  catalog::Op op;
  const Status status = catalog::RetryOnConflict(&op, [&]() -> Status {
    removed = 0;
    catalog::WriteUnit unit(catalog, &op, collection);
    storage::PinnedValue value;
    for (const RecordId rid : rids) {
      RETURN_IF_ERROR(unit.Lock(rid));
      ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(catalog->engine(), *collection, rid,
                                                            nullptr, &value));
      if (found && IsExpired(bson::DocView(value.view()), path, cutoff)) {
        RETURN_IF_ERROR(unit.Remove(rid, bson::DocView(value.view())));
        ++removed;
      }
    }
    return unit.Commit();
  });
  RETURN_IF_ERROR(status);
  return removed;
}

StatusOr<int64_t> CleanIndex(const TtlPass& pass, const CollectionPtr& collection,
                             const IndexEntry& index) {
  const int64_t cutoff = pass.now_millis - index.spec.expire_after_secs * 1000;
  int64_t removed = 0;
  while (!pass.stop || !pass.stop()) {
    ASSIGN_OR_RETURN(const std::vector<RecordId> rids, FindExpired(pass.catalog, index, cutoff));
    if (rids.empty()) {
      break;
    }
    ASSIGN_OR_RETURN(const int64_t n,
                     RemoveBatch(pass.catalog, collection, index, rids, cutoff));
    removed += n;
    if (n == 0) {
      break;  // everything changed under us: the next pass looks again
    }
  }
  return removed;
}

}  // namespace

StatusOr<int64_t> RemoveExpired(const TtlPass& pass) {
  int64_t removed = 0;
  const catalog::CatalogSnapshot snapshot = pass.catalog->Snapshot();
  for (const std::string& db : snapshot.Databases()) {
    if (db == "local") {
      continue;
    }
    for (const CollectionPtr& collection : snapshot.Collections(db)) {
      for (const auto& index : collection->indexes) {
        if (collection->capped || !IsTtl(*index)) {
          continue;
        }
        const StatusOr<int64_t> n = CleanIndex(pass, collection, *index);
        if (n.ok()) {
          removed += *n;
        } else if (IsNotPrimary(CodeOf(n.status()))) {
          return n.status();
        } else if (catalog::Exists(*collection)) {
          P_LOG(kError, kIndex, 5400703, "Error running TTL job on collection",
                {"namespace", collection->ns.full()}, {"index", index->spec.name},
                {"error", TextOf(n.status())});
        }
      }
    }
  }
  return removed;
}

}  // namespace septet::server
