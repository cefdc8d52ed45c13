// SPDX-License-Identifier: Apache-2.0
// The read and write concern of requests that name none, as setDefaultRWConcern sets them for the whole set:
// a document of config.settings, replicated like any other. Every member reads it again when it may have
// changed (server/reapers.cc), so a new primary knows it.
//   {_id: "ReadWriteConcernDefaults", defaultReadConcern: {level}, defaultWriteConcern: {w, wtimeout},
//    updateOpTime, updateWallClockTime}
// Source: manual, setDefaultRWConcern; surface S08-047. Thread rule: values and free functions.
#pragma once

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "catalog/op.h"
#include "commands/replication_info.h"

namespace septet::commands {

StatusOr<RwConcernDefaults> ReadRwConcernDefaults(catalog::Catalog* catalog);
// Replaces the document. Where the operation may block.
Status WriteRwConcernDefaults(catalog::Catalog* catalog, catalog::Op* op,
                              const RwConcernDefaults& defaults);
// Reads the document and tells `info` if it has changed.
Status RefreshRwConcernDefaults(catalog::Catalog* catalog, ReplicationInfo* info);

}  // namespace septet::commands
