// SPDX-License-Identifier: Apache-2.0
// {$lookup: {from, localField, foreignField, let, pipeline, as}}: an array of the matching documents of
// another collection of the same database. Equality as the match language sees it: null matches missing,
// an array local value matches by its elements. Errors: 9, 14, 73, 51047, 16866..16867, 17276.
#include "base/strings.h"
#include "bson/ejson.h"
#include "query/exec/explain_node.h"
#include "query/expression/field_path.h"
#include "query/stage/foreign.h"
#include "query/stage/pipeline.h"
#include "query/stage/set_path.h"
#include "query/stage/view.h"

namespace septet::query {

Status ParseLookup(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct LetVariable {
  std::string name;
  VariableId id;
  ExpressionPtr expression;
};

struct LookupSpec {
  std::string from_name;
  Foreign from;
  bson::FieldPath as;
  bool by_field = false;
  bson::FieldPath local_field;
  std::string foreign_field;
  std::vector<LetVariable> let;
  std::vector<VariableId> outer;                // variables of the pipelines around this one
  std::shared_ptr<ParseContext> own_variables;  // of the sub-pipeline
  std::shared_ptr<const std::string> joined_text;  // what the sub-pipeline's stages point into
  std::unique_ptr<const Pipeline> pipeline;     // null: by field only
  std::string pipeline_text;                     // encoded array
};

class LookupNode final : public OneInputNode {
 public:
  LookupNode(NodePtr input, const LookupSpec* spec, const PipelineRun& run)
      : OneInputNode(std::move(input)), spec_(spec), run_(run) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (!sub_.is_open()) {
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in_));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      RETURN_IF_ERROR(OpenSub(ctx));
    }
    for (;;) {
      Row found;
      ASSIGN_OR_RETURN(const Step step, sub_.Next(ctx, &found));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        break;
      }
      matches_.Add(found.doc);
      if (matches_.size_bytes() > static_cast<size_t>(limits::kMaxInternalBsonSize)) {
        return Error(4568, StrCat("Total size of documents in ", spec_->from_name,
                                  " matching pipeline's $lookup stage exceeds ",
                                  limits::kMaxInternalBsonSize, " bytes"));
      }
    }
    sub_.Close();
    matches_.Seal();
    RETURN_IF_ERROR(SetPath(in_.doc, spec_->as,
                            ValueView(bson::Type::kArray, matches_.View().Find("a").data()), &buffer_));
    *row = in_;
    row->doc = DocView(buffer_);
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "LOOKUP"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  Status OpenSub(ExecContext* ctx) {
    matches_.Reset();
    matches_.OpenArray("a");
    ctx->eval.root = in_.doc;
    LetValues values = OuterValues(spec_->outer, ctx->eval);
    for (const LetVariable& variable : spec_->let) {
      ASSIGN_OR_RETURN(const ValueView v, variable.expression->Evaluate(&ctx->eval));
      values.emplace_back(variable.id, LetValue(v));
    }
    if (!spec_->by_field) {
      return sub_.Open(ctx, run_, *spec_->pipeline, std::move(values));
    }
    const std::string local = LocalValues();
    const std::string filter = EqualsAnyFilter(spec_->foreign_field, DocView(local));
    return sub_.OpenFilter(ctx, run_, spec_->from, DocView(filter), nullptr, std::move(values),
                           spec_->pipeline.get());
  }

  // The values of localField as an encoded array; null if there is none.
  std::string LocalValues() const {
    bson::DocBuilder out;
    int count = 0;
    VisitJoinValues(in_.doc, spec_->local_field, [&out, &count](ValueView v) {
      if (v.type() == bson::Type::kUndefined) {
        out.AppendNull(std::to_string(count++));
      } else {
        out.Append(std::to_string(count++), v);
      }
    });
    if (count == 0) {
      out.AppendNull("0");
    }
    return out.Finish();
  }

  const LookupSpec* spec_;
  PipelineRun run_;
  Row in_;
  ForeignCursor sub_;
  bson::DocBuilder matches_;
  std::string buffer_;
};

class LookupStage final : public Stage {
 public:
  explicit LookupStage(LookupSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$lookup"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    return NodePtr(std::make_unique<LookupNode>(std::move(input), &spec_, run));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("from", spec_.from_name);
    out->Append("as", spec_.as.text());
    if (spec_.by_field) {
      out->Append("localField", spec_.local_field.text());
      out->Append("foreignField", spec_.foreign_field);
    }
    if (spec_.pipeline) {
      const auto let = out->Object("let");
      for (const LetVariable& variable : spec_.let) {
        variable.expression->Serialize(variable.name, out);
      }
    }
    if (spec_.pipeline) {
      out->AppendArray("pipeline", DocView(spec_.pipeline_text));
    }
  }
  void Namespaces(std::vector<catalog::Namespace>* out) const override {
    out->push_back(spec_.from.ns);
    if (spec_.pipeline) {
      for (const auto& stage : spec_.pipeline->stages()) {
        stage->Namespaces(out);
      }
    }
  }

