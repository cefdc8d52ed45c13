// SPDX-License-Identifier: Apache-2.0
// Updates by a pipeline: $addFields/$set, $project/$unset, $replaceRoot/$replaceWith. A stage that
// drops _id does not change it. Errors: those of the stages; InvalidOptions for other stages,
// 40323, 40324. Proved by recorded_update_test (S03-039).
#include <algorithm>

#include "bson/ejson.h"

#include "base/strings.h"
#include "query/expression/field_path.h"
#include "query/expression/result.h"
#include "query/projection/projection.h"
#include "query/update/forms.h"

namespace septet::query {
namespace {

// Stages that exist but may not stand in an update. The list is for the error text only.
constexpr std::string_view kOtherStages[] = {"$bucket",
                                             "$bucketAuto",
                                             "$changeStream",
                                             "$collStats",
                                             "$count",
                                             "$currentOp",
                                             "$densify",
                                             "$documents",
                                             "$facet",
                                             "$fill",
                                             "$geoNear",
                                             "$graphLookup",
                                             "$group",
                                             "$indexStats",
                                             "$limit",
                                             "$listLocalSessions",
                                             "$listSessions",
                                             "$lookup",
                                             "$match",
                                             "$merge",
                                             "$out",
                                             "$planCacheStats",
                                             "$redact",
                                             "$sample",
                                             "$setWindowFields",
                                             "$skip",
                                             "$sort",
                                             "$sortByCount",
                                             "$unionWith",
                                             "$unwind"};

// One stage: a projection, or a new root.
struct UpdateStage {
  std::unique_ptr<const Projection> projection;
  ExpressionPtr new_root;
  bool replace_with = false;
};

StatusOr<std::string> UnsetSpec(ValueView v) {
  bson::DocBuilder spec;
  if (v.is_string()) {
    spec.Append(v.AsString(), 0);
  } else if (v.is_array()) {
    if (v.AsArray().empty()) {
      return Error(31119,
                   "$unset specification must be a string or an array with at least one field");
    }
    for (const bson::ElementView e : v.AsArray()) {
      if (!e.value().is_string()) {
        return Error(31120,
                     "$unset specification must be a string or an array containing only string "
                     "fields");
      }
      spec.Append(e.value().AsString(), 0);
    }
  } else {
    return Error(31002, "$unset specification must be a string or an array");
  }
  std::string bytes = spec.Finish();
  for (const bson::ElementView e : DocView(bytes)) {
    RETURN_IF_ERROR(Prefixed("Invalid $unset :: caused by :: ", ValidateFieldPath(e.name())));
  }
  return bytes;
}

StatusOr<UpdateStage> ParseProjectionStage(bson::ElementView stage, ParseContext* variables) {
  const std::string_view name = stage.name();
  std::string unset;
  DocView spec;
  ProjectionPolicy policy = ProjectionPolicy::kAddFields;
  if (name == "$unset") {
    ASSIGN_OR_RETURN(unset, UnsetSpec(stage.value()));
    spec = DocView(unset);
    policy = ProjectionPolicy::kUnset;
  } else if (!stage.value().is_object()) {
    return name == "$project"
               ? Error(15969, "$project specification must be an object")
               : Error(40272, StrCat(name, " specification stage must be an object, got ",
                                     bson::TypeName(stage.value().type())));
  } else {
    spec = stage.value().AsDoc();
    policy = name == "$project" ? ProjectionPolicy::kAggregate : ProjectionPolicy::kAddFields;
  }
  UpdateStage out;
  auto projection = ParseProjection(spec, policy, variables, nullptr);
  if (!projection.ok()) {
    return Prefixed(StrCat("Invalid ", name, " :: caused by :: "), projection.status());
  }
  out.projection = *std::move(projection);
  return out;
}

StatusOr<UpdateStage> ParseReplaceStage(bson::ElementView stage, ParseContext* variables) {
  UpdateStage out;
  out.replace_with = stage.name() == "$replaceWith";
  ValueView v = stage.value();
  if (!out.replace_with) {
    if (!v.is_object()) {
      return Error(40229, StrCat("expected an object as specification for $replaceRoot stage, got ",
                                 bson::TypeName(v.type())));
    }
    for (const bson::ElementView e : v.AsDoc()) {
      if (e.name() != "newRoot") {
        return Error(40415,
                     StrCat("BSON field '$replaceRoot.", e.name(), "' is an unknown field."));
      }
    }
    v = v.AsDoc()["newRoot"];
    if (v.missing()) {
      return Error(40414, "BSON field '$replaceRoot.newRoot' is missing but a required field");
    }
  }
  ASSIGN_OR_RETURN(out.new_root, ParseExpression(v, variables));
  return out;
}

StatusOr<UpdateStage> ParseStage(ValueView v, ParseContext* variables) {
  if (!v.is_object()) {
    return Error(ErrorCode::kTypeMismatch,
                 "Each element of the 'pipeline' array must be an object");
  }
  if (v.AsDoc().CountFields() != 1) {
    return Error(40323, "A pipeline stage specification object must contain exactly one field.");
  }
  const bson::ElementView stage = v.AsDoc().FirstElement();
  const std::string_view name = stage.name();
  if (name == "$addFields" || name == "$set" || name == "$project" || name == "$unset") {
    return ParseProjectionStage(stage, variables);
  }
  if (name == "$replaceRoot" || name == "$replaceWith") {
    return ParseReplaceStage(stage, variables);
  }
  if (std::find(std::begin(kOtherStages), std::end(kOtherStages), name) != std::end(kOtherStages)) {
    return Error(ErrorCode::kInvalidOptions,
                 StrCat(name, " is not allowed to be used within an update"));
  }
  return Error(40324, StrCat("Unrecognized pipeline stage name: '", name, "'"));
}

Status NotAnObject(const UpdateStage& stage, ValueView v, DocView input) {
  return Error(40228, StrCat(stage.replace_with ? "'replacement document'" : "'newRoot' expression",
                             " must evaluate to an object, but resulting value was: ",
                             v.missing() ? "MISSING" : ValueText(v), ". Type of resulting value: '",
                             bson::TypeName(v.type()), "'. Input document: ",
                             ValueText(ValueView(bson::Type::kObject, input.data()))));
}

class PipelineUpdate : public Update {
 public:
  static StatusOr<UpdatePtr> Parse(DocView stages, const UpdateOptions& options) {
    auto update = std::make_unique<PipelineUpdate>(stages);
    ParseContext own;
    own.collator = options.collator;
    ParseContext* const variables = options.variables != nullptr ? options.variables : &own;
    for (const bson::ElementView e : DocView(update->bytes_)) {
      ASSIGN_OR_RETURN(UpdateStage stage, ParseStage(e.value(), variables));
      update->stages_.push_back(std::move(stage));
    }
    RETURN_IF_ERROR(variables->fold_status());
    return UpdatePtr(std::move(update));
  }
  explicit PipelineUpdate(DocView stages) : bytes_(stages.ToBytes()) {}

