// SPDX-License-Identifier: Apache-2.0
// {$geoNear: {near, distanceField, spherical, key, minDistance, maxDistance, distanceMultiplier, includeLocs,
//   query}}: needs a geo index. This server makes none yet (createIndexes refuses 2d and 2dsphere), so after
// its arguments are checked the stage answers what a server without such an index does (S04-013).
// Errors: 10065, 16605, 16606, 50856..50858, 14, 2, NoQueryExecutionPlans (291).
#include "base/strings.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseGeoNear(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class GeoNearStage final : public Stage {
 public:
  GeoNearStage(DocView spec, catalog::Namespace ns) : spec_(spec.ToBytes()), ns_(std::move(ns)) {}
  std::string_view name() const override { return "$geoNear"; }
  StatusOr<NodePtr> MakeNode(NodePtr, const PipelineRun&, const Stage*) const override {
    const ValueView key = DocView(spec_).Find("key");
    return Error(ErrorCode::kNoQueryExecutionPlans,
                 StrCat("error processing query: ns=", ns_.full(), "Tree: GEONEAR  field=",
                        key.is_string() ? key.AsString() : std::string_view(),
                        " maxdist=1.79769e+308 isNearSphere=0\nSort: {}\nProj: {}\nCollation: { locale: "
                        "\"simple\" }\n planner returned error :: caused by :: unable to find index for "
                        "$geoNear query"));
  }
  void Serialize(bson::DocBuilder* out) const override { out->Append(name(), DocView(spec_)); }

 private:
  std::string spec_;
  catalog::Namespace ns_;
};

Status CheckQuery(ValueView v, const PipelineScope& scope) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch, "query must be an object");
  }
  MatchOptions options;
  options.collator = scope.collation.get();
  options.variables = scope.variables;
  ASSIGN_OR_RETURN(const auto matcher, Matcher::Parse(v.AsDoc(), options));
  bool near = matcher->root().kind() == MatchKind::kGeoNear;
  for (const auto& child : matcher->root().children()) {
    near = near || child->kind() == MatchKind::kGeoNear;
  }
  return near ? Error(ErrorCode::kBadValue, "Too many geoNear expressions") : OkStatus();
}

Status CheckArgument(bson::ElementView e, const PipelineScope& scope) {
  const std::string_view name = e.name();
  if (name == "limit" || name == "num") {
    return Error(50858, StrCat("$geoNear no longer supports the '", name,
                               "' parameter. Use a $limit stage instead."));
  }
  if (name == "start") {
    return Error(50856, "$geoNear no longer supports the 'start' argument.");
  }
  if (name == "minDistance" || name == "maxDistance" || name == "distanceMultiplier") {
    return e.value().is_number()
               ? OkStatus()
               : Error(ErrorCode::kTypeMismatch, StrCat(name, " must be a number"));
  }
  if (name == "query") {
    return CheckQuery(e.value(), scope);
  }
  if (name == "includeLocs" && !e.value().is_string()) {
    return Error(16607, "$geoNear requires that 'includeLocs' option is a String");
  }
  if (name == "key" && (!e.value().is_string() || e.value().AsString().empty())) {
    return Error(ErrorCode::kTypeMismatch, "$geoNear parameter 'key' must be a non-empty string");
  }
  return OkStatus();
}

}  // namespace

Status ParseGeoNear(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(10065, "invalid parameter: expected an object ($geoNear)");
  }
  const DocView arguments = spec.value().AsDoc();
  for (const bson::ElementView e : arguments) {
    RETURN_IF_ERROR(CheckArgument(e, scope));
  }
  const ValueView near = arguments.Find("near");
  if (!near.is_object() && !near.is_array()) {
    return Error(16605, "$geoNear requires a 'near' option as an Array");
  }
  if (!arguments.Find("distanceField").is_string()) {
    return Error(16606, "$geoNear requires a 'distanceField' option as a String");
  }
  out->push_back(std::make_unique<GeoNearStage>(arguments, scope.ns));
  return OkStatus();
}

}  // namespace septet::query
