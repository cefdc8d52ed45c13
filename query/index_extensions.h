// SPDX-License-Identifier: Apache-2.0
// What index specifications need of the query language: collations and partial filters.
// Thread rule: stateless, thread-safe.
#pragma once

#include "index/spec.h"

namespace septet::query {

class IndexExtensions : public index::Extensions {
 public:
  StatusOr<Collation> MakeCollation(bson::DocView spec) const override;
  StatusOr<std::shared_ptr<const index::DocumentFilter>> CompilePartialFilter(
      bson::DocView filter, const bson::StringComparator* collator) const override;
};

}  // namespace septet::query
