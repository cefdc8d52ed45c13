// SPDX-License-Identifier: Apache-2.0
#include "query/stage/foreign.h"

#include "base/strings.h"
#include "query/stage/view.h"

namespace septet::query {
namespace {

// Reads of `ctx`'s operation see its snapshot while this lives: the whole pipeline reads one state.
class PinnedSnapshot {
 public:
  explicit PinnedSnapshot(ExecContext* ctx) : op_(ctx->op), before_(op_->read_snapshot) {
    if (before_ == nullptr) {
      op_->read_snapshot = ctx->snapshot;
    }
  }
  ~PinnedSnapshot() { op_->read_snapshot = before_; }
  PinnedSnapshot(const PinnedSnapshot&) = delete;
  PinnedSnapshot& operator=(const PinnedSnapshot&) = delete;

 private:
  catalog::Op* op_;
  std::shared_ptr<const storage::Snapshot> before_;
};

}  // namespace

StatusOr<Foreign> FindForeign(const PipelineScope& scope, std::string_view collection) {
  Foreign out;
  out.ns = catalog::Namespace(scope.ns.db(), collection);
  if (scope.catalog != nullptr) {
    const catalog::CollectionPtr found = scope.catalog->Find(out.ns.full());
    if (found != nullptr && found->is_view) {
      ASSIGN_OR_RETURN(ResolvedView view, ResolveView(*scope.catalog, *found));
      out.ns = std::move(view.ns);
      out.view_pipeline = std::move(view.pipeline);
    }
  }
  return out;
}

std::string EqualsAnyFilter(std::string_view path, DocView values) {
  bson::DocBuilder out;
  bool has_regex = false;
  for (const bson::ElementView e : values) {
    has_regex = has_regex || e.value().type() == bson::Type::kRegex;
  }
  if (!has_regex) {
    const auto scope = out.Object(path);
    if (values.CountFields() == 1) {
      out.Append("$eq", values.FirstElement().value());
    } else {
      out.AppendArray("$in", values);
    }
  } else {
    const auto any = out.Array("$or");
    for (const bson::ElementView e : values) {
      const auto one = out.AddObject();
      const auto equal = out.Object(path);
      out.Append("$eq", e.value());
    }
  }
  return out.Finish();
}

std::string LetValue(ValueView v) {
  return v.missing() ? bson::DocBuilder().Finish() : bson::MakeDoc("v", v);
}

LetValues OuterValues(const std::vector<VariableId>& ids, const EvalContext& eval) {
  LetValues out;
  for (const VariableId id : ids) {
    out.emplace_back(id, LetValue(eval.Get(id)));
  }
  return out;
}

Status ForeignCursor::Open(ExecContext* ctx, const PipelineRun& run, const Pipeline& pipeline,
                           LetValues let) {
  const PinnedSnapshot pinned(ctx);
  PipelineRun inner = run;
  inner.op = ctx->op;
  Pipeline::Source source;
  source.let_values = std::move(let);
  ASSIGN_OR_RETURN(Plan plan, pipeline.MakePlan(inner, source));
  plan_.emplace(std::move(plan));
  return OkStatus();
}

Status ForeignCursor::OpenFilter(ExecContext* ctx, const PipelineRun& run, const Foreign& foreign,
                                 DocView filter, const ParseContext* variables, LetValues let,
                                 const Pipeline* tail) {
  const PinnedSnapshot pinned(ctx);
  PipelineRun inner = run;
  inner.op = ctx->op;
  variables_ = variables != nullptr ? *variables : ParseContext();
  RETURN_IF_ERROR(foreign.view_pipeline.empty()
                      ? OpenCollection(inner, foreign, filter, std::move(let))
                      : OpenView(inner, foreign, filter, std::move(let)));
  if (tail != nullptr) {
    ASSIGN_OR_RETURN(plan_->root, tail->Attach(std::move(plan_->root), inner));
  }
  return OkStatus();
}

Status ForeignCursor::OpenCollection(const PipelineRun& run, const Foreign& foreign, DocView filter,
                                     LetValues let) {
  auto query = std::make_shared<FindQuery>();
  query->ns = foreign.ns;
  query->collation = run.collation;
  query->let_values = std::move(let);
  MatchOptions options;
  options.collator = run.collation.get();
  options.variables = &variables_;
  ASSIGN_OR_RETURN(query->matcher, Matcher::Parse(filter, options));
  ASSIGN_OR_RETURN(Plan plan, query::MakePlan(run.catalog, run.op, run.catalog->Find(foreign.ns.full()),
                                              std::move(query), run.cache, run.options));
  plan_.emplace(std::move(plan));
  return OkStatus();
}

Status ForeignCursor::OpenView(const PipelineRun& run, const Foreign& foreign, DocView filter,
                               LetValues let) {
  bson::DocBuilder match;
  {
    const auto stage = match.Object("0");
    match.Append("$match", filter);
  }
  const std::string last = match.Finish();
  pipeline_text_ = JoinPipelines(foreign.view(), DocView(last));
  PipelineScope scope;
  scope.ns = foreign.ns;
  scope.variables = &variables_;
  scope.collation = run.collation;
  scope.catalog = run.catalog;
  ASSIGN_OR_RETURN(pipeline_, Pipeline::Parse(DocView(pipeline_text_), scope));
  Pipeline::Source source;
  source.let_values = std::move(let);
  ASSIGN_OR_RETURN(Plan plan, pipeline_->MakePlan(run, source));
  plan_.emplace(std::move(plan));
  return OkStatus();
}

}  // namespace septet::query
