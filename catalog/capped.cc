// SPDX-License-Identifier: Apache-2.0
// Capped collections: the oldest documents go in the unit that inserts, so size and number never
// exceed the limits at any point of history. Inserts run one unit at a time, which keeps RecordId
// order, commit order and insertion order the same. The removals are logged as ordinary deletes that
// change streams do not show.
#include <algorithm>

#include "catalog/write_unit_impl.h"

namespace septet::catalog {

Status WriteUnit::Impl::MakeRoom(int64_t doc_bytes) {
  if (!capped_locked) {
    if (op->may_block) {
      state->capped_mu.Lock();
    } else if (!state->capped_mu.TryLock()) {
      return WouldBlock();
    }
    capped_locked = true;
  }
  if (coll->capped_size > 0 && doc_bytes > coll->capped_size) {
    return Error(ErrorCode::kBadValue, "object to insert exceeds cappedMaxSize");
  }
  const auto fits = [&] {
    const int64_t count = state->count.load(std::memory_order_relaxed) + count_delta + 1;
    const int64_t bytes = state->bytes.load(std::memory_order_relaxed) + bytes_delta + doc_bytes;
    return (coll->capped_size <= 0 || bytes <= coll->capped_size) &&
           (coll->capped_max <= 0 || count <= coll->capped_max);
  };
  if (fits()) {
    return OkStatus();
  }
  RecordCursor cursor(catalog.engine, *coll, nullptr, true);
  const RecordId start = std::max(capped_next, state->capped_first.load());
  start > 0 ? cursor.Seek(start) : cursor.SeekFirst();
  for (; cursor.valid() && !fits(); cursor.Next()) {
    const RecordId rid = cursor.rid();
    bool already_mine = false;
    RETURN_IF_ERROR(LockHash(RecordLockHash(coll->ident, rid), &already_mine));
    RETURN_IF_ERROR(Remove(rid, cursor.doc(), -1, true));
    capped_next = rid + 1;
  }
  RETURN_IF_ERROR(cursor.status());
  // Then documents that this very unit has inserted.
  while (!fits() && !capped_own.empty()) {
    const auto [rid, doc] = std::move(capped_own.front());
    capped_own.pop_front();
    RETURN_IF_ERROR(Remove(rid, bson::DocView(doc), -1, true));
    capped_next = rid + 1;
  }
  return OkStatus();
}

}  // namespace septet::catalog
