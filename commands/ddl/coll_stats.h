// SPDX-License-Identifier: Apache-2.0
// The figures that collStats and $collStats {storageStats} show.
#pragma once

#include "bson/builder.h"
#include "catalog/catalog.h"

namespace septet::commands {

// `c` null: zeros, as a server answers for a missing collection.
void AppendCollStats(const catalog::Catalog& catalog, const catalog::CollectionInfo* c, int64_t scale,
                     bson::DocBuilder* out);

}  // namespace septet::commands
