// SPDX-License-Identifier: Apache-2.0
// {$bucketAuto: {groupBy, buckets, output, granularity}}: sorts by the value and cuts into groups of
// about equal size; equal values stay together. Output {_id: {min, max}, ...}: max is the next bucket's
// min, and the greatest value for the last. Errors: 40238..40246, 40257..40260.
#include <cmath>
#include <optional>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "query/exec/explain_node.h"
#include "query/exec/transform.h"
#include "query/expression/accumulator.h"
#include "query/expression/result.h"
#include "query/stage/granularity.h"
#include "query/stage/group_table.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseBucketAuto(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct AutoSpec {
  ExpressionPtr group_by;
  int64_t buckets = 0;
  std::vector<GroupField> output;
  std::unique_ptr<const Granularity> granularity;
};

// Rows {k: {v: value}, d: document} for the sort; counts them. The value sits in an object so that arrays
// are compared whole.
class KeyNode final : public OneInputNode {
 public:
  KeyNode(NodePtr input, const AutoSpec* spec) : OneInputNode(std::move(input)), spec_(spec) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, row));
    if (step != Step::kRow) {
      stats_.is_eof = step == Step::kDone;
      return step;
    }
    ctx->eval.root = row->doc;
    ASSIGN_OR_RETURN(const ValueView key, spec_->group_by->Evaluate(&ctx->eval));
    if (spec_->granularity != nullptr) {
      RETURN_IF_ERROR(Granularity::Check(key));
    }
    out_.Reset();
    {
      const auto scope = out_.Object("k");
      out_.Append("v", key.missing() ? NullValue() : key);
    }
    out_.Append("d", row->doc);
    out_.Seal();
    row->doc = out_.View();
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "BUCKET_AUTO_KEY"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  const AutoSpec* const spec_;
  bson::DocBuilder out_;
};

// Cuts sorted rows into buckets.
class BucketAutoNode final : public OneInputNode {
 public:
  BucketAutoNode(NodePtr sorted, const AutoSpec* spec, const Node* counter)
      : OneInputNode(std::move(sorted)), spec_(spec), counter_(counter) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    for (;;) {
      if (!has_row_ && !input_done_) {
        ASSIGN_OR_RETURN(const Step step, Pull(ctx));
        if (step == Step::kYield) {
          return step;
        }
      }
      if (has_row_ && (!open_ || Fits(ctx))) {
        RETURN_IF_ERROR(Take(ctx));
        continue;
      }
      if (!open_) {
        stats_.is_eof = true;
        return Step::kDone;
      }
      return Emit(ctx, row);
    }
  }
  std::string_view stage_name() const override { return "BUCKET_AUTO"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  StatusOr<Step> Pull(ExecContext* ctx) {
    ctx->arena.Reset();
    ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &row_));
    has_row_ = step == Step::kRow;
    input_done_ = step == Step::kDone;
    return step;
  }
  ValueView Key() const { return row_.doc.Find("k").AsDoc().FirstElement().value(); }

  // Whether the row at hand belongs to the open bucket.
  bool Fits(ExecContext* ctx) const {
    if (taken_ < size_ || number_ == spec_->buckets) {
      return true;
    }
    if (upper_.has_value()) {
      return bson::ToDouble(Key()) < *upper_;
    }
    return bson::Equal(Key(), last_.view(), ctx->eval.collator);
  }

  Status Take(ExecContext* ctx) {
    if (!open_) {
      Open(ctx);
    }
    ctx->eval.root = row_.doc.Find("d").AsDoc();
    for (size_t i = 0; i < spec_->output.size(); ++i) {
      ASSIGN_OR_RETURN(const ValueView v, spec_->output[i].accumulator->Input(&ctx->eval));
      RETURN_IF_ERROR(accumulators_[i]->Add(v, &ctx->eval));
    }
    last_.Assign(Key());
    has_row_ = false;
    ++taken_;
    if (spec_->granularity != nullptr && taken_ >= size_ && !upper_.has_value()) {
      upper_ = spec_->granularity->Up(bson::ToDouble(last_.view()));
    }
    return OkStatus();
  }

  void Open(ExecContext* ctx) {
    if (number_ == 0) {
      const double share = static_cast<double>(counter_->stats().advanced) /
                           static_cast<double>(spec_->buckets);
      size_ = std::max<int64_t>(1, std::llround(share));
    }
    ++number_;
    open_ = true;
    taken_ = 0;
    accumulators_.clear();
    for (const GroupField& field : spec_->output) {
      accumulators_.push_back(field.accumulator->Make());
    }
    if (spec_->granularity == nullptr) {
      min_.Assign(Key());
      return;
    }
    // Rounded buckets touch each other; the first begins below its least value.
    const double low = upper_.has_value() ? *upper_
                                          : spec_->granularity->Down(bson::ToDouble(Key()));
    upper_.reset();
    min_.Assign(ctx->arena.Double(low));
  }

  StatusOr<Step> Emit(ExecContext* ctx, Row* row) {
    out_.Reset();
    {
      const auto id = out_.Object("_id");
      out_.Append("min", min_.view());
      if (spec_->granularity != nullptr) {
        if (!upper_.has_value() || *upper_ <= bson::ToDouble(last_.view())) {
          upper_ = spec_->granularity->Up(bson::ToDouble(last_.view()));
        }
        out_.Append("max", *upper_);
      } else {
        out_.Append("max", has_row_ ? Key() : last_.view());
      }
    }
    for (size_t i = 0; i < spec_->output.size(); ++i) {
      ASSIGN_OR_RETURN(const ValueView v, accumulators_[i]->Result(&ctx->eval));
      out_.Append(spec_->output[i].name, v.missing() ? NullValue() : v);
    }
    out_.Seal();
    open_ = false;
    *row = Row();
    row->doc = out_.View();
    row->has_doc = true;
    ++stats_.advanced;
    return Step::kRow;
  }

  const AutoSpec* const spec_;
  const Node* const counter_;
  Row row_;
  bool has_row_ = false;
  bool input_done_ = false;
  bool open_ = false;
  int64_t size_ = 1;
  int64_t number_ = 0;  // of the open bucket, from 1
  int64_t taken_ = 0;
  bson::Value min_;
  bson::Value last_;
  std::optional<double> upper_;  // of the bucket, once it is full; rounded
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  bson::DocBuilder out_;
};

