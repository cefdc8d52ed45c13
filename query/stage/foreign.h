// SPDX-License-Identifier: Apache-2.0
// What stages that read another collection share ($lookup, $graphLookup, $unionWith): views, values to
// join by, and a cursor over a sub-pipeline that reads the same state of the data as the outer one.
// Thread rule: Foreign is immutable; a ForeignCursor belongs to one operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "query/stage/pipeline.h"

namespace septet::query {

// A collection of the pipeline's database; of a view the collection below and the stages above it.
struct Foreign {
  catalog::Namespace ns;
  std::string view_pipeline;  // encoded array, empty: no view

  DocView view() const { return view_pipeline.empty() ? DocView() : DocView(view_pipeline); }
};
StatusOr<Foreign> FindForeign(const PipelineScope& scope, std::string_view collection);

// The values a document has to join by: arrays are walked on the way and, once, at the end of the path.
// `visit(ValueView)` is never called with a missing value.
template <typename Visit>
void VisitJoinValues(DocView doc, const bson::FieldPath& path, const Visit& visit) {
  bson::VisitPath(doc, path, 0, [&visit](ValueView v) {
    if (v.is_array()) {
      for (const bson::ElementView e : v.AsArray()) {
        visit(e.value());
      }
    } else if (!v.missing()) {
      visit(v);
    }
    return false;
  });
}

// The filter {path: <equal to one of `values`>}. A regular expression among them is a value here.
std::string EqualsAnyFilter(std::string_view path, DocView values);

// Variables set for the whole run of a sub-pipeline, each encoded as {v: value}.
using LetValues = std::vector<std::pair<VariableId, std::string>>;
// Those of the outer pipelines that a sub-pipeline may name.
LetValues OuterValues(const std::vector<VariableId>& ids, const EvalContext& eval);
std::string LetValue(ValueView v);

class ForeignCursor {
 public:
  // `pipeline` and `tail` outlive the cursor.
  Status Open(ExecContext* ctx, const PipelineRun& run, const Pipeline& pipeline, LetValues let);
  // The documents of `foreign` that match `filter`, then the stages of `tail` (may be null).
  // `variables` are those the filter may name (may be null).
  Status OpenFilter(ExecContext* ctx, const PipelineRun& run, const Foreign& foreign, DocView filter,
                    const ParseContext* variables, LetValues let, const Pipeline* tail);
  bool is_open() const { return plan_.has_value(); }
  StatusOr<Step> Next(ExecContext* ctx, Row* row) { return plan_->Next(ctx->op, row); }
  void Close() { plan_.reset(); }

 private:
  Status OpenView(const PipelineRun& run, const Foreign& foreign, DocView filter, LetValues let);
  Status OpenCollection(const PipelineRun& run, const Foreign& foreign, DocView filter, LetValues let);

  std::string pipeline_text_;                 // of a view
  std::unique_ptr<const Pipeline> pipeline_;
  ParseContext variables_;
  std::optional<Plan> plan_;
};

}  // namespace septet::query
