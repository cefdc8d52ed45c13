// SPDX-License-Identifier: Apache-2.0
#include "query/plan/min_max.h"

namespace septet::query {
namespace {

// Same field names in the same order as the index?
bool FitsIndex(bson::DocView bound, const catalog::IndexEntry& index) {
  size_t i = 0;
  for (const bson::ElementView e : bound) {
    if (i >= index.spec.fields.size() || index.spec.fields[i].path.text() != e.name()) {
      return false;
    }
    ++i;
  }
  return i == index.spec.fields.size();
}

std::string Key(bson::DocView bound, const catalog::IndexEntry& index) {
  storage::KeyBuilder key(index.ident, index.spec.descending_mask);
  for (const bson::ElementView e : bound) {
    key.Append(e.value(), index.spec.collator.get());
  }
  key.Append(storage::Discriminator::kBefore);  // min is inclusive, max exclusive
  return key.TakeKey();
}

}  // namespace

StatusOr<NodePtr> BuildMinMaxPlan(const PlanInput& input,
                                  const std::shared_ptr<const catalog::IndexEntry>& index) {
  const FindQuery& query = *input.query;
  for (const std::string* bound : {&query.min_key, &query.max_key}) {
    if (!bound->empty() && !FitsIndex(DocView(*bound), *index)) {
      return Error(51174, "The index chosen is not compatible with min/max");
    }
  }
  KeyRange range{storage::IdentPrefix(index->ident), storage::IdentPrefixEnd(index->ident)};
  if (!query.min_key.empty()) {
    range.low = Key(DocView(query.min_key), *index);
  }
  if (!query.max_key.empty()) {
    range.high = Key(DocView(query.max_key), *index);
  }
  if (!query.min_key.empty() && !query.max_key.empty() && range.low >= range.high) {
    return Error(51175,
                 "The value provided for min() does not come before the value provided for max() in "
                 "the hinted index");
  }
  std::optional<IndexCandidate> candidate = MakeCandidate(input, index, {}, true);
  IndexScanOptions options;
  options.collection = input.collection;
  options.index = index;
  options.forward = !candidate || candidate->forward;
  options.ranges = {std::move(range)};
  options.dedup = index->multikey->load(std::memory_order_relaxed) != 0;
  options.decode_key = query.return_key || (query.meta_uses & kMetaIndexKey) != 0;
  RowFilter filter;
  for (const MatchNode* node : input.conjuncts) {
    filter.Add(node);
  }
  filter.set_wants_details(query.projection && query.projection->NeedsMatchDetails());
  NodePtr fetch = MakeFetch(input.collection, MakeIndexScan(std::move(options)), std::move(filter));
  return FinishPlan(input, std::move(fetch), candidate && candidate->provides_sort, false);
}

}  // namespace septet::query
