// SPDX-License-Identifier: Apache-2.0
#include "query/stage/pipeline.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "query/exec/explain_node.h"

namespace septet::query {
namespace {

class DocumentSource final : public NoInputNode {
 public:
  DocumentSource(const std::vector<std::string>* documents, std::vector<std::string> own,
                 std::string name)
      : own_(std::move(own)), documents_(documents != nullptr ? documents : &own_),
        name_(std::move(name)) {}

  StatusOr<Step> Next(ExecContext* ctx, Row* row) override {
    ++stats_.works;
    RETURN_IF_ERROR(ctx->op->interrupt.Check());
    if (at_ == documents_->size()) {
      stats_.is_eof = true;
      return Step::kDone;
    }
    row->doc = DocView((*documents_)[at_++]);
    row->has_doc = true;
    row->has_index_key = false;
    row->rid = 0;
    ++stats_.advanced;
    return Step::kRow;
  }
  std::string_view stage_name() const override { return name_; }
  void Explain(bson::DocBuilder* out, bool with_stats) const override {
    ExplainHead(*this, out, with_stats);
  }

 private:
  std::vector<std::string> own_;
  const std::vector<std::string>* documents_;
  std::string name_;
  size_t at_ = 0;
};

Status CheckPosition(const StageSpec& spec, size_t index, size_t count, const PipelineScope& scope) {
  if ((spec.flags & kStageNotInFacet) != 0 && scope.in_facet) {
    return Error(40600, StrCat(spec.name, " is not allowed to be used within a $facet stage"));
  }
  if ((spec.flags & kStageWrites) != 0 && !scope.sub_pipeline_of.empty()) {
    const int code = scope.sub_pipeline_of == "$unionWith" ? 31441 : 51047;
    return Error(code, StrCat(spec.name, " is not allowed within a ", scope.sub_pipeline_of,
                              "'s sub-pipeline"));
  }
  if ((spec.flags & kStageFirst) != 0 && index != 0) {
    return Error(40602, StrCat(spec.name, " is only valid as the first stage in a pipeline."));
  }
  if ((spec.flags & kStageLast) != 0 && index + 1 != count) {
    return Error(40601, StrCat(spec.name, " can only be the final stage in the pipeline"));
  }
  return OkStatus();
}

// {aggregate: 1} and the stages that need, or forbid, a collection.
Status CheckCollectionless(const StageSpec& spec, const PipelineScope& scope) {
  const bool collectionless_stage = (spec.flags & kStageCollectionless) != 0;
  if (spec.name == "$currentOp" && (!scope.collectionless || scope.ns.db() != "admin")) {
    return Error(ErrorCode::kInvalidNamespace,
                 "$currentOp must be run against the 'admin' database with {aggregate: 1}");
  }
  if (collectionless_stage && !scope.collectionless) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat(spec.name,
                        " must be run against the database with {aggregate: 1}, not a collection"));
  }
  if (!collectionless_stage && scope.collectionless) {
    return Error(ErrorCode::kInvalidNamespace, StrCat("{aggregate: 1} is not valid for '", spec.name,
                                                      "'; a collection is required."));
  }
  return OkStatus();
}

Status ParseOne(ValueView v, size_t index, size_t count, const PipelineScope& scope,
                StageList* stages, unsigned* flags) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch, "Each element of the 'pipeline' array must be an object");
  }
  if (v.AsDoc().CountFields() != 1) {
    return Error(40323, "A pipeline stage specification object must contain exactly one field.");
  }
  const bson::ElementView element = v.AsDoc().FirstElement();
  const StageSpec* spec = FindStage(element.name());
  if (spec == nullptr) {
    return Error(40324, StrCat("Unrecognized pipeline stage name: '", element.name(), "'"));
  }
  if (index == 0) {
    RETURN_IF_ERROR(CheckCollectionless(*spec, scope));
  }
  RETURN_IF_ERROR(spec->parse(element, scope, stages));
  *flags = spec->flags;
  return CheckPosition(*spec, index, count, scope);
}

}  // namespace

NodePtr MakeVectorSource(const std::vector<std::string>* documents) {
  return std::make_unique<DocumentSource>(documents, std::vector<std::string>(), "QUEUED_DATA");
}

NodePtr MakeOwnedSource(std::vector<std::string> documents, std::string name) {
  return std::make_unique<DocumentSource>(nullptr, std::move(documents), std::move(name));
}

