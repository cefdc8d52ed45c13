// SPDX-License-Identifier: Apache-2.0
// {$group: {_id: <expr>, field: {<accumulator>: <expr>}, ...}}. Errors: 15947, 15948, 15955, 40234..40238
// and the accumulators'.
#include "base/strings.h"
#include "query/exec/explain_node.h"
#include "query/expression/accumulator.h"
#include "query/stage/group_table.h"
#include "query/stage/stage.h"

namespace septet::query {

Status ParseGroup(bson::ElementView spec, const PipelineScope& scope, StageList* out);

namespace {

class GroupStage final : public Stage {
 public:
  explicit GroupStage(GroupSpec spec) : spec_(std::move(spec)) {}
  std::string_view name() const override { return "$group"; }
  StatusOr<NodePtr> MakeNode(NodePtr input, const PipelineRun&, const Stage*) const override {
    return MakeGroupNode(std::move(input), &spec_);
  }
  void Serialize(bson::DocBuilder* out) const override {
    const auto scope = out->Object(name());
    spec_.id->Serialize("_id", out);
    for (const GroupField& field : spec_.fields) {
      field.accumulator->Serialize(field.name, out);
    }
  }
  bool Dependencies(std::vector<std::string>* paths) const override {
    bool whole = false;
    spec_.id->Dependencies(paths, &whole);
    for (const GroupField& field : spec_.fields) {
      field.accumulator->Dependencies(paths, &whole);
    }
    return !whole;
  }

 private:
  GroupSpec spec_;
};

// Appends `v`; an object literal of one field gets null for a missing value of it, as a server answers
// {_id: {a: "$missing"}}. (One of several fields stays away.)
void AppendId(std::string_view name, ValueView v, bson::DocBuilder* out) {
  const bool literal = v.is_object() && v.AsDoc().CountFields() == 1 &&
                       !v.AsDoc().FirstElement().name().starts_with('$');
  if (!literal) {
    const auto object = out->Object(name);
    const auto operands = out->Array("$ifNull");
    out->Add(v);
    out->AppendNull(out->NextIndex());
    return;
  }
  const auto object = out->Object(name);
  AppendId(v.AsDoc().FirstElement().name(), v.AsDoc().FirstElement().value(), out);
}

StatusOr<ExpressionPtr> ParseId(ValueView v, ParseContext* ctx) {
  const bool literal = v.is_object() && v.AsDoc().CountFields() == 1 &&
                       !v.AsDoc().FirstElement().name().starts_with('$');
  if (!literal) {
    return ParseExpression(v, ctx);
  }
  bson::DocBuilder out;
  AppendId("id", v, &out);
  const std::string bytes = out.Finish();
  return ParseExpression(DocView(bytes).FirstElement().value(), ctx);
}

Status CheckFieldName(std::string_view name) {
  if (name.find('.') != std::string_view::npos) {
    return Error(40235, StrCat("The field name '", name, "' cannot contain '.'"));
  }
  if (name.starts_with('$')) {
    return Error(40236, StrCat("The field name '", name, "' cannot be an operator name"));
  }
  return OkStatus();
}

}  // namespace

Status ParseGroup(bson::ElementView spec, const PipelineScope& scope, StageList* out) {
  if (!spec.value().is_object()) {
    return Error(15947, "a group's fields must be specified in an object");
  }
  GroupSpec group;
  for (const bson::ElementView e : spec.value().AsDoc()) {
    if (e.name() == "_id") {
      if (group.id) {
        return Error(15948, "a group's _id may only be specified once");
      }
      ASSIGN_OR_RETURN(group.id, ParseId(e.value(), scope.variables));
      continue;
    }
    if (!e.value().is_object()) {
      return Error(40234, StrCat("The field '", e.name(), "' must be an accumulator object"));
    }
    RETURN_IF_ERROR(CheckFieldName(e.name()));
    ASSIGN_OR_RETURN(auto accumulator, ParseAccumulator(e.name(), e.value(), scope.variables));
    group.fields.push_back({std::string(e.name()), std::move(accumulator)});
  }
  if (!group.id) {
    return Error(15955, "a group specification must include an _id");
  }
  out->push_back(std::make_unique<GroupStage>(std::move(group)));
  return OkStatus();
}

}  // namespace septet::query
