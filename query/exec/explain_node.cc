// SPDX-License-Identifier: Apache-2.0
#include "query/exec/explain_node.h"

namespace septet::query {

void ExplainStats(const Node& node, bson::DocBuilder* out, bool with_stats) {
  if (!with_stats) {
    return;
  }
  const NodeStats& s = node.stats();
  out->Append("nReturned", static_cast<int32_t>(s.advanced));
  out->Append("executionTimeMillisEstimate", static_cast<int32_t>(s.nanos / 1'000'000));
  out->Append("works", static_cast<int32_t>(s.works));
  out->Append("advanced", static_cast<int32_t>(s.advanced));
  out->Append("needTime", static_cast<int32_t>(s.need_time));
  out->Append("needYield", static_cast<int32_t>(s.need_yield));
  out->Append("saveState", static_cast<int32_t>(s.need_yield));
  out->Append("restoreState", static_cast<int32_t>(s.need_yield));
  out->Append("isEOF", static_cast<int32_t>(s.is_eof ? 1 : 0));
}

void ExplainHead(const Node& node, bson::DocBuilder* out, bool with_stats) {
  out->Append("stage", node.stage_name());
  ExplainStats(node, out, with_stats);
}

void ExplainTree(const Node& node, std::string_view name, bson::DocBuilder* out, bool with_stats) {
  const auto scope = out->Object(name);
  node.Explain(out, with_stats);
}

void ExplainChildren(const Node& node, bson::DocBuilder* out, bool with_stats) {
  const auto& children = node.children();
  if (children.size() == 1) {
    ExplainTree(*children[0], "inputStage", out, with_stats);
  } else if (children.size() > 1) {
    const auto array = out->Array("inputStages");
    for (const NodePtr& child : children) {
      const auto scope = out->AddObject();
      child->Explain(out, with_stats);
    }
  }
}

int64_t TotalKeysExamined(const Node& node) {
  int64_t total = node.stats().keys_examined;
  for (const NodePtr& child : node.children()) {
    total += TotalKeysExamined(*child);
  }
  return total;
}

int64_t TotalDocsExamined(const Node& node) {
  int64_t total = node.stats().docs_examined;
  for (const NodePtr& child : node.children()) {
    total += TotalDocsExamined(*child);
  }
  return total;
}

}  // namespace septet::query
