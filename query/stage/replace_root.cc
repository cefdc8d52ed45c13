// SPDX-License-Identifier: Apache-2.0
// {$replaceRoot: {newRoot: <expr>}} and {$replaceWith: <expr>}. Errors: 40228, 40229, 40414, 40415.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/expression/result.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseReplaceRoot(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class ReplaceRootNode final : public OneInputNode {
 public:
  ReplaceRootNode(NodePtr input, const Expression* new_root, std::string_view what)
      : OneInputNode(std::move(input)), new_root_(new_root), what_(what) {
    new_root_->Dependencies(&paths_, &whole_document_);
  }

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
    if (step != Step::kRow) {
      stats_.is_eof = step == Step::kDone;
      return step;
    }
    ctx->eval.root = row->doc;
    ASSIGN_OR_RETURN(const ValueView v, new_root_->Evaluate(&ctx->eval));
    if (!v.is_object()) {
      return Error(40228, StrCat(what_, " must evaluate to an object, but resulting value was: ",
                                 ValueText(v), ". Type of resulting value: '", TypeText(v),
                                 "'. Input document: ", InputText(row->doc)));
    }
    row->doc = v.AsDoc();
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "REPLACE_ROOT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  // The fields the expression reads: a server fetches no more.
  std::string InputText(DocView doc) const {
    bson::DocBuilder read;
    for (const bson::ElementView e : doc) {
      bool wanted = whole_document_;
      for (const std::string& path : paths_) {
        wanted = wanted || std::string_view(path).substr(0, path.find('.')) == e.name();
      }
      if (wanted) {
        read.Append(e);
      }
    }
    const std::string bytes = read.Finish();
    return ValueText({bson::Type::kObject, bytes.data()});
  }

  const Expression* new_root_;
  std::string_view what_;
  std::vector<std::string> paths_;
  bool whole_document_ = false;
};

class ReplaceRootStage final : public Stage {
 public:
  ReplaceRootStage(ExpressionPtr new_root, bool with) : new_root_(std::move(new_root)), with_(with) {}
  std::string_view name() const override { return with_ ? "$replaceWith" : "$replaceRoot"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return NodePtr(std::make_unique<ReplaceRootNode>(
        std::move(input), new_root_.get(),
        with_ ? "'replacement document'" : "'newRoot' expression"));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object("$replaceRoot");
    new_root_->Serialize("newRoot", out);
  }
  bool Dependencies(std::vector<std::string>* paths) const override {
    bool whole = false;
    new_root_->Dependencies(paths, &whole);
    return !whole;
  }

 private:
  ExpressionPtr new_root_;
  bool with_;
};

}  // namespace

Status ParseReplaceRoot(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  const bool with = spec.name() == "$replaceWith";
  ValueView expression = spec.value();
  if (!with) {
    if (!expression.is_object()) {
      return Error(40229, StrCat("expected an object as specification for $replaceRoot stage, got ",
                                 TypeText(expression)));
    }
    const DocView options = expression.AsDoc();
    for (const bson::ElementView e : options) {
      if (e.name() != "newRoot") {
        return Error(ErrorCode::kIDLUnknownField,
                     StrCat("BSON field '$replaceRoot.", e.name(), "' is an unknown field."));
      }
    }
    expression = options.Find("newRoot");
    if (expression.missing()) {
      return Error(ErrorCode::kIDLFailedToParse,
                   "BSON field '$replaceRoot.newRoot' is missing but a required field");
    }
  }
  ASSIGN_OR_RETURN(ExpressionPtr new_root, ParseExpression(expression, scope.variables));
  out->push_back(std::make_unique<ReplaceRootStage>(std::move(new_root), with));
  return OkStatus();
}

}  // namespace septet::query