StatusOr<std::unique_ptr<const Pipeline>> Pipeline::Parse(DocView stages,
                                                          const PipelineScope& scope) {
  if (scope.depth > limits::kMaxSubPipelineDepth) {
    return Error(ErrorCode::kMaxSubPipelineDepthExceeded,
                 StrCat("Maximum number of nested sub-pipelines exceeded. Limit is ",
                        limits::kMaxSubPipelineDepth));
  }
  const auto count = static_cast<size_t>(stages.CountFields());
  if (count > static_cast<size_t>(limits::kMaxPipelineLength)) {
    return Error(7749501, StrCat("Pipeline length must be no longer than ",
                                 limits::kMaxPipelineLength, " stages."));
  }
  if (count == 0 && scope.collectionless) {
    return Error(ErrorCode::kInvalidNamespace, "{aggregate: 1} is not valid for an empty pipeline.");
  }
  std::unique_ptr<Pipeline> out(new Pipeline());
  out->scope_ = scope;
  size_t index = 0;
  for (const bson::ElementView e : stages) {
    unsigned flags = 0;
    RETURN_IF_ERROR(ParseOne(e.value(), index, count, scope, &out->stages_, &flags));
    out->writes_ = out->writes_ || (flags & kStageWrites) != 0;
    out->source_ = out->source_ || (index == 0 && (flags & kStageSource) != 0);
    ++index;
  }
  if (scope.variables != nullptr) {
    RETURN_IF_ERROR(scope.variables->CheckMetaAvailable());
  }
  if (scope.depth == 0 && scope.variables != nullptr) {
    // A constant expression that fails is found when a server optimizes the parsed pipeline.
    RETURN_IF_ERROR(Prefixed("Failed to optimize pipeline :: caused by :: ",
                             scope.variables->fold_status()));
  }
  return std::unique_ptr<const Pipeline>(std::move(out));
}

void Pipeline::Serialize(bson::DocBuilder* array) const {
  for (const auto& stage : stages_) {
    const auto scope = array->AddObject();
    stage->Serialize(array);
  }
}

StatusOr<NodePtr> Pipeline::Attach(NodePtr input, const PipelineRun& run, size_t from) const {
  for (size_t i = from; i < stages_.size(); ++i) {
    const Stage* next = i + 1 < stages_.size() ? stages_[i + 1].get() : nullptr;
    ASSIGN_OR_RETURN(input, stages_[i]->MakeNode(std::move(input), run, next));
  }
  return input;
}

StatusOr<Plan> Pipeline::MakePlan(const PipelineRun& run, const Source& source,
                                  size_t* pushed) const {
  auto query = std::make_shared<FindQuery>();
  query->ns = scope_.ns;
  query->collation = run.collation;
  query->hint_name = source.hint_name;
  query->hint_key = source.hint_key;
  query->let_values = source.let_values;
  query->meta_uses = scope_.variables != nullptr ? scope_.variables->meta_uses() : 0;
  size_t at = 0;
  bson::DocBuilder filters;
  int filter_count = 0;
  const std::string* only_filter = nullptr;
  {
    const auto list = filters.Array("$and");
    while (!source_ && at < stages_.size() && stages_[at]->match_filter() != nullptr) {
      only_filter = stages_[at]->match_filter();
      filters.Add(DocView(*only_filter));
      ++filter_count;
      ++at;
    }
  }
  const std::string combined = filters.Finish();
  const DocView filter = filter_count == 0   ? DocView()
                         : filter_count == 1 ? DocView(*only_filter)
                                             : DocView(combined);
  MatchOptions match_options;
  match_options.collator = run.collation.get();
  match_options.variables = scope_.variables;
  ASSIGN_OR_RETURN(query->matcher, Matcher::Parse(filter, match_options));
  if (!source_) {
    if (at < stages_.size() && stages_[at]->sort_pattern() != nullptr) {
      query->sort = *stages_[at++]->sort_pattern();
    }
    if (at < stages_.size() && stages_[at]->skip() >= 0) {
      query->skip = stages_[at++]->skip();
    }
    if (at < stages_.size() && stages_[at]->limit() > 0) {
      query->limit = stages_[at++]->limit();
    }
    std::vector<std::string> paths;
    query->no_fields = at < stages_.size() && stages_[at]->Dependencies(&paths) && paths.empty();
  }
  if (pushed != nullptr) {
    *pushed = at;
  }
  const catalog::CollectionPtr collection =
      source_ || scope_.collectionless ? nullptr : run.catalog->Find(scope_.ns.full());
  ASSIGN_OR_RETURN(Plan plan, query::MakePlan(run.catalog, run.op, collection, std::move(query),
                                              run.cache, run.options));
  if (source_) {
    plan.root = nullptr;
  }
  ASSIGN_OR_RETURN(plan.root, Attach(std::move(plan.root), run, at));
  return plan;
}

}  // namespace septet::query
