// SPDX-License-Identifier: Apache-2.0
// $project, $addFields/$set and $unset: projections over rows.
#include "base/strings.h"
#include "query/exec/transform.h"
#include "query/expression/field_path.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseProject(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseAddFields(bson::ElementView spec, const PipelineScope& scope, StageList* out);
Status ParseUnset(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class ProjectStage final : public Stage {
 public:
  ProjectStage(std::string name, std::unique_ptr<const Projection> projection)
      : name_(std::move(name)), projection_(std::move(projection)) {}
  std::string_view name() const override { return name_; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    ProjectOptions options;
    options.projection = projection_.get();
    return MakeProject(std::move(input), options);
  }
  void Serialize(bson::DocBuilder* out) const override {
    // $unset is shown as the $project it is made into.
    const auto scope = out->Object(name_ == "$unset" ? "$project" : std::string_view(name_));
    projection_->Serialize(out);
  }
  bool Dependencies(std::vector<std::string>* paths) const override {
    if (!projection_->is_inclusion()) {
      return false;
    }
    bool whole = false;
    projection_->Dependencies(paths, &whole);
    return !whole;
  }

 private:
  std::string name_;
  std::unique_ptr<const Projection> projection_;
};

Status Make(std::string_view stage, DocView spec, ProjectionPolicy policy, const PipelineScope& scope,
            StageList* out) {
  auto projection = ParseProjection(spec, policy, scope.variables, nullptr);
  if (!projection.ok()) {
    return Prefixed(StrCat("Invalid ", stage, " :: caused by :: "), projection.status());
  }
  out->push_back(std::make_unique<ProjectStage>(std::string(stage), *std::move(projection)));
  return OkStatus();
}

}  // namespace

Status ParseProject(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(15969, "$project specification must be an object");
  }
  return Make("$project", spec.value().AsDoc(), ProjectionPolicy::kAggregate, scope, out);
}

Status ParseAddFields(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(40272, StrCat(spec.name(), " specification stage must be an object, got ",
                               TypeText(spec.value())));
  }
  return Make(spec.name(), spec.value().AsDoc(), ProjectionPolicy::kAddFields, scope, out);
}

Status ParseUnset(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  bson::DocBuilder exclusion;
  const ValueView v = spec.value();
  if (v.is_string()) {
    exclusion.Append(v.AsString(), 0);
  } else if (v.is_array()) {
    if (v.AsArray().empty()) {
      return Error(31119, "$unset specification must be a string or an array with at least one field");
    }
    for (const bson::ElementView e : v.AsArray()) {
      if (!e.value().is_string()) {
        return Error(31120, "$unset specification must be a string or an array containing only string "
                            "fields");
      }
      exclusion.Append(e.value().AsString(), 0);
    }
  } else {
    return Error(31002, "$unset specification must be a string or an array");
  }
  const std::string bytes = exclusion.Finish();
  for (const bson::ElementView e : DocView(bytes)) {
    const Status valid = ValidateFieldPath(e.name());
    if (!valid.ok()) {
      return Prefixed("Invalid $unset :: caused by :: ", valid);
    }
  }
  return Make("$unset", DocView(bytes), ProjectionPolicy::kUnset, scope, out);
}

}  // namespace septet::query
