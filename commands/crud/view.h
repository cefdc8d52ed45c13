// SPDX-License-Identifier: Apache-2.0
// Reads of a view: the view's pipeline (and those of the views below it) in front of the request's.
// Errors: ViewDepthLimitExceeded (165), ViewPipelineMaxSizeExceeded (195), OptionNotSupportedOnView (167).
#pragma once

#include <optional>
#include <string>

#include "commands/crud/query_args.h"
#include "commands/services.h"

namespace septet::commands {

Outcome FindOnView(catalog::Op* op, const Services& services, const Request& request,
                   const catalog::CollectionInfo& view, const QueryArgs& args,
                   std::optional<int64_t> batch_size, bool single_batch, bson::DocBuilder* reply);

Outcome CountOnView(catalog::Op* op, const Services& services, const Request& request,
                    const catalog::CollectionInfo& view, const QueryArgs& args,
                    bson::DocBuilder* reply);
Outcome DistinctOnView(catalog::Op* op, const Services& services, const Request& request,
                       const catalog::CollectionInfo& view, const QueryArgs& args,
                       std::string_view key, bson::DocBuilder* reply);

}  // namespace septet::commands
