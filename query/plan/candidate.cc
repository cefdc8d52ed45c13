// SPDX-License-Identifier: Apache-2.0
#include "query/plan/candidate.h"

#include <algorithm>

#include "bson/number.h"

namespace septet::query {
namespace {

constexpr size_t kMaxSortExplode = 50;

struct SortField {
  std::string_view path;
  bool descending;
};

std::vector<SortField> SortFields(const FindQuery& query) {
  std::vector<SortField> out;
  if (query.sort.empty()) {
    return out;
  }
  for (const bson::ElementView e : DocView(query.sort)) {
    out.push_back({e.name(), e.value().is_number() && bson::ToDouble(e.value()) < 0});
  }
  return out;
}

bool SameCollation(const bson::StringComparator* a, const bson::StringComparator* b) {
  if (a == nullptr || b == nullptr) {
    return a == b;
  }
  return a->SortKey("aB-\xc3\xa9") == b->SortKey("aB-\xc3\xa9");
}

// Does the index, with its leading single points skipped, run in the sort's order? Sets the direction.
// `explode`: leading lists of points may be taken apart and merged.
bool MatchesSort(const catalog::IndexEntry& index, const IndexBounds& bounds,
                 const std::vector<SortField>& sort, bool* forward, bool* explode) {
  *explode = false;
  const uint64_t multikey = index.multikey->load(std::memory_order_relaxed);
  size_t s = 0;
  bool direction_known = false;
  size_t combinations = 1;
  for (size_t f = 0; f < index.spec.fields.size() && s < sort.size(); ++f) {
    const index::KeyField& field = index.spec.fields[f];
    const IntervalList& intervals = bounds.fields[f].intervals;
    const bool single_point = intervals.size() == 1 && intervals[0].IsPoint();
    const bool array_field = (multikey >> f & 1) != 0;
    if (field.path.text() == sort[s].path) {
      // Under an array the first key met is the document's least only if the whole range is walked.
      if (array_field && !(intervals.size() == 1 && intervals[0].IsAll())) {
        return false;
      }
      const bool runs_forward = field.descending == sort[s].descending;
      if (single_point && !array_field) {
        ++s;
        continue;
      }
      if (direction_known && *forward != runs_forward) {
        return false;
      }
      *forward = runs_forward;
      direction_known = true;
      ++s;
      continue;
    }
    if (single_point && !array_field) {
      continue;
    }
    if (!direction_known && !array_field && f < bounds.point_prefix) {
      combinations *= intervals.size();
      if (combinations > kMaxSortExplode) {
        return false;
      }
      *explode = true;
      continue;
    }
    return false;
  }
  if (!direction_known) {
    *forward = true;
  }
  return s == sort.size();
}

// A sparse index lacks documents without its fields: the predicates must rule those out.
bool SparseMayAnswer(const catalog::IndexEntry& index, const IndexBounds& bounds) {
  return !index.spec.sparse || bounds.bounded_fields > 0;
}

bool PartialMayAnswer(const catalog::IndexEntry& index,
                      const std::vector<const MatchNode*>& conjuncts) {
  if (index.spec.partial_filter.empty()) {
    return true;
  }
  const auto filter = Matcher::Parse(DocView(index.spec.partial_filter), MatchOptions());
  return filter.ok() && ImpliesPartialFilter(conjuncts, filter->get());
}

// A B-tree of plain values (no hashed, text or geo field)?
bool IsOrdered(const catalog::IndexEntry& index) {
  for (const bson::ElementView e : DocView(index.spec.key_pattern)) {
    if (!e.value().is_number()) {
      return false;
    }
  }
  return !index.spec.fields.empty();
}

}  // namespace

PlanInput MakePlanInput(const catalog::CollectionPtr& collection, const FindQuery& query) {
  PlanInput out;
  out.collection = collection;
  out.query = &query;
  out.collator = query.collation.get();
  const MatchNode& root = query.matcher->root();
  if (root.kind() == MatchKind::kAnd) {
    for (const auto& child : root.children()) {
      out.conjuncts.push_back(child.get());
    }
  } else if (root.kind() != MatchKind::kAlwaysTrue) {
    out.conjuncts.push_back(&root);
  }
  return out;
}

std::optional<IndexCandidate> MakeCandidate(const PlanInput& input,
                                            const std::shared_ptr<const catalog::IndexEntry>& index,
                                            const std::vector<const MatchNode*>& conjuncts,
                                            bool hinted) {
  if (!IsOrdered(*index)) {
    return std::nullopt;
  }
  IndexCandidate out;
  out.index = index;
  out.bounds = MakeIndexBounds(conjuncts, *index, input.collator);
  if (!hinted && (!SparseMayAnswer(*index, out.bounds) || !PartialMayAnswer(*index, conjuncts))) {
    return std::nullopt;
  }
  const std::vector<SortField> sort = SortFields(*input.query);
  if (!sort.empty() && sort[0].path != "$natural" &&
      SameCollation(input.collator, index->spec.collator.get())) {
    bool explode = false;
    bool forward = true;
    if (MatchesSort(*index, out.bounds, sort, &forward, &explode)) {
      out.provides_sort = true;
      out.forward = forward;
      out.explode_for_sort = explode;
    }
  }
  if (!hinted && out.bounds.bounded_fields == 0 && !out.provides_sort) {
    return std::nullopt;
  }
  return out;
}

std::vector<IndexCandidate> MakeCandidates(const PlanInput& input) {
  std::vector<IndexCandidate> out;
  for (const auto& index : input.collection->indexes) {
    if (!index->ready || index->spec.hidden) {
      continue;
    }
    std::optional<IndexCandidate> candidate = MakeCandidate(input, index, input.conjuncts, false);
    if (candidate) {
      out.push_back(std::move(*candidate));
    }
  }
  return out;
}

}  // namespace septet::query
