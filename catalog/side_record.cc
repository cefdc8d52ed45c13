// SPDX-License-Identifier: Apache-2.0
#include "catalog/side_record.h"

#include "base/check.h"
#include "catalog/catalog.h"
#include "catalog/collection_state.h"
#include "catalog/write_unit_impl.h"

namespace septet::catalog {

using bson::DocView;
using storage::Space;

namespace {

std::string IdKey(const CollectionInfo& c, DocView document, std::string* type_bits) {
  storage::KeyBuilder key(c.IdIndex()->ident);
  key.Append(document.Find("_id"));
  *type_bits = std::string(key.type_bits());
  return key.TakeKey();
}

}  // namespace

StatusOr<SideRecord> FindSideRecord(storage::Engine* engine, const CollectionInfo& c,
                                    bson::ValueView id, const storage::Snapshot* snapshot) {
  SideRecord out;
  if (c.state->next_rid.load(std::memory_order_acquire) == 0) {
    RETURN_IF_ERROR(FindNextRecordId(engine, c));
  }
  ASSIGN_OR_RETURN(const RecordId rid, FindById(engine, c, id, snapshot));
  if (rid == 0) {
    return out;
  }
  storage::PinnedValue value;
  ASSIGN_OR_RETURN(const bool found, GetRecord(engine, c, rid, snapshot, &value));
  if (!found) {
    return Error(ErrorCode::kDataCorruptionDetected,
                 "an entry of the _id index of " + c.ns.full() + " points at no document");
  }
  out.rid = rid;
  out.document = std::string(value.view());
  return out;
}

void PutSideRecord(const CollectionInfo& c, DocView document, SideRecord* record,
                   storage::WriteBatch* out) {
  int64_t added = 0;
  if (record->rid == 0) {
    P_CHECK(c.state->next_rid.load() != 0);
    record->rid = c.state->next_rid.fetch_add(1);
    added = 1;
    std::string value;
    std::string type_bits;
    const std::string key = IdKey(c, document, &type_bits);
    storage::AppendRecordId(&value, record->rid);
    out->Put(Space::kIndexes, key, value + type_bits);
  }
  out->Put(Space::kRecords, storage::RecordKey(c.ident, record->rid), document.raw());
  c.state->AddCounts(c.ident, added,
                     document.size_bytes() - static_cast<int64_t>(record->document.size()), out);
  record->document = document.ToBytes();
}

void RemoveSideRecord(const CollectionInfo& c, SideRecord* record, storage::WriteBatch* out) {
  if (record->rid == 0) {
    return;
  }
  std::string type_bits;
  out->Delete(Space::kIndexes, IdKey(c, DocView(record->document), &type_bits));
  out->Delete(Space::kRecords, storage::RecordKey(c.ident, record->rid));
  c.state->AddCounts(c.ident, -1, -static_cast<int64_t>(record->document.size()), out);
  *record = SideRecord();
}

void ForgetSideChange(const CollectionInfo& c, const SideRecord& before, const SideRecord& after) {
  const auto exists = [](const SideRecord& r) { return r.rid != 0 ? 1 : 0; };
  c.state->AddCounts(c.ident, exists(before) - exists(after),
                     static_cast<int64_t>(before.document.size()) -
                         static_cast<int64_t>(after.document.size()),
                     nullptr);
}

}  // namespace septet::catalog
