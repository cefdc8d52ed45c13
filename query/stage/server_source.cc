// SPDX-License-Identifier: Apache-2.0
// Stages whose rows come from the server itself: $currentOp, $collStats, $indexStats, $planCacheStats,
// $listLocalSessions. The rows are made by PipelineRun::source. Errors: 40166, 28803, 9.
#include "base/strings.h"
#include "bson/ejson.h"
#include "query/stage/pipeline.h"

namespace septet::query {

Status ParseServerSource(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class ServerSource final : public Stage {
 public:
  ServerSource(std::string name, std::string spec) : name_(std::move(name)), spec_(std::move(spec)) {}
  std::string_view name() const override { return name_; }
  StatusOr<NodePtr> MakeNode(NodePtr, const PipelineRun& run, const Stage*) const override {
    if (!run.source) {
      return Error(ErrorCode::kInternalError, StrCat(name_, " has no source here"));
    }
    std::vector<std::string> documents;
    RETURN_IF_ERROR(run.source(name_, DocView(spec_), &documents));
    return MakeOwnedSource(std::move(documents), name_);
  }
  void Serialize(bson::DocBuilder* out) const override { out->Append(name_, DocView(spec_)); }

 private:
  std::string name_;
  std::string spec_;
};

Status CheckOptions(std::string_view stage, DocView spec) {
  static constexpr std::string_view kCurrentOp[] = {"allUsers",     "idleConnections", "idleCursors",
                                                    "idleSessions", "localOps",        "backtrace",
                                                    "truncateOps"};
  if (stage == "$indexStats" && !spec.empty()) {
    return Error(28803, "The $indexStats stage specification must be an empty object");
  }
  if (stage != "$currentOp") {
    return OkStatus();
  }
  for (const bson::ElementView e : spec) {
    bool known = false;
    for (const std::string_view option : kCurrentOp) {
      known = known || option == e.name();
    }
    if (!known) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("Unrecognized option '", e.name(), "' in $currentOp stage."));
    }
    if (e.value().type() != bson::Type::kBool) {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("The '", e.name(), "' parameter of the $currentOp stage must be a boolean "
                          "value, but found: ", TypeText(e.value())));
    }
  }
  return OkStatus();
}

}  // namespace

Status ParseServerSource(bson::ElementView spec, const PipelineScope&, StageList* out) {
  const std::string_view name = spec.name();
  const ValueView v = spec.value();
  if (!v.is_object()) {
    if (name == "$collStats") {
      return Error(40166, StrCat("$collStats must take a nested object but found: $collStats: ",
                                 bson::ToShellText(v)));
    }
    if (name == "$currentOp") {
      return Error(ErrorCode::kTypeMismatch, StrCat("$currentOp options must be specified in an object, "
                                                    "but found: ", TypeText(v)));
    }
    return Error(ErrorCode::kFailedToParse,
                 StrCat("The ", name, " stage specification must be an object"));
  }
  RETURN_IF_ERROR(CheckOptions(name, v.AsDoc()));
  out->push_back(std::make_unique<ServerSource>(std::string(name), v.AsDoc().ToBytes()));
  return OkStatus();
}

}  // namespace septet::query
