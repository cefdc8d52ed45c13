// SPDX-License-Identifier: Apache-2.0
// Building blocks of the match tree: leaves that test the values at a path, and the makers of
// logical nodes, which normalise as they build. Thread rule: nodes are immutable after parsing.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "query/match/matcher.h"
#include "query/match/walk.h"

namespace septet::query {

using MatchNodePtr = std::unique_ptr<MatchNode>;

// A leaf whose predicate looks at one value. Arrays at the end of the path are looked into (each
// element, then the array itself).
class LeafNode : public MatchNode {
 public:
  bool Test(DocView doc, MatchState* state) const override {
    const ValueView v = doc.Find(path_.part(0));
    if (path_.size() == 1 && !v.is_array()) {
      return TestValue(v, state);
    }
    return WalkValue(v, path_, 1, true, -1, [this, state](ValueView item, int64_t index) {
      if (!TestValue(item, state)) {
        return false;
      }
      if (state->details != nullptr && index >= 0) {
        state->details->array_index = index;
      }
      return true;
    });
  }
  void Serialize(bson::DocBuilder* out) const override;

 protected:
  LeafNode(MatchKind kind, std::string_view path) : MatchNode(kind) {
    path_ = bson::FieldPath(path);
  }
};

// A leaf whose predicate looks at a whole array ($size, $elemMatch).
class ArrayNode : public MatchNode {
 public:
  bool Test(DocView doc, MatchState* state) const override;
  bool TestValue(ValueView v, MatchState* state) const override {
    return v.is_array() && TestArray(v.AsArray(), state, nullptr);
  }
  void Serialize(bson::DocBuilder* out) const override;

 protected:
  ArrayNode(MatchKind kind, std::string_view path) : MatchNode(kind) {
    path_ = bson::FieldPath(path);
  }
  // Sets *element to the index of the element that matched, if there is one.
  virtual bool TestArray(DocView array, MatchState* state, int64_t* element) const = 0;
};

// Always true or always false.
MatchNodePtr MakeConstant(bool value);
// The conjunction: flattened, constants folded, sorted; a single part is returned as it is.
MatchNodePtr MakeAnd(std::vector<MatchNodePtr> parts);
MatchNodePtr MakeOr(std::vector<MatchNodePtr> parts);
// $nor; of one part it is kNot.
MatchNodePtr MakeNor(std::vector<MatchNodePtr> parts);
MatchNodePtr MakeNot(MatchNodePtr part);
// Sorts as explain's parsedQuery shows: by kind, then path.
void SortParts(std::vector<MatchNodePtr>* parts);

// {path: {$eq: v}}; kind is kEq..kGte. `v` must outlive the node.
MatchNodePtr MakeComparison(MatchKind kind, std::string_view path, ValueView v,
                            const bson::StringComparator* collator);
// {path: /pattern/flags}. Errors: 51091, 51108.
StatusOr<MatchNodePtr> MakeRegex(std::string_view path, bson::Regex regex);

}  // namespace septet::query
