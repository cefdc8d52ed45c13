// SPDX-License-Identifier: Apache-2.0
// {$match: <filter>}. Errors: 15959.
#include "query/exec/transform.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseMatch(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class MatchStage final : public Stage {
 public:
  MatchStage(std::unique_ptr<const Matcher> matcher, std::string filter)
      : matcher_(std::move(matcher)), filter_(std::move(filter)) {}
  std::string_view name() const override { return "$match"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    RowFilter filter;
    filter.Add(&matcher_->root());
    return MakeFilter(std::move(input), std::move(filter));
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    matcher_->Serialize(out);
  }
  const std::string* match_filter() const override { return &filter_; }

 private:
  std::unique_ptr<const Matcher> matcher_;
  std::string filter_;
};

}  // namespace

Status ParseMatch(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(15959, "the match filter must be an expression in an object");
  }
  MatchOptions options;
  options.collator = scope.collation.get();
  options.variables = scope.variables;
  options.allow_where = false;
  options.allow_geo_near = false;
  options.allow_text = out->empty();
  const DocView filter = spec.value().AsDoc();
  auto matcher = Matcher::Parse(filter, options);
  if (!matcher.ok() && !options.allow_text &&
      TextOf(matcher.status()).starts_with("$text is not allowed")) {
    return Error(17313, "$match with $text is only allowed as the first pipeline stage");
  }
  RETURN_IF_ERROR(matcher.status());
  out->push_back(std::make_unique<MatchStage>(*std::move(matcher), filter.ToBytes()));
  return OkStatus();
}

}  // namespace septet::query
