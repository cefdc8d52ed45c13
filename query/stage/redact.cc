// SPDX-License-Identifier: Apache-2.0
// {$redact: <expr>}: the expression decides for the document and every document inside it: $$KEEP it as it
// is, $$PRUNE it, or $$DESCEND into it. Its field paths start at the document decided on. Error: 17053.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/expression/result.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseRedact(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct RedactSpec {
  ExpressionPtr expression;
  VariableId current = 0;
  VariableId keep = 0;
  VariableId prune = 0;
  VariableId descend = 0;
};

constexpr std::string_view kKeep = "keep";
constexpr std::string_view kPrune = "prune";
constexpr std::string_view kDescend = "descend";

class RedactNode final : public OneInputNode {
 public:
  RedactNode(NodePtr input, const RedactSpec* spec) : OneInputNode(std::move(input)), spec_(spec) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    for (;;) {
      ++stats_.works;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
      if (step != Step::kRow) {
        stats_.is_eof = step == Step::kDone;
        return step;
      }
      if (!ready_) {
        ctx->eval.SetKept(spec_->keep, bson::Value::String(kKeep).view());
        ctx->eval.SetKept(spec_->prune, bson::Value::String(kPrune).view());
        ctx->eval.SetKept(spec_->descend, bson::Value::String(kDescend).view());
        ready_ = true;
      }
      ctx->eval.root = row->doc;
      ASSIGN_OR_RETURN(const ValueView kept, Decide(row->doc, &ctx->eval));
      if (!kept.missing()) {
        row->doc = kept.AsDoc();
        row->has_index_key = false;
        ++stats_.advanced;
        return Step::kRow;
      }
      if (ShouldYield(ctx)) {
        return Step::kYield;
      }
    }
  }
  std::string_view stage_name() const override { return "REDACT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  // What stays of a document; missing: nothing.
  StatusOr<ValueView> Decide(DocView doc, EvalContext* eval) {
    const ValueView whole(bson::Type::kObject, doc.data());
    eval->Set(spec_->current, whole);
    ASSIGN_OR_RETURN(const ValueView decision, spec_->expression->Evaluate(eval));
    const std::string_view text = decision.is_string() ? decision.AsString() : std::string_view();
    if (text == kKeep) {
      return whole;
    }
    if (text == kPrune) {
      return ValueView();
    }
    if (text != kDescend) {
      return Error(17053, StrCat("$redact's expression should not return anything aside from the "
                                 "variables $$KEEP, $$DESCEND, and $$PRUNE, but returned ",
                                 ValueText(decision)));
    }
    ObjectWriter out(eval);
    for (const bson::ElementView e : doc) {
      ASSIGN_OR_RETURN(const ValueView v, Inside(e.value(), eval));
      out.Add(e.name(), v);
    }
    return out.Finish();
  }

  StatusOr<ValueView> Inside(ValueView v, EvalContext* eval) {
    if (v.is_object()) {
      return Decide(v.AsDoc(), eval);
    }
    if (!v.is_array()) {
      return v;
    }
    ArrayWriter out(eval);
    for (const bson::ElementView e : v.AsArray()) {
      ASSIGN_OR_RETURN(const ValueView item, Inside(e.value(), eval));
      if (!item.missing()) {
        out.Add(item);
      }
    }
    return out.Finish();
  }

  const RedactSpec* const spec_;
  bool ready_ = false;
};

class RedactStage final : public Stage {
 public:
  explicit RedactStage(RedactSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$redact"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return NodePtr(std::make_unique<RedactNode>(std::move(input), &spec_));
  }
  void Serialize(bson::DocBuilder* out) const override { spec_.expression->Serialize(name(), out); }

 private:
  const RedactSpec spec_;
};

}  // namespace

Status ParseRedact(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  ParseContext* variables = scope.variables;
  RedactSpec redact;
  const size_t mark = variables->BeginScope();
  redact.current = variables->Declare("CURRENT");
  redact.keep = variables->Declare("KEEP");
  redact.prune = variables->Declare("PRUNE");
  redact.descend = variables->Declare("DESCEND");
  StatusOr<ExpressionPtr> expression = ParseExpression(spec.value(), variables);
  variables->EndScope(mark);
  ASSIGN_OR_RETURN(redact.expression, std::move(expression));
  out->push_back(std::make_unique<RedactStage>(std::move(redact)));
  return OkStatus();
}

}  // namespace septet::query