class BucketAutoStage final : public Stage {
 public:
  explicit BucketAutoStage(AutoSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$bucketAuto"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    auto keys = std::make_unique<KeyNode>(std::move(input), &spec_);
    const Node* counter = keys.get();
    const std::string pattern = bson::MakeDoc("k", 1);
    ASSIGN_OR_RETURN(NodePtr sorted, MakeSort(std::move(keys), pattern, 0, run.collation.get()));
    return NodePtr(std::make_unique<BucketAutoNode>(std::move(sorted), &spec_, counter));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    spec_.group_by->Serialize("groupBy", out);
    out->Append("buckets", static_cast<int32_t>(spec_.buckets));
    if (spec_.granularity != nullptr) {
      out->Append("granularity", spec_.granularity->name());
    }
    const auto output = out->Object("output");
    for (const GroupField& field : spec_.output) {
      field.accumulator->Serialize(field.name, out);
    }
  }

 private:
  const AutoSpec spec_;
};

StatusOr<int64_t> ReadBuckets(ValueView v) {
  if (!v.is_number()) {
    return Error(40241, StrCat("The $bucketAuto 'buckets' field must be a numeric value, but found "
                               "type: ",
                               TypeText(v)));
  }
  const std::optional<int64_t> n = bson::ExactInt64(v);
  if (!n.has_value() || *n != static_cast<int32_t>(*n)) {
    return Error(40242, StrCat("The $bucketAuto 'buckets' field must be representable as a 32-bit "
                               "integer, but found ",
                               ValueText(v)));
  }
  if (*n <= 0) {
    return Error(40243, StrCat("The $bucketAuto 'buckets' field must be greater than 0, but found: ",
                               *n));
  }
  return *n;
}

Status ReadOutput(ValueView v, const PipelineScope& scope, AutoSpec* bucket) {
  if (!v.is_object()) {
    return Error(40244, StrCat("The $bucketAuto 'output' field must be an object, but found type: ",
                               TypeText(v)));
  }
  for (const bson::ElementView e : v.AsDoc()) {
    ASSIGN_OR_RETURN(auto accumulator, ParseAccumulator(e.name(), e.value(), scope.variables));
    bucket->output.push_back({std::string(e.name()), std::move(accumulator)});
  }
  return OkStatus();
}

Status ReadOption(bson::ElementView e, const PipelineScope& scope, AutoSpec* bucket) {
  const ValueView v = e.value();
  if (e.name() == "groupBy") {
    const bool path = v.is_string() && v.AsString().starts_with('$');
    const bool expression = v.is_object() && !v.AsDoc().empty() &&
                            v.AsDoc().FirstElement().name().starts_with('$');
    if (!path && !expression) {
      return Error(40239, StrCat("The $bucketAuto 'groupBy' field must be defined as a $-prefixed path "
                                 "or an expression object, but found: ",
                                 bson::ToShellText(v)));
    }
    ASSIGN_OR_RETURN(bucket->group_by, ParseExpression(v, scope.variables));
    return OkStatus();
  }
  if (e.name() == "buckets") {
    ASSIGN_OR_RETURN(bucket->buckets, ReadBuckets(v));
    return OkStatus();
  }
  if (e.name() == "output") {
    return ReadOutput(v, scope, bucket);
  }
  if (e.name() == "granularity") {
    if (!v.is_string()) {
      return Error(40261, StrCat("The $bucketAuto 'granularity' field must be a string, but found type: ",
                                 TypeText(v)));
    }
    ASSIGN_OR_RETURN(bucket->granularity, Granularity::Find(v.AsString()));
    return OkStatus();
  }
  return Error(40245, StrCat("Unrecognized option to $bucketAuto: ", e.name()));
}

}  // namespace

Status ParseBucketAuto(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(40240, StrCat("The argument to $bucketAuto must be an object, but found type: ",
                               TypeText(spec.value())));
  }
  AutoSpec bucket;
  bool has_output = false;
  for (const bson::ElementView e : spec.value().AsDoc()) {
    RETURN_IF_ERROR(ReadOption(e, scope, &bucket));
    has_output = has_output || e.name() == "output";
  }
  if (bucket.group_by == nullptr || bucket.buckets == 0) {
    return Error(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified");
  }
  if (!has_output) {
    const std::string sum = bson::MakeDoc("$sum", 1);
    const std::string output = bson::MakeDoc("count", DocView(sum));
    RETURN_IF_ERROR(ReadOutput({bson::Type::kObject, output.data()}, scope, &bucket));
  }
  out->push_back(std::make_unique<BucketAutoStage>(std::move(bucket)));
  return OkStatus();
}

}  // namespace septet::query
