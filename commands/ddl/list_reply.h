// SPDX-License-Identifier: Apache-2.0
// Listings (listCollections, listIndexes) as cursors over documents made at once.
#pragma once

#include <string>
#include <vector>

#include "commands/crud/cursor_reply.h"

namespace septet::commands {

// {cursor: {batchSize}} of a listing command. Errors as aggregate's.
StatusOr<int64_t> ListingBatchSize(const Request& request);
Outcome ReplyListing(catalog::Op* op, const Services& services, const Request& request,
                     std::string ns, std::vector<std::string> documents, bson::DocBuilder* reply);

}  // namespace septet::commands
