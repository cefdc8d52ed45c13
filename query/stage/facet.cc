// SPDX-License-Identifier: Apache-2.0
// {$facet: {name: [stages], ...}}: one document with the result of each sub-pipeline over the same input.
// Errors: 40169..40171, 16410, 16412, 40600, 17419 for an output over 16 MB.
#include "base/limits.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "query/exec/explain_node.h"
#include "query/stage/pipeline.h"

namespace septet::query {

Status ParseFacet(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

struct Facet {
  std::string name;
  std::unique_ptr<const Pipeline> pipeline;
};

class FacetNode final : public OneInputNode {
 public:
  FacetNode(NodePtr input, const std::vector<Facet>* facets, const PipelineRun& run)
      : OneInputNode(std::move(input)), facets_(facets), run_(run) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    while (!input_done_) {
      Row in;
      ASSIGN_OR_RETURN(const Step step, input()->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        input_done_ = true;
        break;
      }
      bytes_ += in.doc.size_bytes();
      if (bytes_ > ctx->memory_limit_bytes) {
        return Error(40174, StrCat("Exceeded memory limit for $facet: ", ctx->memory_limit_bytes));
      }
      documents_.push_back(in.doc.ToBytes());
      ctx->arena.Reset();
    }
    for (; facet_ < facets_->size(); ++facet_) {
      ASSIGN_OR_RETURN(const Step step, RunFacet(ctx));
      if (step == Step::kYield) {
        return step;
      }
    }
    if (emitted_) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    emitted_ = true;
    out_.Seal();
    if (out_.View().size_bytes() > limits::kMaxBsonObjectSize) {
      return Error(ErrorCode::kBSONObjectTooLarge, "document constructed by $facet is over 16 MB");
    }
    row->doc = out_.View();
    row->has_doc = true;
    row->has_index_key = false;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return "FACET"; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
    ExplainChildren(*this, out, with_stats);
  }

 private:
  StatusOr<Step> RunFacet(ExecContext* ctx) {
    const Facet& facet = (*facets_)[facet_];
    if (!sub_) {
      ASSIGN_OR_RETURN(sub_, facet.pipeline->Attach(MakeVectorSource(&documents_), run_));
      out_.OpenArray(facet.name);
    }
    for (;;) {
      Row in;
      ctx->arena.Reset();
      ASSIGN_OR_RETURN(const Step step, sub_->Next(ctx, &in));
      if (step == Step::kYield) {
        return step;
      }
      if (step == Step::kDone) {
        break;
      }
      out_.Add(in.doc);
    }
    out_.Close();
    sub_ = nullptr;
    return Step::kDone;
  }

  const std::vector<Facet>* facets_;
  PipelineRun run_;
  std::vector<std::string> documents_;
  int64_t bytes_ = 0;
  bool input_done_ = false;
  bool emitted_ = false;
  size_t facet_ = 0;
  NodePtr sub_;
  bson::DocBuilder out_;
};

class FacetStage final : public Stage {
 public:
  explicit FacetStage(std::vector<Facet> facets) : facets_(std::move(facets)) {}
  std::string_view name() const override { return "$facet"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage*) const override {
    return NodePtr(std::make_unique<FacetNode>(std::move(input), &facets_, run));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    for (const Facet& facet : facets_) {
      const auto list = out->Array(facet.name);
      facet.pipeline->Serialize(out);
    }
  }
  void Namespaces(std::vector<catalog::Namespace>* out) const override {
    for (const Facet& facet : facets_) {
      for (const auto& stage : facet.pipeline->stages()) {
        stage->Namespaces(out);
      }
    }
  }

 private:
  std::vector<Facet> facets_;
};

}  // namespace

Status ParseFacet(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  const ValueView v = spec.value();
  if (!v.is_object() || v.AsDoc().empty()) {
    return Error(40169, StrCat("the $facet specification must be a non-empty object, but found: $facet: ",
                               bson::ToShellText(v)));
  }
  std::vector<Facet> facets;
  PipelineScope inner = scope;
  inner.in_facet = true;
  inner.collectionless = false;
  ++inner.depth;
  for (const bson::ElementView e : v.AsDoc()) {
    if (e.name().starts_with('$')) {
      return Error(16410, "FieldPath field names may not start with '$'.");
    }
    if (e.name().find('.') != std::string_view::npos) {
      return Error(16412, "FieldPath field names may not contain '.'.");
    }
    if (!e.value().is_array()) {
      return Error(40170, StrCat("arguments to $facet must be arrays, ", e.name(), " is type ",
                                 TypeText(e.value())));
    }
    ASSIGN_OR_RETURN(auto pipeline, Pipeline::Parse(e.value().AsArray(), inner));
    facets.push_back({std::string(e.name()), std::move(pipeline)});
  }
  out->push_back(std::make_unique<FacetStage>(std::move(facets)));
  return OkStatus();
}

}  // namespace septet::query