 private:
  LookupSpec spec_;
};

struct RawLookup {
  ValueView from, as, local, foreign, let, pipeline;
};

Status Collect(DocView spec, RawLookup* raw) {
  for (const bson::ElementView e : spec) {
    const std::string_view name = e.name();
    if (name == "pipeline") {
      if (!e.value().is_array()) {
        return Error(ErrorCode::kTypeMismatch, "'pipeline' option must be specified as an array");
      }
      raw->pipeline = e.value();
      continue;
    }
    if (name == "let") {
      if (!e.value().is_object()) {
        return Error(ErrorCode::kFailedToParse,
                     StrCat("$lookup argument 'let: ", bson::ToShellText(e.value()),
                            "' must be an object, is type ", TypeText(e.value())));
      }
      raw->let = e.value();
      continue;
    }
    if (!e.value().is_string()) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("$lookup argument '", name, "' must be a string, found ", name, ": ",
                          bson::ToShellText(e.value()), ": ", TypeText(e.value())));
    }
    if (name == "from") {
      raw->from = e.value();
    } else if (name == "as") {
      raw->as = e.value();
    } else if (name == "localField") {
      raw->local = e.value();
    } else if (name == "foreignField") {
      raw->foreign = e.value();
    } else {
      return Error(ErrorCode::kFailedToParse, StrCat("unknown argument to $lookup: ", name));
    }
  }
  return OkStatus();
}

Status CheckShape(DocView spec, const RawLookup& raw) {
  if (raw.from.missing()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("missing 'from' option to $lookup stage specification: ",
                        bson::ToShellText(spec)));
  }
  if (raw.as.missing()) {
    return Error(ErrorCode::kFailedToParse, "must specify 'as' field for a $lookup");
  }
  if (raw.pipeline.missing()) {
    if (!raw.let.missing()) {
      return Error(ErrorCode::kFailedToParse,
                   "$lookup with a 'let' argument must also specify 'pipeline'");
    }
    if (raw.local.missing() || raw.foreign.missing()) {
      return Error(ErrorCode::kFailedToParse,
                   "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be "
                   "specified");
    }
  } else if (raw.local.missing() != raw.foreign.missing()) {
    return Error(ErrorCode::kFailedToParse,
                 "$lookup requires both or neither of 'localField' and 'foreignField' to be specified");
  }
  return OkStatus();
}

}  // namespace

Status ParseLookup(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat("the $lookup stage specification must be an object, but found ",
                        TypeText(spec.value())));
  }
  RawLookup raw;
  RETURN_IF_ERROR(Collect(spec.value().AsDoc(), &raw));
  RETURN_IF_ERROR(CheckShape(spec.value().AsDoc(), raw));
  LookupSpec lookup;
  if (raw.from.AsString().empty()) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat("invalid $lookup namespace: ", scope.ns.db(), "."));
  }
  lookup.from_name = raw.from.AsString();
  ASSIGN_OR_RETURN(lookup.from, FindForeign(scope, lookup.from_name));
  lookup.outer = scope.variables->InScope();
  RETURN_IF_ERROR(ValidateFieldPath(raw.as.AsString()));
  lookup.as = bson::FieldPath(raw.as.AsString());
  lookup.by_field = !raw.local.missing();
  if (lookup.by_field) {
    RETURN_IF_ERROR(ValidateFieldPath(raw.local.AsString()));
    RETURN_IF_ERROR(ValidateFieldPath(raw.foreign.AsString()));
    lookup.local_field = bson::FieldPath(raw.local.AsString());
    lookup.foreign_field = raw.foreign.AsString();
  }
  if (!raw.pipeline.missing()) {
    // Variables of the outer pipeline keep their ids inside.
    lookup.own_variables = std::make_shared<ParseContext>(*scope.variables);
    if (!raw.let.missing()) {
      for (const bson::ElementView e : raw.let.AsDoc()) {
        RETURN_IF_ERROR(ValidateVariableName(e.name()));
        ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression(e.value(), scope.variables));
        lookup.let.push_back({std::string(e.name()), 0, std::move(value)});
      }
      for (LetVariable& variable : lookup.let) {
        variable.id = lookup.own_variables->Declare(variable.name);
      }
    }
    PipelineScope inner = scope;
    inner.ns = lookup.from.ns;
    inner.variables = lookup.own_variables.get();
    inner.in_facet = false;
    inner.collectionless = false;
    inner.sub_pipeline_of = "$lookup";
    ++inner.depth;
    lookup.pipeline_text = raw.pipeline.AsArray().ToBytes();
    lookup.joined_text = std::make_shared<const std::string>(JoinPipelines(
        lookup.by_field ? DocView() : lookup.from.view(), raw.pipeline.AsArray()));
    ASSIGN_OR_RETURN(lookup.pipeline, Pipeline::Parse(DocView(*lookup.joined_text), inner));
  }
  out->push_back(std::make_unique<LookupStage>(std::move(lookup)));
  return OkStatus();
}

}  // namespace septet::query