  Status Apply(DocView doc, const MatchDetails*, EvalContext* ctx, bool,
               UpdateResult* result) const override {
    std::string current = doc.ToBytes();
    const DocView outer = ctx->root;
    const Status status = RunStages(ctx, &current);
    ctx->root = outer;
    RETURN_IF_ERROR(status);
    result->modified = current != doc.raw();
    result->replacement = false;
    result->log_entry.clear();
    result->document.clear();
    if (!result->modified) {
      result->document.assign(doc.raw());
      return OkStatus();
    }
    bson::DocBuilder out(&result->document);
    if (DocView(current).Has("_id")) {
      RETURN_IF_ERROR(CheckSameId(doc, DocView(current)));
      out.Append("_id", DocView(current)["_id"]);
    } else {
      out.Append("_id", doc["_id"]);
    }
    for (const bson::ElementView e : DocView(current)) {
      if (e.name() != "_id") {
        out.Append(e);
      }
    }
    out.Seal();
    RETURN_IF_ERROR(CheckDepth(ValueView(bson::Type::kObject, result->document.data()), 0));
    WriteLog(doc, result);
    return CheckSize(DocView(result->document));
  }

  StatusOr<std::string> MakeUpsertDocument(const Matcher& query, EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const std::string base, EqualityFields(query, false, ctx));
    UpdateResult result;
    RETURN_IF_ERROR(Apply(DocView(base), nullptr, ctx, true, &result));
    return WithIdFirst(DocView(result.document));
  }

  bool is_replacement() const override { return false; }
  bool NeedsMatchDetails() const override { return false; }
  void ChangedPaths(std::vector<std::string>*, bool* whole_document) const override {
    *whole_document = true;
  }

 private:
  Status RunStages(EvalContext* ctx, std::string* current) const {
    for (const UpdateStage& stage : stages_) {
      const DocView input(*current);
      ctx->root = input;
      std::string next;
      if (stage.projection != nullptr) {
        RETURN_IF_ERROR(stage.projection->Apply(input, ctx, nullptr, nullptr, &next));
      } else {
        ASSIGN_OR_RETURN(const ValueView v, stage.new_root->Evaluate(ctx));
        if (!v.is_object()) {
          return NotAnObject(stage, v, input);
        }
        next = v.AsDoc().ToBytes();
      }
      *current = std::move(next);
    }
    return OkStatus();
  }
  static void WriteLog(DocView before, UpdateResult* result) {
    const std::string diff = MakeDiff(before, DocView(result->document));
    if (diff.empty()) {
      result->replacement = true;
      result->log_entry = result->document;
      return;
    }
    bson::DocBuilder log(&result->log_entry);
    log.Append("$v", 2);
    log.Append("diff", DocView(diff));
    log.Seal();
  }

  std::string bytes_;
  std::vector<UpdateStage> stages_;
};

}  // namespace

StatusOr<UpdatePtr> ParsePipelineUpdate(DocView stages, const UpdateOptions& options) {
  return PipelineUpdate::Parse(stages, options);
}

}  // namespace septet::query
