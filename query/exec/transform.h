// SPDX-License-Identifier: Apache-2.0
// Nodes over one or more inputs: limit, skip, sort, projection, filter, union of scans.
// Thread rule: see node.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/exec/node.h"
#include "query/exec/scan.h"

namespace septet::query {

NodePtr MakeLimit(NodePtr child, int64_t limit);
NodePtr MakeSkip(NodePtr child, int64_t skip);
// Keeps rows (with a document) that a filter accepts.
NodePtr MakeFilter(NodePtr child, RowFilter filter);

struct ProjectOptions {
  const Projection* projection = nullptr;  // outlives the node
  // Rows carry only index_key (covered): the projected document is made from it.
  bool covered = false;
  bool show_record_id = false;
  bool return_key = false;
};
NodePtr MakeProject(NodePtr child, ProjectOptions options);

// Blocking sort; with a limit keeps only the best `limit` rows. Spills sorted runs to files beyond the
// memory limit if disk use is allowed, else error 292. `pattern` is a sort document.
StatusOr<NodePtr> MakeSort(NodePtr child, std::string_view pattern, int64_t limit,
                           const bson::StringComparator* collator);

// Gives the rows of a sorted input the metadata that {$meta: "sortKey"} reads.
StatusOr<NodePtr> MakeSortKeyValues(NodePtr child, std::string_view pattern,
                                    const bson::StringComparator* collator);

// Rows of several scans, each record once.
NodePtr MakeOr(std::vector<NodePtr> children);
// Rows of several inputs that are each sorted by `pattern`, merged; each record once.
StatusOr<NodePtr> MakeSortMerge(std::vector<NodePtr> children, std::string_view pattern,
                                const bson::StringComparator* collator);

// Counts its input: one row {count: n}; for count with plans that need no documents.
NodePtr MakeCount(NodePtr child, int64_t skip, int64_t limit);

}  // namespace septet::query
