// SPDX-License-Identifier: Apache-2.0
// Removes documents whose date is older than their index's expireAfterSeconds. Runs on a writable member
// only; the removals are ordinary deletes, so other members get them by the oplog.
// Rules: only single-field indexes count; a document with several dates expires by its oldest one; values
// that are no dates never expire. Source: the manual's page "TTL Indexes"; parameters ttlMonitorEnabled,
// ttlMonitorSleepSecs.
// Thread rule: one pass at a time, on the background thread.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "catalog/catalog.h"

namespace septet::server {

struct TtlPass {
  catalog::Catalog* catalog = nullptr;
  int64_t now_millis = 0;
  std::function<bool()> stop = nullptr;  // asked between documents
};

// One pass over all TTL indexes; returns how many documents went. Errors: NotWritablePrimary and what
// else ends writing; what was removed before stays removed.
StatusOr<int64_t> RemoveExpired(const TtlPass& pass);

}  // namespace septet::server
