// SPDX-License-Identifier: Apache-2.0
// {$unionWith: "coll"} or {$unionWith: {coll, pipeline}}: the input's documents, then those of another
// collection of the same database through a pipeline of its own. No order between the two is promised.
// Errors: 9, 40414, 40415, 14, 73, 31441 for a stage that writes; those of the stages (S04-039).
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/stage/foreign.h"
#include "query/stage/view.h"

namespace septet::query {

Status ParseUnionWith(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct UnionSpec {
  std::string name;
  Foreign from;
  std::vector<VariableId> outer;
  std::shared_ptr<ParseContext> own_variables;
  std::string pipeline_text;  // encoded array as it was written
  std::shared_ptr<const std::string> joined_text;  // what the sub-pipeline's stages point into
  std::unique_ptr<const Pipeline> pipeline;
};

class UnionNode final : public OneInputNode {
 public:
  UnionNode(NodePtr input, const UnionSpec* spec, const PipelineRun& run)
      : OneInputNode(std::move(input)), spec_(spec), run_(run) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (!input_done_) {
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
      stats_.advanced += step == Step::kRow ? 1 : 0;
      if (step != Step::kDone) {
        return step;
      }
      input_done_ = true;
      RETURN_IF_ERROR(other_.Open(ctx, run_, *spec_->pipeline, OuterValues(spec_->outer, ctx->eval)));
    }
    if (!other_.is_open()) {
      return Step::kDone;
    }
    ASSIGN_OR_RETURN(const Step step, other_.Next(ctx, row));
    if (step == Step::kDone) {
      other_.Close();
      stats_.is_eof = true;
    }
    stats_.advanced += step == Step::kRow ? 1 : 0;
    return step;
  }
  std::string_view stage_name() const override { return "UNION_WITH"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  const UnionSpec* spec_;
  PipelineRun run_;
  bool input_done_ = false;
  ForeignCursor other_;
};

class UnionStage final : public Stage {
 public:
  explicit UnionStage(UnionSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$unionWith"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    return NodePtr(std::make_unique<UnionNode>(std::move(input), &spec_, run));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("coll", spec_.name);
    out->AppendArray("pipeline", DocView(spec_.pipeline_text));
  }
  void Namespaces(std::vector<catalog::Namespace>* out) const override {
    out->push_back(spec_.from.ns);
    for (const auto& stage : spec_.pipeline->stages()) {
      stage->Namespaces(out);
    }
  }

 private:
  UnionSpec spec_;
};

Status WrongType(std::string_view field, ValueView v, std::string_view wanted) {
  return Error(ErrorCode::kTypeMismatch, StrCat("BSON field '$unionWith.", field,
                                                "' is the wrong type '", TypeText(v),
                                                "', expected type '", wanted, "'"));
}

// {coll: "name", pipeline: [...]}; `*pipeline` stays as it is if there is none.
Status ParseObject(DocView spec, std::string_view* collection, DocView* pipeline) {
  bool named = false;
  for (const bson::ElementView e : spec) {
    if (e.name() == "coll") {
      if (!e.value().is_string()) {
        return WrongType("coll", e.value(), "string");
      }
      *collection = e.value().AsString();
      named = true;
    } else if (e.name() == "pipeline") {
      if (!e.value().is_array()) {
        return WrongType("pipeline", e.value(), "array");
      }
      *pipeline = e.value().AsArray();
    } else {
      return Error(40415, StrCat("BSON field '$unionWith.", e.name(), "' is an unknown field."));
    }
  }
  return named ? OkStatus()
               : Error(40414, "BSON field '$unionWith.coll' is missing but a required field");
}

}  // namespace

Status ParseUnionWith(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  const ValueView v = spec.value();
  std::string_view collection;
  DocView pipeline;
  if (v.is_string()) {
    collection = v.AsString();
  } else if (v.is_object()) {
    RETURN_IF_ERROR(ParseObject(v.AsDoc(), &collection, &pipeline));
  } else {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("the $unionWith stage specification must be an object or string, but found ",
                        TypeText(v)));
  }
  if (collection.empty()) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat("Invalid namespace specified '", scope.ns.db(), ".'"));
  }
  UnionSpec parsed;
  parsed.name = std::string(collection);
  ASSIGN_OR_RETURN(parsed.from, FindForeign(scope, collection));
  parsed.outer = scope.variables->InScope();
  parsed.own_variables = std::make_shared<ParseContext>(*scope.variables);
  parsed.pipeline_text = pipeline.ToBytes();
  PipelineScope inner = scope;
  inner.ns = parsed.from.ns;
  inner.variables = parsed.own_variables.get();
  inner.in_facet = false;
  inner.collectionless = false;
  inner.sub_pipeline_of = "$unionWith";
  ++inner.depth;
  parsed.joined_text = std::make_shared<const std::string>(
      JoinPipelines(parsed.from.view(), pipeline));
  ASSIGN_OR_RETURN(parsed.pipeline, Pipeline::Parse(DocView(*parsed.joined_text), inner));
  out->push_back(std::make_unique<UnionStage>(std::move(parsed)));
  return OkStatus();
}

}  // namespace septet::query
