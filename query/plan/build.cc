// SPDX-License-Identifier: Apache-2.0
// From candidates to node trees.
#include <algorithm>

#include "query/exec/transform.h"
#include "query/plan/candidate.h"

namespace septet::query {
namespace {

RowFilter FilterOf(const PlanInput& input, const std::vector<const MatchNode*>& nodes) {
  RowFilter filter;
  for (const MatchNode* node : nodes) {
    filter.Add(node);
  }
  filter.set_wants_details(input.query->want_match_details ||
                           (input.query->projection && input.query->projection->NeedsMatchDetails()));
  return filter;
}

bool NeedsDetails(const FindQuery& query) {
  return query.want_match_details || (query.projection && query.projection->NeedsMatchDetails());
}

// May the projection be made from the index key alone?
bool IsCovered(const PlanInput& input, const IndexCandidate& candidate) {
  const FindQuery& query = *input.query;
  const bool no_documents = (query.count_only || query.no_fields) && query.sort.empty();
  if (query.want_rid || query.return_key || !candidate.bounds.residual.empty() ||
      NeedsDetails(query)) {
    return false;
  }
  if (no_documents) {
    return true;
  }
  if (!query.projection || !query.projection->IsSimple() || !query.projection->is_inclusion() ||
      candidate.index->spec.collator != nullptr || candidate.explode_for_sort ||
      candidate.index->multikey->load(std::memory_order_relaxed) != 0) {
    return false;
  }
  if (!query.sort.empty() && !candidate.provides_sort) {
    return false;
  }
  const std::vector<std::string> paths = query.projection->IncludedPaths();
  return std::all_of(paths.begin(), paths.end(), [&candidate](const std::string& path) {
    if (path.find('.') != std::string::npos) {
      return false;
    }
    const auto& fields = candidate.index->spec.fields;
    return std::any_of(fields.begin(), fields.end(),
                       [&path](const index::KeyField& f) { return f.path.text() == path; });
  });
}

NodePtr Scan(const PlanInput& input, const IndexCandidate& candidate, std::vector<KeyRange> ranges,
             std::vector<IndexScanOptions::FieldCheck> checks, bool decode_key) {
  IndexScanOptions options;
  options.collection = input.collection;
  options.index = candidate.index;
  options.forward = candidate.forward;
  options.ranges = std::move(ranges);
  options.checks = std::move(checks);
  options.decode_key = decode_key || input.query->return_key ||
                       (input.query->meta_uses & kMetaIndexKey) != 0;
  options.dedup = candidate.index->multikey->load(std::memory_order_relaxed) != 0;
  options.bounds_text = BoundsText(candidate.bounds, *candidate.index, candidate.forward);
  return MakeIndexScan(std::move(options));
}

// One sorted scan for each combination of the leading points, merged.
StatusOr<NodePtr> ExplodedScans(const PlanInput& input, const IndexCandidate& candidate) {
  std::vector<IndexBounds> pieces{candidate.bounds};
  for (size_t f = 0; f < candidate.bounds.point_prefix; ++f) {
    std::vector<IndexBounds> next;
    for (const IndexBounds& piece : pieces) {
      for (const Interval& point : piece.fields[f].intervals) {
        next.push_back(piece);
        next.back().fields[f].intervals = {point};
      }
    }
    pieces = std::move(next);
  }
  std::vector<NodePtr> inputs;
  for (IndexBounds& piece : pieces) {
    IndexCandidate one = candidate;
    one.bounds = std::move(piece);
    std::vector<KeyRange> ranges;
    std::vector<IndexScanOptions::FieldCheck> checks;
    MakeRanges(one.bounds, *one.index, one.forward, &ranges, &checks);
    NodePtr scan = Scan(input, one, std::move(ranges), std::move(checks), false);
    inputs.push_back(MakeFetch(input.collection, std::move(scan),
                               FilterOf(input, candidate.bounds.residual)));
  }
  return MakeSortMerge(std::move(inputs), input.query->sort, input.collator);
}

// The $or among the conjuncts, if there is exactly one.
const MatchNode* FindOr(const PlanInput& input) {
  const MatchNode* found = nullptr;
  for (const MatchNode* node : input.conjuncts) {
    if (node->kind() == MatchKind::kOr) {
      if (found != nullptr) {
        return nullptr;
      }
      found = node;
    }
  }
  return found;
}

// The index that bounds most leading fields of a branch.
std::optional<IndexCandidate> BestFor(const PlanInput& input,
                                      const std::vector<const MatchNode*>& conjuncts) {
  std::optional<IndexCandidate> best;
  for (const auto& index : input.collection->indexes) {
    if (!index->ready || index->spec.hidden) {
      continue;
    }
    std::optional<IndexCandidate> one = MakeCandidate(input, index, conjuncts, false);
    if (!one || one->bounds.bounded_fields == 0) {
      continue;
    }
    const auto rank = [](const IndexCandidate& c) {
      return std::pair(c.bounds.point_prefix, c.bounds.bounded_fields);
    };
    if (!best || rank(*one) > rank(*best)) {
      best = std::move(one);
    }
  }
  return best;
}

// How many rows the limit lets through if they come in the order wanted; 0 if all may be needed.
int64_t WantedRows(const FindQuery& query, bool in_order) {
  constexpr int64_t kLarge = INT32_MAX;
  const bool limited = query.limit > 0 && query.limit < kLarge && query.skip < kLarge;
  return limited && (in_order || query.sort.empty()) ? query.limit + query.skip : 0;
}

}  // namespace

StatusOr<NodePtr> BuildIndexPlan(const PlanInput& input, const IndexCandidate& candidate) {
  if (candidate.explode_for_sort) {
    ASSIGN_OR_RETURN(NodePtr merged, ExplodedScans(input, candidate));
    return FinishPlan(input, std::move(merged), true, false);
  }
  std::vector<KeyRange> ranges;
  std::vector<IndexScanOptions::FieldCheck> checks;
  MakeRanges(candidate.bounds, *candidate.index, candidate.forward, &ranges, &checks);
  const bool covered = IsCovered(input, candidate);
  const bool key_needed = covered && !input.query->count_only && !input.query->no_fields;
  NodePtr node = Scan(input, candidate, std::move(ranges), std::move(checks), key_needed);
  if (!covered) {
    node = MakeFetch(input.collection, std::move(node), FilterOf(input, candidate.bounds.residual),
                     WantedRows(*input.query, candidate.provides_sort));
  }
  return FinishPlan(input, std::move(node), candidate.provides_sort, covered);
}

StatusOr<NodePtr> BuildCollScan(const PlanInput& input, bool forward) {
  CollScanOptions options;
  options.collection = input.collection;
  options.forward = forward;
  options.filter = FilterOf(input, input.conjuncts);
  options.tailable = input.query->tailable;
  options.resume_after = input.query->resume_after;
  const bool natural = input.query->sort.empty() ||
                       DocView(input.query->sort).FirstElement().name() == "$natural";
  return FinishPlan(input, MakeCollScan(std::move(options)), natural, false);
}

StatusOr<NodePtr> BuildOrPlan(const PlanInput& input) {
  const MatchNode* node = FindOr(input);
  if (node == nullptr || NeedsDetails(*input.query)) {
    return NodePtr();
  }
  std::vector<NodePtr> branches;
  for (const auto& child : node->children()) {
    std::vector<const MatchNode*> conjuncts;
    if (child->kind() == MatchKind::kAnd) {
      for (const auto& grandchild : child->children()) {
        conjuncts.push_back(grandchild.get());
      }
    } else {
      conjuncts.push_back(child.get());
    }
    std::optional<IndexCandidate> best = BestFor(input, conjuncts);
    if (!best) {
      return NodePtr();
    }
    best->forward = true;
    std::vector<KeyRange> ranges;
    std::vector<IndexScanOptions::FieldCheck> checks;
    MakeRanges(best->bounds, *best->index, true, &ranges, &checks);
    NodePtr scan = Scan(input, *best, std::move(ranges), std::move(checks), false);
    branches.push_back(
        best->bounds.residual.empty()
            ? std::move(scan)
            : MakeFetch(input.collection, std::move(scan), FilterOf(input, best->bounds.residual)));
  }
  std::vector<const MatchNode*> rest;
  for (const MatchNode* conjunct : input.conjuncts) {
    if (conjunct != node) {
      rest.push_back(conjunct);
    }
  }
  NodePtr fetched =
      MakeFetch(input.collection, MakeOr(std::move(branches)), FilterOf(input, rest));
  return FinishPlan(input, std::move(fetched), false, false);
}

StatusOr<NodePtr> FinishPlan(const PlanInput& input, NodePtr node, bool sorted, bool covered) {
  const FindQuery& query = *input.query;
  if (!query.sort.empty() && !sorted) {
    const int64_t keep = query.limit > 0 ? query.limit + query.skip : 0;
    ASSIGN_OR_RETURN(node, MakeSort(std::move(node), query.sort, keep, input.collator));
  }
  if ((query.meta_uses & kMetaSortKey) != 0 && !query.sort.empty() &&
      DocView(query.sort).FirstElement().name() != "$natural") {
    ASSIGN_OR_RETURN(node, MakeSortKeyValues(std::move(node), query.sort, input.collator));
  }
  if (query.count_only) {
    return MakeCount(std::move(node), query.skip, query.limit);
  }
  if (query.skip > 0) {
    node = MakeSkip(std::move(node), query.skip);
  }
  if (query.limit > 0) {
    node = MakeLimit(std::move(node), query.limit);
  }
  if (query.projection || query.return_key || query.show_record_id) {
    ProjectOptions options;
    options.projection = query.projection.get();
    options.covered = covered;
    options.show_record_id = query.show_record_id;
    options.return_key = query.return_key;
    node = MakeProject(std::move(node), options);
  }
  return node;
}

}  // namespace septet::query
