// SPDX-License-Identifier: Apache-2.0
// $sort, $limit and $skip. Errors: 15973, 15976, 15957, 15958, 15972, 15956, 5107200/5107201.
#include "base/strings.h"
#include "bson/number.h"
#include "query/exec/sort_key.h"
#include "query/exec/transform.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseSort(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseLimit(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseSkip(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class SortStage final : public Stage {
 public:
  SortStage(std::string pattern, const ParseContext* variables)
      : pattern_(std::move(pattern)), variables_(variables) {}
  std::string_view name() const override { return "$sort"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun& run, const Stage* next) const override {
    const int64_t keep = next != nullptr ? next->limit() : 0;
    ASSIGN_OR_RETURN(NodePtr sorted,
                     MakeSort(std::move(input), pattern_, keep, run.collation.get()));
    if (variables_ == nullptr || (variables_->meta_uses() & kMetaSortKey) == 0) {
      return sorted;
    }
    return MakeSortKeyValues(std::move(sorted), pattern_, run.collation.get());
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    const auto key = out->Object("sortKey");
    out->AppendAll(DocView(pattern_));
  }
  const std::string* sort_pattern() const override { return &pattern_; }

 private:
  std::string pattern_;
  const ParseContext* variables_;  // known in full only when the whole pipeline is parsed
};

class LimitStage final : public Stage {
 public:
  explicit LimitStage(int64_t limit) : limit_(limit) {}
  std::string_view name() const override { return "$limit"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return MakeLimit(std::move(input), limit_);
  }
  void Serialize(bson::DocBuilder* out) const override { out->Append(name(), limit_); }
  int64_t limit() const override { return limit_; }

 private:
  int64_t limit_;
};

class SkipStage final : public Stage {
 public:
  explicit SkipStage(int64_t skip) : skip_(skip) {}
  std::string_view name() const override { return "$skip"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return MakeSkip(std::move(input), skip_);
  }
  void Serialize(bson::DocBuilder* out) const override { out->Append(name(), skip_); }
  int64_t skip() const override { return skip_; }

 private:
  int64_t skip_;
};

}  // namespace

Status ParseSort(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(15973, "the $sort key specification must be an object");
  }
  const DocView pattern = spec.value().AsDoc();
  if (pattern.empty()) {
    return Error(15976, "$sort stage must have at least one sort key");
  }
  RETURN_IF_ERROR(SortKey::Parse(pattern, scope.collation.get()).status());
  out->push_back(std::make_unique<SortStage>(pattern.ToBytes(), scope.variables));
  return OkStatus();
}

Status ParseLimit(bson::ElementView spec, const PipelineScope&, StageList* out) {
  const ValueView v = spec.value();
  if (!v.is_number()) {
    return Error(15957, "the limit must be specified as a number");
  }
  const std::optional<int64_t> limit = bson::ExactInt64(v);
  if (!limit) {
    return Error(5107201, StrCat("invalid argument to $limit stage: Expected an integer: $limit: ",
                                 bson::ToDouble(v)));
  }
  if (*limit <= 0) {
    return Error(15958, "the limit must be positive");
  }
  out->push_back(std::make_unique<LimitStage>(*limit));
  return OkStatus();
}

Status ParseSkip(bson::ElementView spec, const PipelineScope&, StageList* out) {
  const ValueView v = spec.value();
  if (!v.is_number()) {
    return Error(15972, StrCat("Argument to $skip must be a number not a ", TypeText(v)));
  }
  const std::optional<int64_t> skip = bson::ExactInt64(v);
  if (!skip) {
    return Error(5107200, StrCat("invalid argument to $skip stage: Expected an integer: $skip: ",
                                 bson::ToDouble(v)));
  }
  if (*skip < 0) {
    return Error(15956, "Argument to $skip cannot be negative");
  }
  out->push_back(std::make_unique<SkipStage>(*skip));
  return OkStatus();
}

}  // namespace septet::query
