// SPDX-License-Identifier: Apache-2.0
// {$count: "name"}: one document {name: n}, none for an empty input. Also $sortByCount, which is $group
// and $sort. Errors: 40156..40160, 15948; 40147..40149.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseCount(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseSortByCount(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseGroup(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseSort(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class CountNode final : public OneInputNode {
 public:
  CountNode(NodePtr input, const std::string* name) : OneInputNode(std::move(input)), name_(name) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    while (!done_) {
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        done_ = true;
        break;
      }
      ++count_;
      ctx->arena.Reset();
    }
    if (emitted_ || count_ == 0) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    emitted_ = true;
    bson::DocBuilder out;
    if (count_ <= INT32_MAX) {
      out.Append(*name_, static_cast<int32_t>(count_));
    } else {
      out.Append(*name_, count_);
    }
    document_ = out.Finish();
    row->doc = DocView(document_);
    row->has_doc = true;
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "COUNT"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  const std::string* name_;
  int64_t count_ = 0;
  bool done_ = false;
  bool emitted_ = false;
  std::string document_;
};

class CountStage final : public Stage {
 public:
  explicit CountStage(std::string field) : field_(std::move(field)) {}
  std::string_view name() const override { return "$count"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return NodePtr(std::make_unique<CountNode>(std::move(input), &field_));
  }
  void Serialize(bson::DocBuilder* out) const override { out->Append(name(), field_); }
  bool Dependencies(std::vector<std::string>*) const override { return true; }

 private:
  std::string field_;
};

}  // namespace

Status ParseCount(bson::ElementView spec, const PipelineScope&, StageList* out) {
  const ValueView v = spec.value();
  if (!v.is_string()) {
    return Error(40156, "the count field must be a non-empty string");
  }
  const std::string_view field = v.AsString();
  if (field.empty()) {
    return Error(40157, "the count field must be a non-empty string");
  }
  if (field[0] == '$') {
    return Error(40158, "the count field cannot be a $-prefixed path");
  }
  if (field.find('\0') != std::string_view::npos) {
    return Error(40159, "the count field cannot contain a null byte");
  }
  if (field.find('.') != std::string_view::npos) {
    return Error(40160, "the count field cannot contain '.'");
  }
  if (field == "_id") {
    return Error(15948, "a group's _id may only be specified once");
  }
  out->push_back(std::make_unique<CountStage>(std::string(field)));
  return OkStatus();
}

Status ParseSortByCount(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  const ValueView v = spec.value();
  if (v.is_object()) {
    const DocView object = v.AsDoc();
    if (object.empty() || object.FirstElement().name().substr(0, 1) != "$") {
      return Error(40147, "the sortByCount field must be defined as a $-prefixed path or an expression "
                          "inside an object");
    }
  } else if (!v.is_string()) {
    return Error(40149, "the sortByCount field must be specified as a string or as an object");
  } else if (v.AsString().substr(0, 1) != "$") {
    return Error(40148, "the sortByCount field must be defined as a $-prefixed path or an expression "
                        "inside an object");
  }
  bson::DocBuilder stages;
  {
    const auto group = stages.Object("$group");
    stages.Append("_id", v);
    const auto count = stages.Object("count");
    stages.Append("$sum", 1);
  }
  {
    const auto sort = stages.Object("$sort");
    stages.Append("count", -1);
  }
  const std::string bytes = stages.Finish();
  const DocView doc(bytes);
  RETURN_IF_ERROR(ParseGroup(doc.FirstElement(), scope, out));
  return ParseSort(*++doc.begin(), scope, out);
}

}  // namespace septet::query
