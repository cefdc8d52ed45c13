// SPDX-License-Identifier: Apache-2.0
// From command arguments to a query::FindQuery: what find, count, distinct, update, delete,
// findAndModify and explain share.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/catalog.h"
#include "commands/command.h"
#include "query/plan/planner.h"

namespace septet::commands {

struct QueryArgs {
  bson::DocView filter;
  bson::DocView projection;
  bson::DocView sort;
  bson::ValueView hint;        // string, object or missing
  bson::DocView collation;
  bson::DocView let;
  bson::DocView min, max;
  int64_t skip = 0;
  int64_t limit = 0;
};

// Parses and compiles everything. The collection's default collation applies if the query has none.
// Errors: those of matcher, projection, sort, collation; BadValue and FailedToParse for bad hints.
StatusOr<std::shared_ptr<query::FindQuery>> BuildQuery(const catalog::Namespace& ns,
                                                       const QueryArgs& args,
                                                       const catalog::CollectionInfo* collection);

// hint: index name, key pattern, or nothing.
Status ParseHint(bson::ValueView hint, std::string* name, std::string* key);

// Adds a prefix to errors of running (not parsing) a query, as a server words them:
// "Executor error during find command :: caused by :: ".
Status ExecutorError(std::string_view command, const Status& status);

}  // namespace septet::commands
