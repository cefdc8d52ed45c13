// SPDX-License-Identifier: Apache-2.0
// What a view stands for: a collection and the stages above it (its own and those of the views below).
// Errors: ViewDepthLimitExceeded (165), ViewPipelineMaxSizeExceeded (195).
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "query/expression/expression.h"

namespace septet::query {

struct ResolvedView {
  catalog::Namespace ns;  // the collection at the bottom
  std::string pipeline;   // encoded array of all stages above it
  std::string collation;  // encoded, or empty
};
StatusOr<ResolvedView> ResolveView(const catalog::Catalog& catalog,
                                   const catalog::CollectionInfo& view);
// Two encoded arrays as one.
std::string JoinPipelines(DocView first, DocView second);

}  // namespace septet::query
