// SPDX-License-Identifier: Apache-2.0
// Candidate plans of a find: which indexes may answer it, with which bounds, and the trees built of them.
// Thread rule: belongs to one planning.
#pragma once

#include <memory>
#include <vector>

#include "query/plan/index_bounds.h"
#include "query/plan/planner.h"

namespace septet::query {

struct IndexCandidate {
  std::shared_ptr<const catalog::IndexEntry> index;
  IndexBounds bounds;
  bool provides_sort = false;
  bool forward = true;
  // Sort order only after merging one scan per point combination.
  bool explode_for_sort = false;
};

// What the planner works on.
struct PlanInput {
  catalog::CollectionPtr collection;
  const FindQuery* query = nullptr;
  std::vector<const MatchNode*> conjuncts;  // the root's $and children, or the root
  const bson::StringComparator* collator = nullptr;
};
PlanInput MakePlanInput(const catalog::CollectionPtr& collection, const FindQuery& query);

// The candidate of one index; nullopt if it is no use (no bounds on its first field and no sort).
// `hinted`: whatever it is worth, it is used.
std::optional<IndexCandidate> MakeCandidate(const PlanInput& input,
                                            const std::shared_ptr<const catalog::IndexEntry>& index,
                                            const std::vector<const MatchNode*>& conjuncts,
                                            bool hinted);
std::vector<IndexCandidate> MakeCandidates(const PlanInput& input);

// Whole trees, from the scan to the projection.
StatusOr<NodePtr> BuildIndexPlan(const PlanInput& input, const IndexCandidate& candidate);
StatusOr<NodePtr> BuildCollScan(const PlanInput& input, bool forward);
// Plan over a $or conjunct whose branches all have an index; null if there is none.
StatusOr<NodePtr> BuildOrPlan(const PlanInput& input);
// Sort, skip, limit, projection over rows with documents.
StatusOr<NodePtr> FinishPlan(const PlanInput& input, NodePtr node, bool sorted, bool covered);

}  // namespace septet::query
