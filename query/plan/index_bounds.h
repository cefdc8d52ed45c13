// SPDX-License-Identifier: Apache-2.0
// From a predicate to the intervals of one index field that hold every matching key.
// Source: manual "multikey index bounds", "sparse indexes"; surface 6.4.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/collection.h"
#include "query/exec/interval.h"
#include "query/exec/scan.h"
#include "query/match/matcher.h"

namespace septet::query {

struct FieldBounds {
  IntervalList intervals;
  // Every key inside belongs to a matching document and all matching documents are inside.
  bool exact = false;
};

// Bounds that `node` (a leaf, $not, $elemMatch or $all) puts on field `field` of `index`; nullopt if none.
// `collator` is the query's: string operands need it to equal the index's.
std::optional<FieldBounds> BoundsFor(const MatchNode& node, const catalog::IndexEntry& index,
                                     size_t field, const bson::StringComparator* collator);

// All bounds of one index under the conjunction `conjuncts`.
struct IndexBounds {
  std::vector<FieldBounds> fields;            // one per index field; [MinKey, MaxKey] where unbounded
  std::vector<const MatchNode*> residual;     // conjuncts that the bounds do not fully answer
  size_t point_prefix = 0;                    // leading fields that are points only
  size_t bounded_fields = 0;                  // leading fields with any bounds
  bool empty = false;                         // no key can match
};
IndexBounds MakeIndexBounds(const std::vector<const MatchNode*>& conjuncts,
                            const catalog::IndexEntry& index,
                            const bson::StringComparator* collator);

// Key ranges in scan order. Fields after the first one that is no list of points become checks.
void MakeRanges(const IndexBounds& bounds, const catalog::IndexEntry& index, bool forward,
                std::vector<KeyRange>* ranges, std::vector<IndexScanOptions::FieldCheck>* checks);
// {a: ["[1, 5)"], b: [...]} for explain.
std::string BoundsText(const IndexBounds& bounds, const catalog::IndexEntry& index, bool forward);

// Does the query imply the partial index's filter (or is the index not partial)?
bool ImpliesPartialFilter(const std::vector<const MatchNode*>& conjuncts, const Matcher* partial);

}  // namespace septet::query
