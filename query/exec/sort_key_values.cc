// SPDX-License-Identifier: Apache-2.0
// SORT_KEY_GENERATOR: the values a row was sorted by, for {$meta: "sortKey"} (S03-067).
#include "query/exec/explain_node.h"
#include "query/exec/sort_key.h"
#include "query/exec/transform.h"

namespace septet::query {
namespace {

class SortKeyValues final : public OneInputNode {
 public:
  SortKeyValues(NodePtr child, SortKey key) : OneInputNode(std::move(child)), key_(std::move(key)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
    if (step != Step::kRow) {
      stats_.is_eof = step == Step::kDone;
      return step;
    }
    values_.Reset();
    {
      const auto array = values_.Array("k");
      RETURN_IF_ERROR(key_.AppendValues(row->doc, &values_));
    }
    values_.Seal();
    row->metadata.sort_key = values_.View().Find("k");
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "SORT_KEY_GENERATOR"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  SortKey key_;
  bson::DocBuilder values_;
};

}  // namespace

StatusOr<NodePtr> MakeSortKeyValues(NodePtr child, std::string_view pattern,
                                    const bson::StringComparator* collator) {
  ASSIGN_OR_RETURN(SortKey key, SortKey::Parse(DocView(pattern), collator));
  return NodePtr(std::make_unique<SortKeyValues>(std::move(child), std::move(key)));
}

}  // namespace septet::query
