// SPDX-License-Identifier: Apache-2.0
// {$lookup: {from, localField, foreignField, let, pipeline, as}}: an array of the matching documents of
// another collection of the same database. Equality as the match language sees it: null matches missing,
// an array local value matches by its elements. Errors: 9, 14, 73, 51047, 16866..16867, 17276.
#include <optional>

#include "base/strings.h"
#include "bson/ejson.h"
#include "query/exec/explain_node.h"
#include "query/expression/field_path.h"
#include "query/stage/pipeline.h"
#include "query/stage/set_path.h"

namespace septet::query {

Status ParseLookup(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct LetVariable {
  std::string name;
  VariableId id;
  ExpressionPtr expression;
};

struct LookupSpec {
  catalog::Namespace from;
  bson::FieldPath as;
  bool by_field = false;
  bson::FieldPath local_field;
  std::string foreign_field;
  std::vector<LetVariable> let;
  ParseContext* variables = nullptr;
  std::shared_ptr<ParseContext> own_variables;  // of the sub-pipeline
  std::unique_ptr<const Pipeline> pipeline;     // null: by field only
  std::string pipeline_text;                     // encoded array
};

// The filter {foreign: <equal to any of the local values>}.
std::string ForeignFilter(const LookupSpec& spec, ValueView local, bson::Arena* arena) {
  bson::DocBuilder out;
  const ValueView v = local.missing() || local.type() == bson::Type::kUndefined ? arena->Null() : local;
  if (!v.is_array()) {
    const auto scope = out.Object(spec.foreign_field);
    out.Append("$eq", v);
    return out.Finish();
  }
  // Elements one by one: a regular expression among them is a value here, not a pattern.
  bool has_regex = false;
  for (const bson::ElementView e : v.AsArray()) {
    has_regex = has_regex || e.value().type() == bson::Type::kRegex;
  }
  if (!has_regex) {
    const auto scope = out.Object(spec.foreign_field);
    out.Append("$in", v);
    return out.Finish();
  }
  {
    const auto any = out.Array("$or");
    for (const bson::ElementView e : v.AsArray()) {
      const auto one = out.AddObject();
      const auto equal = out.Object(spec.foreign_field);
      out.Append("$eq", e.value());
    }
  }
  return out.Finish();
}

class LookupNode final : public OneInputNode {
 public:
  LookupNode(NodePtr input, const LookupSpec* spec, const PipelineRun& run)
      : OneInputNode(std::move(input)), spec_(spec), run_(run) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    if (!sub_) {
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in_));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      RETURN_IF_ERROR(OpenSub(ctx));
    }
    for (;;) {
      Row found;
      ASSIGN_OR_RETURN(const Step step, sub_->Next(ctx->op, &found));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        break;
      }
      matches_.Add(found.doc);
      if (matches_.size_bytes() > static_cast<size_t>(limits::kMaxInternalBsonSize)) {
        return Error(4568, StrCat("Total size of documents in ", spec_->from.collection(),
                                  " matching pipeline's $lookup stage exceeds ",
                                  limits::kMaxInternalBsonSize, " bytes"));
      }
    }
    sub_.reset();
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
    Pipeline::Source source;
    for (const LetVariable& variable : spec_->let) {
      ASSIGN_OR_RETURN(const ValueView v, variable.expression->Evaluate(&ctx->eval));
      source.let_values.emplace_back(variable.id, v.missing() ? bson::DocBuilder().Finish()
                                                              : bson::MakeDoc("v", v));
    }
    PipelineRun run = run_;
    run.op = ctx->op;
    const bool pinned = ctx->op->read_snapshot != nullptr;
    // The whole pipeline reads one state of the data.
    const auto before = ctx->op->read_snapshot;
    if (!pinned) {
      ctx->op->read_snapshot = ctx->snapshot;
    }
    StatusOr<Plan> plan = spec_->by_field ? FieldPlan(ctx, run, source)
                                          : spec_->pipeline->MakePlan(run, source);
    ctx->op->read_snapshot = before;
    RETURN_IF_ERROR(plan.status());
    sub_.emplace(*std::move(plan));
    return OkStatus();
  }

  StatusOr<Plan> FieldPlan(ExecContext* ctx, const PipelineRun& run, const Pipeline::Source& source) {
    const ValueView local = LocalValue(ctx);
    const std::string filter = ForeignFilter(*spec_, local, &ctx->arena);
    auto query = std::make_shared<FindQuery>();
    query->ns = spec_->from;
    query->collation = run.collation;
    query->let_values = source.let_values;
    MatchOptions options;
    options.collator = run.collation.get();
    ASSIGN_OR_RETURN(query->matcher, Matcher::Parse(DocView(filter), options));
    ASSIGN_OR_RETURN(Plan plan,
                     query::MakePlan(run.catalog, run.op, run.catalog->Find(spec_->from.full()),
                                     std::move(query), run.cache, run.options));
    if (spec_->pipeline) {
      ASSIGN_OR_RETURN(plan.root, spec_->pipeline->Attach(std::move(plan.root), run));
    }
    return plan;
  }

  // The value of localField; through arrays of objects the array of all values.
  ValueView LocalValue(ExecContext* ctx) {
    const ValueView direct = bson::FindPath(in_.doc, spec_->local_field);
    if (!direct.missing() || spec_->local_field.size() == 1) {
      return direct;
    }
    bson::DocBuilder values;
    int count = 0;
    {
      const auto list = values.Array("v");
      bson::VisitPath(in_.doc, spec_->local_field, 0, [&](ValueView v) {
        if (v.is_array()) {
          for (const bson::ElementView e : v.AsArray()) {
            values.Add(e.value());
            ++count;
          }
        } else if (!v.missing()) {
          values.Add(v);
          ++count;
        }
        return false;
      });
    }
    const std::string bytes = values.Finish();
    return count == 0 ? ValueView() : ctx->arena.Copy(DocView(bytes).Find("v"));
  }

  const LookupSpec* spec_;
  PipelineRun run_;
  Row in_;
  std::optional<Plan> sub_;
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
    out->Append("from", spec_.from.collection());
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
    out->push_back(spec_.from);
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
  lookup.from = catalog::Namespace(scope.ns.db(), raw.from.AsString());
  if (raw.from.AsString().empty()) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat("invalid $lookup namespace: ", scope.ns.db(), "."));
  }
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
    inner.ns = lookup.from;
    inner.variables = lookup.own_variables.get();
    inner.in_facet = false;
    inner.collectionless = false;
    inner.sub_pipeline_of = "$lookup";
    ++inner.depth;
    lookup.pipeline_text = raw.pipeline.AsArray().ToBytes();
    ASSIGN_OR_RETURN(lookup.pipeline, Pipeline::Parse(raw.pipeline.AsArray(), inner));
  }
  out->push_back(std::make_unique<LookupStage>(std::move(lookup)));
  return OkStatus();
}

}  // namespace septet::query
