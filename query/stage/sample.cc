// SPDX-License-Identifier: Apache-2.0
// {$sample: {size: n}}: n random documents by reservoir sampling, in random order. Errors: 28745..28749.
#include "base/strings.h"
#include "bson/number.h"
#include "query/exec/explain_node.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseSample(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class SampleNode final : public OneInputNode {
 public:
  SampleNode(NodePtr input, int64_t size) : OneInputNode(std::move(input)), size_(size) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    while (!input_done_) {
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone || size_ == 0) {
        input_done_ = true;
        Shuffle(ctx);
        break;
      }
      Take(ctx, in.doc);
      ctx->arena.Reset();
    }
    if (at_ == kept_.size()) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    row->doc = DocView(kept_[at_++]);
    row->has_doc = true;
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "SAMPLE"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  void Take(ExecContext* ctx, DocView doc) {
    ++seen_;
    if (static_cast<int64_t>(kept_.size()) < size_) {
      kept_.push_back(doc.ToBytes());
      return;
    }
    const uint64_t slot = ctx->random.Uniform(static_cast<uint64_t>(seen_));
    if (slot < static_cast<uint64_t>(size_)) {
      kept_[slot].assign(doc.raw());
    }
  }
  void Shuffle(ExecContext* ctx) {
    for (size_t i = kept_.size(); i > 1; --i) {
      std::swap(kept_[i - 1], kept_[ctx->random.Uniform(i)]);
    }
  }

  int64_t size_;
  int64_t seen_ = 0;
  std::vector<std::string> kept_;
  size_t at_ = 0;
  bool input_done_ = false;
};

class SampleStage final : public Stage {
 public:
  explicit SampleStage(int64_t size) : size_(size) {}
  std::string_view name() const override { return "$sample"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return NodePtr(std::make_unique<SampleNode>(std::move(input), size_));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    out->Append("size", size_);
  }

 private:
  int64_t size_;
};

}  // namespace

Status ParseSample(bson::ElementView spec, const PipelineScope&, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(28745, "the $sample stage specification must be an object");
  }
  bool has_size = false;
  int64_t size = 0;
  for (const bson::ElementView e : spec.value().AsDoc()) {
    if (e.name() != "size") {
      return Error(28748, StrCat("unrecognized option to $sample: ", e.name()));
    }
    if (!e.value().is_number()) {
      return Error(28746, "size argument to $sample must be a number");
    }
    size = bson::ToInt64Clamped(e.value());
    if (size < 0) {
      return Error(28747, "size argument to $sample must not be negative");
    }
    has_size = true;
  }
  if (!has_size) {
    return Error(28749, "$sample stage must specify a size");
  }
  out->push_back(std::make_unique<SampleStage>(size));
  return OkStatus();
}

}  // namespace septet::query
