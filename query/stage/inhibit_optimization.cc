// SPDX-License-Identifier: Apache-2.0
// {$_internalInhibitOptimization: {}}: passes every document on; stages behind it are not pushed into the
// scan. Drivers' and servers' tests use it (S04-043). Errors: 14, 50858.
#include "base/strings.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseInhibitOptimization(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class InhibitStage final : public Stage {
 public:
  std::string_view name() const override { return "$_internalInhibitOptimization"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return input;
  }
  void Serialize(bson::DocBuilder* out) const override { const auto scope = out->Object(name()); }
};

}  // namespace

Status ParseInhibitOptimization(bson::ElementView spec, const PipelineScope&, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 StrCat("$_internalInhibitOptimization must take a nested object but found: ",
                        TypeText(spec.value())));
  }
  if (!spec.value().AsDoc().empty()) {
    return Error(50858, "$_internalInhibitOptimization specification must be an empty object");
  }
  out->push_back(std::make_unique<InhibitStage>());
  return OkStatus();
}

}  // namespace septet::query
