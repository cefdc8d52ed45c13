// SPDX-License-Identifier: Apache-2.0
// What of a collection changes all the time and outlives catalog snapshots: counters, the next
// RecordId, the gate. Shared by all versions of its CollectionInfo.
// Invariant: count and bytes are changed only on the thread that holds the commit order, together with
// their stored values, so the stored ones are exact after a crash.
// Thread rule: atomics and locks inside.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "catalog/collection.h"
#include "catalog/id_hints.h"
#include "catalog/locks.h"
#include "replication/oplog/oplog_book.h"
#include "storage/engine.h"

namespace septet::catalog {

struct CollectionState {
  explicit CollectionState(std::shared_ptr<IdHints> id_hints) : hints(std::move(id_hints)) {}

  std::atomic<int64_t> count{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> next_rid{1};
  std::atomic<uint64_t> version{0};  // of the newest CollectionInfo
  std::atomic<bool> dropped{false};
  Gate gate;
  std::atomic<int64_t> capped_first{0};  // no record of a capped collection is older
  absl::Mutex capped_mu;             // inserts into a capped collection, one unit at a time
  const repl::OplogBook* oplog = nullptr;  // of local.oplog.rs only
  const std::shared_ptr<IdHints> hints;    // the catalog's, for all collections

  // Adds and puts the new totals into the batch. Commit order only.
  void AddCounts(Ident ident, int64_t records, int64_t record_bytes, storage::WriteBatch* out);
};

// Key and value of the stored totals.
std::string CountsKey(Ident ident);
std::string EncodeCounts(int64_t count, int64_t bytes);
bool DecodeCounts(std::string_view value, int64_t* count, int64_t* bytes);

}  // namespace septet::catalog
