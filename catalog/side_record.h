// SPDX-License-Identifier: Apache-2.0
// Documents that are written inside the batch of another change: the session tables
// (config.transactions, config.image_collection). Ordinary collections with an _id index to readers;
// never logged by themselves, because every member derives them from the entries' session fields.
// Thread rule: Put and Remove on the thread that holds the commit order.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/collection.h"
#include "storage/engine.h"

namespace septet::catalog {

// Where a document stands, and what it is; rid 0: it does not exist.
struct SideRecord {
  RecordId rid = 0;
  std::string document;
};

// Reads by _id; also makes the collection's next RecordId known, which Put needs. Not in commit order.
StatusOr<SideRecord> FindSideRecord(storage::Engine* engine, const CollectionInfo& c,
                                    bson::ValueView id, const storage::Snapshot* snapshot = nullptr);
// Inserts or replaces: `*record` is the current state and becomes the new one. The _id stays the same.
// Puts the new totals of the collection into the batch.
void PutSideRecord(const CollectionInfo& c, bson::DocView document, SideRecord* record,
                   storage::WriteBatch* out);
void RemoveSideRecord(const CollectionInfo& c, SideRecord* record, storage::WriteBatch* out);
// The batch with this change was not written: takes back its effect on the totals in memory.
void ForgetSideChange(const CollectionInfo& c, const SideRecord& before, const SideRecord& after);

}  // namespace septet::catalog
