// SPDX-License-Identifier: Apache-2.0
// A collection's stored metadata: one document per collection in Space::kCatalog.
// {ns, uuid, options, capped, size, max, indexes: [{spec, ident, ready}]}; docs/FORMATS "Catalog".
// Thread rule: values.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/collection.h"

namespace septet::catalog {

std::string EncodeMetadata(const CollectionInfo& c);
// Without state and multikey flags. Error: DataCorruptionDetected, or what the extensions answer.
StatusOr<std::shared_ptr<CollectionInfo>> DecodeMetadata(Ident ident, bson::DocView document,
                                                         const index::Extensions* extensions);
// Sets collation and collator from options.collation.
Status SetDefaultCollation(CollectionInfo* c, const index::Extensions* extensions);

// A view's document in <db>.system.views: {_id: "db.v", viewOn, pipeline, collation?}.
StatusOr<std::shared_ptr<CollectionInfo>> DecodeView(bson::DocView document,
                                                     const index::Extensions* extensions);

}  // namespace septet::catalog
