// SPDX-License-Identifier: Apache-2.0
// Leaf nodes: where rows come from.
// Thread rule: see node.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/exec/interval.h"
#include "query/exec/node.h"

namespace septet::query {

// A filter over rows with a document: whole match trees and single nodes of one (residual predicates).
// Holds pointers into a Matcher that outlives it.
class RowFilter {
 public:
  RowFilter() = default;
  void Add(const MatchNode* node) { nodes_.push_back(node); }
  void set_wants_details(bool wants) { wants_details_ = wants; }
  bool empty() const { return nodes_.empty(); }
  StatusOr<bool> Accepts(ExecContext* ctx, Row* row) const;
  // Writes "filter": {...} unless empty.
  void Explain(bson::DocBuilder* out) const;

 private:
  std::vector<const MatchNode*> nodes_;
  bool wants_details_ = false;
};

// No rows: a missing collection, or a filter that is always false.
NodePtr MakeEof();

struct CollScanOptions {
  catalog::CollectionPtr collection;
  bool forward = true;
  RowFilter filter;
  bool tailable = false;
  // The record to go on behind, which must be there (0: from the first of the direction).
  catalog::RecordId resume_after = 0;
};
NodePtr MakeCollScan(CollScanOptions options);

// {_id: value}: one point look-up.
NodePtr MakeIdHack(catalog::CollectionPtr collection, bson::Value id, RowFilter residual);

// One contiguous piece of an index in encoded keys: [low, high).
struct KeyRange {
  std::string low;
  std::string high;
};

struct IndexScanOptions {
  catalog::CollectionPtr collection;
  std::shared_ptr<const catalog::IndexEntry> index;
  bool forward = true;
  std::vector<KeyRange> ranges;      // disjoint, in scan order
  // Checks on the decoded key for fields whose bounds are not part of the ranges.
  struct FieldCheck {
    int field;
    IntervalList intervals;
  };
  std::vector<FieldCheck> checks;
  bool decode_key = false;           // rows carry index_key
  bool dedup = false;                // multikey: each record once
  std::string bounds_text;           // encoded document for explain's indexBounds
};
NodePtr MakeIndexScan(IndexScanOptions options);

// Gives the documents of rows that have only a RecordId; filters them. `wanted`: nobody will ask for
// more rows than that; 0 if that is not known.
NodePtr MakeFetch(catalog::CollectionPtr collection, NodePtr child, RowFilter filter,
                  int64_t wanted = 0);

}  // namespace septet::query
