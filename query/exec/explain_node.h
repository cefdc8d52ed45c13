// SPDX-License-Identifier: Apache-2.0
// What every node of explain shows (surface 6.3: stage common).
#pragma once

#include <vector>

#include "query/exec/node.h"

namespace septet::query {

// nReturned, works, advanced, needTime, needYield, isEOF if `with_stats`.
void ExplainStats(const Node& node, bson::DocBuilder* out, bool with_stats);
// "stage", then ExplainStats.
void ExplainHead(const Node& node, bson::DocBuilder* out, bool with_stats);
// Appends inputStage / inputStages.
void ExplainChildren(const Node& node, bson::DocBuilder* out, bool with_stats);
// The whole tree under `name`.
void ExplainTree(const Node& node, std::string_view name, bson::DocBuilder* out, bool with_stats);
// Sums over the tree.
int64_t TotalKeysExamined(const Node& node);
int64_t TotalDocsExamined(const Node& node);

// Base of nodes with one input.
class OneInputNode : public Node {
 public:
  explicit OneInputNode(NodePtr child) { children_.push_back(std::move(child)); }
  const std::vector<NodePtr>& children() const override { return children_; }

 protected:
  Node* input() const { return children_[0].get(); }
  std::vector<NodePtr> children_;
};
class NoInputNode : public Node {
 public:
  const std::vector<NodePtr>& children() const override { return children_; }

 private:
  std::vector<NodePtr> children_;
};
class ManyInputsNode : public Node {
 public:
  const std::vector<NodePtr>& children() const override { return children_; }

 protected:
  std::vector<NodePtr> children_;
};

}  // namespace septet::query
