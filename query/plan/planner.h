// SPDX-License-Identifier: Apache-2.0
// From a find-shaped query to an executor: candidate plans from the match tree and the indexes, chosen by
// a trial run (selectivity), cached by query shape.
// Thread rule: PlanCache is thread-safe; everything else belongs to one operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "query/exec/node.h"
#include "query/expression/collation.h"

namespace septet::query {

// A find after parsing: what find, count, distinct, update, delete and an aggregate's first stages ask.
struct FindQuery {
  catalog::Namespace ns;
  std::unique_ptr<const Matcher> matcher;            // never null
  std::unique_ptr<const Projection> projection;      // null: whole documents
  std::string sort;                                  // encoded sort pattern, empty: none
  int64_t skip = 0;
  int64_t limit = 0;                                 // 0: none
  std::string hint_name;                             // index name, or empty
  std::string hint_key;                              // key pattern, or empty ({$natural: 1} too)
  std::string min_key, max_key;                      // index bounds, encoded
  std::shared_ptr<const Collation> collation;
  bool return_key = false;
  bool show_record_id = false;
  bool tailable = false;
  bool await_data = false;
  bool want_rid = false;                             // update, delete: rows need rid and document
  bool count_only = false;                           // count: no documents needed
  ParseContext variables;
  std::vector<std::pair<VariableId, std::string>> let_values;  // encoded {v: value}
};

struct Plan {
  NodePtr root;
  std::unique_ptr<ExecContext> context;
  // Names for slow log and profile: "IXSCAN { a: 1 }", "COLLSCAN", "IDHACK".
  std::string summary;
  std::vector<NodePtr> rejected;   // for explain
  bool from_cache = false;
};

// `collection` may be null (missing collection: EOF plan). Errors: BadValue for a bad hint, 291, ...
StatusOr<Plan> MakePlan(catalog::Catalog* catalog, catalog::Op* op,
                        const catalog::CollectionPtr& collection, const FindQuery& query,
                        bool for_explain = false);

}  // namespace septet::query
