// SPDX-License-Identifier: Apache-2.0
// From a specification to a tree. The first field that includes or excludes (other than _id)
// decides the mode; $slice and $meta leave it open and end as exclusion, everything else as
// inclusion. Proved by recorded_projection_test (S03-028 to S03-036, S04-001, S04-028).
#include <cmath>
#include <optional>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/field_path.h"
#include "query/projection/tree.h"

namespace septet::query {
namespace {

using bson::ElementView;
using Kind = ProjectionField::Kind;

class ProjectionParser {
 public:
  ProjectionParser(ProjectionPolicy policy, ParseContext* ctx) : policy_(policy), ctx_(ctx) {}

  StatusOr<ProjectionTree> Parse(DocView spec) {
    tree_.policy = policy_;
    tree_.spec = spec.ToBytes();
    if (spec.empty() && policy_ == ProjectionPolicy::kAggregate) {
      return Error(51272, "projection specification must have at least one field");
    }
    if (spec.empty() && policy_ == ProjectionPolicy::kAddFields) {
      return Error(40177, "specification must have at least one field");
    }
    for (const ElementView e : spec) {
      RETURN_IF_ERROR(ParseField("", e));
    }
    if (policy_ == ProjectionPolicy::kFind && !ctx_->fold_status().ok()) {
      return ctx_->fold_status();
    }
    Finish();
    return std::move(tree_);
  }

 private:
  bool is_find() const { return policy_ == ProjectionPolicy::kFind; }
  bool is_add() const { return policy_ == ProjectionPolicy::kAddFields; }

  Status ParseField(const std::string& prefix, ElementView e);
  Status ParseFlag(const std::string& path, std::string_view name, bool include);
  Status ParsePositional(const std::string& path, ElementView e);
  Status ParseObject(const std::string& path, DocView v);
  Status ParseAddedObject(const std::string& path, DocView v);
  Status ParseOperatorField(const std::string& path, DocView v);
  Status ParseSlice(const std::string& path, DocView v);
  Status ParseElemMatch(const std::string& path, ValueView query);
  Status ParseComputed(const std::string& path, ValueView v);

  // The field at the end of a path, made with its parents; fails on a collision.
  StatusOr<ProjectionField*> Add(const std::string& path);
  Status Collision(const std::string& path, const bson::FieldPath& parts, size_t depth) const;
  Status SetMode(ProjectionMode mode, std::string_view name);
  void Finish();
  static bool MarkComputed(ProjectionNode* node);

  ProjectionPolicy policy_;
  ParseContext* ctx_;
  ProjectionTree tree_;
  std::optional<ProjectionMode> mode_;
  std::optional<bool> id_;  // {_id: 1} or {_id: 0}
  bool has_slice_ = false;
  bool has_meta_ = false;
  bool has_elem_match_ = false;
};

Status ProjectionParser::SetMode(ProjectionMode mode, std::string_view name) {
  if (mode_ && *mode_ != mode) {
    if (mode == ProjectionMode::kInclude) {
      return Error(31253,
                   StrCat("Cannot do inclusion on field ", name, " in exclusion projection"));
    }
    return Error(31254, StrCat("Cannot do exclusion on field ", name, " in inclusion projection"));
  }
  mode_ = mode;
  return OkStatus();
}

Status ProjectionParser::Collision(const std::string& path, const bson::FieldPath& parts,
                                   size_t depth) const {
  std::string at(parts.part(0));
  for (size_t i = 1; i <= depth; ++i) {
    StrAppend(&at, ".", parts.part(i));
  }
  if (is_add()) {
    return Error(40176,
                 StrCat("specification contains two conflicting paths. Cannot specify both '", path,
                        "' and '", at, "': ", bson::ToShellText(DocView(tree_.spec))));
  }
  if (depth + 1 == parts.size()) {
    return Error(31250, StrCat("Path collision at ", path));
  }
  return Error(
      31249, StrCat("Path collision at ", path, " remaining portion ", path.substr(at.size() + 1)));
}

StatusOr<ProjectionField*> ProjectionParser::Add(const std::string& path) {
  const bson::FieldPath parts(path);
  ProjectionNode* node = &tree_.root;
  for (size_t i = 0;; ++i) {
    const bool last = i + 1 == parts.size();
    auto* field = const_cast<ProjectionField*>(node->Find(parts.part(i)));
    if (field != nullptr && (last || field->kind != Kind::kBelow)) {
      return Collision(path, parts, i);
    }
    if (field == nullptr) {
      node->fields.emplace_back();
      field = &node->fields.back();
      field->name = parts.part(i);
      if (!last) {
        field->kind = Kind::kBelow;
        field->below = std::make_unique<ProjectionNode>();
      }
    }
    if (last) {
      return field;
    }
    node = field->below.get();
  }
}

Status ProjectionParser::ParseFlag(const std::string& path, std::string_view name, bool include) {
  if (path == "_id") {
    id_ = include;
    if (include) {
      return Add(path).status();
    }
    tree_.id_excluded = true;
    return Add(path).status();
  }
  RETURN_IF_ERROR(SetMode(include ? ProjectionMode::kInclude : ProjectionMode::kExclude, name));
  return Add(path).status();
}

Status ProjectionParser::ParsePositional(const std::string& path, ElementView e) {
  const ValueView v = e.value();
  if (!v.is_number() && v.type() != bson::Type::kBool) {
    return Error(31308, "positional projection cannot be used with a literal");
  }
  if (!v.Truthy() || mode_ == ProjectionMode::kExclude) {
    return Error(31395, "positional projection cannot be used with exclusion");
  }
  if (tree_.positional) {
    return Error(31276, "Cannot specify more than one positional projection per query.");
  }
  if (has_elem_match_) {
    return Error(31255, "Cannot specify positional operator and $elemMatch.");
  }
  tree_.positional = true;
  RETURN_IF_ERROR(SetMode(ProjectionMode::kInclude, path));
  RETURN_IF_ERROR(Add(path).status());
  const bson::FieldPath parts(path);
  ProjectionNode* node = &tree_.root;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto* field = const_cast<ProjectionField*>(node->Find(parts.part(i)));
    field->positional = true;
    node = field->below.get();
  }
  return OkStatus();
}

Status ProjectionParser::ParseField(const std::string& prefix, ElementView e) {
  std::string path = prefix.empty() ? std::string(e.name()) : StrCat(prefix, ".", e.name());
  if (is_find()) {
    if (path.ends_with(".$") && path.size() > 2) {
      path.resize(path.size() - 2);
      RETURN_IF_ERROR(ValidateFieldPath(path));
      return ParsePositional(path, e);
    }
    if (path.find(".$.") != std::string::npos) {
      return Error(31394,
                   "As of 4.4, it's illegal to specify positional operator in the middle of a "
                   "path.Positional projection may only be used at the end, for example: a.b.$. If "
                   "the query previously used a form like a.b.$.d, remove the parts following the "
                   "'$' and the results will be equivalent.");
    }
  }
  if (!prefix.empty() && e.name().empty()) {
    return Error(40352, "FieldPath cannot be constructed with empty string");
  }
  RETURN_IF_ERROR(ValidateFieldPath(path));
  const ValueView v = e.value();
  if (v.is_object()) {
    return is_add() ? ParseAddedObject(path, v.AsDoc()) : ParseObject(path, v.AsDoc());
  }
  if (!is_add() && (v.is_number() || v.type() == bson::Type::kBool)) {
    return ParseFlag(path, e.name(), v.Truthy());
  }
  return ParseComputed(path, v);
}

Status ProjectionParser::ParseObject(const std::string& path, DocView v) {
  if (v.empty()) {
    return Error(51270, "An empty sub-projection is not a valid value. Found empty object at path");
  }
  if (v.FirstElement().name().starts_with('$') && v.CountFields() == 1) {
    return ParseOperatorField(path, v);
  }
  for (const ElementView e : v) {
    RETURN_IF_ERROR(ParseField(path, e));
  }
  return OkStatus();
}

Status ProjectionParser::ParseAddedObject(const std::string& path, DocView v) {
  if (v.empty()) {
    return Error(40180,
                 StrCat("an empty object is not a valid value. Found empty object at path ", path));
  }
  if (v.FirstElement().name().starts_with('$')) {
    const int count = v.CountFields();
    if (count > 1) {
      return Error(
          40181, StrCat("an expression specification must contain exactly one field, the name of "
                        "the expression. Found ",
                        count, " fields in ", bson::ToShellText(v), ", while parsing path ", path));
    }
    return ParseComputed(path, ValueView(bson::Type::kObject, v.data()));
  }
  for (const ElementView e : v) {
    if (e.name().find('.') != std::string_view::npos) {
      return Error(40183, StrCat("cannot use dotted field name '", e.name(),
                                 "' in a sub object: ", bson::ToShellText(v)));
    }
    RETURN_IF_ERROR(ParseField(path, e));
  }
  return OkStatus();
}

Status ProjectionParser::ParseOperatorField(const std::string& path, DocView v) {
  const std::string_view op = v.FirstElement().name();
  if (is_find() && op == "$slice") {
    return ParseSlice(path, v);
  }
  if (op == "$elemMatch") {
    if (!is_find()) {
      return Error(ErrorCode::kInvalidPipelineOperator, "Cannot use $elemMatch in this context");
    }
    return ParseElemMatch(path, v.FirstElement().value());
  }
  if (!IsExpressionOperator(op)) {
    return Error(31325, StrCat("Unknown expression ", op));
  }
  return ParseComputed(path, ValueView(bson::Type::kObject, v.data()));
}

// A number of a find $slice; false if it is none. Cut to int32.
bool SliceNumber(ValueView v, int64_t* out) {
  if (!v.is_number()) {
    return false;
  }
  *out = std::clamp<int64_t>(bson::ToInt64Clamped(v), INT32_MIN, INT32_MAX);
  return true;
}

Status ProjectionParser::ParseSlice(const std::string& path, DocView v) {
  const ValueView operand = v.FirstElement().value();
  int64_t skip = 0;
  int64_t limit = 0;
  bool matched = SliceNumber(operand, &limit);
  if (matched && limit < 0) {
    skip = limit;
    limit = -limit;
  } else if (operand.is_array() && operand.AsArray().CountFields() == 2) {
    auto item = operand.AsArray().begin();
    matched = SliceNumber(item->value(), &skip);
    ++item;
    matched = matched && SliceNumber(item->value(), &limit) && limit > 0;
  }
  if (!matched) {
    const Status status = ParseComputed(path, ValueView(bson::Type::kObject, v.data()));
    if (!status.ok() && !operand.is_array()) {
      return Prefixed(StrCat("Invalid $slice syntax. The given syntax ", bson::ToShellText(v),
                             " did not match the find() syntax because :: Location31273: $slice "
                             "only supports numbers and [skip, limit] arrays :: The given syntax "
                             "did not match the expression $slice syntax. :: caused by :: "),
                      status);
    }
    return status;
  }
  has_slice_ = true;
  ASSIGN_OR_RETURN(ProjectionField * field, Add(path));
  field->kind = Kind::kSlice;
  field->skip = skip;
  field->limit = limit;
  return OkStatus();
}

Status ProjectionParser::ParseElemMatch(const std::string& path, ValueView query) {
  if (!query.is_object()) {
    return Error(31274, StrCat("elemMatch: Invalid argument, object required, but got ",
                               bson::TypeName(query.type())));
  }
  if (tree_.positional) {
    return Error(31255, "Cannot specify positional operator and $elemMatch.");
  }
  if (path.find('.') != std::string::npos) {
    return Error(31275, "Cannot use $elemMatch projection on a nested field.");
  }
  bson::DocBuilder filter;
  filter.OpenObject(path);
  filter.Append("$elemMatch", query);
  filter.Close();
  const std::string bytes = filter.Finish();
  MatchOptions options;
  options.collator = ctx_->collator;
  options.variables = ctx_;
  options.allow_text = false;
  options.allow_geo_near = false;
  options.allow_where = false;
  ASSIGN_OR_RETURN(auto matcher, Matcher::Parse(DocView(bytes), options));
  has_elem_match_ = true;
  ASSIGN_OR_RETURN(ProjectionField * field, Add(path));
  field->kind = Kind::kElemMatch;
  field->matcher = std::move(matcher);
  return OkStatus();
}

Status ProjectionParser::ParseComputed(const std::string& path, ValueView v) {
  const bool is_meta = v.is_object() && v.AsDoc().FirstElement().name() == "$meta";
  const bool open = is_meta && is_find();
  if (!is_add() && !open) {
    if (mode_ == ProjectionMode::kExclude) {
      return Error(31310, StrCat("Cannot use an expression ", path, ": ", bson::ToShellText(v),
                                 " in an exclusion projection"));
    }
    mode_ = ProjectionMode::kInclude;
  }
  ASSIGN_OR_RETURN(ExpressionPtr expression, ParseExpression(v, ctx_));
  ASSIGN_OR_RETURN(ProjectionField * field, Add(path));
  field->kind = Kind::kComputed;
  field->expression = std::move(expression);
  field->is_meta = is_meta;
  has_meta_ = has_meta_ || open;
  return OkStatus();
}

bool ProjectionParser::MarkComputed(ProjectionNode* node) {
  for (ProjectionField& field : node->fields) {
    if (field.kind == Kind::kComputed || (field.below && MarkComputed(field.below.get()))) {
      node->has_computed = true;
    }
  }
  return node->has_computed;
}

void ProjectionParser::Finish() {
  if (is_add()) {
    tree_.mode = ProjectionMode::kAdd;
  } else if (mode_) {
    tree_.mode = *mode_;
  } else if (id_ == true) {
    tree_.mode = ProjectionMode::kInclude;
  } else if (id_ == false || has_slice_ || has_meta_ || !has_elem_match_) {
    tree_.mode = ProjectionMode::kExclude;
  } else {
    tree_.mode = ProjectionMode::kInclude;
  }
  // _id goes by its own flag: kept in an inclusion unless {_id: 0}, and the other way round.
  auto& fields = tree_.root.fields;
  if (tree_.mode == ProjectionMode::kInclude) {
    if (id_ == false) {
      std::erase_if(fields, [](const ProjectionField& f) { return f.name == "_id"; });
    } else if (tree_.root.Find("_id") == nullptr) {
      fields.emplace(fields.begin())->name = "_id";
    }
  } else if (tree_.mode == ProjectionMode::kExclude && id_ == true) {
    std::erase_if(fields, [](const ProjectionField& f) { return f.name == "_id"; });
  }
  MarkComputed(&tree_.root);
}

}  // namespace

StatusOr<ProjectionTree> ParseProjectionTree(DocView spec, ProjectionPolicy policy,
                                             ParseContext* ctx) {
  return ProjectionParser(policy, ctx).Parse(spec);
}

StatusOr<std::unique_ptr<const Projection>> ParseProjection(DocView spec, ProjectionPolicy policy,
                                                            ParseContext* ctx, const Matcher*) {
  ParseContext own;
  ASSIGN_OR_RETURN(ProjectionTree tree,
                   ParseProjectionTree(spec, policy, ctx != nullptr ? ctx : &own));
  return std::make_unique<TreeProjection>(std::move(tree));
}

}  // namespace septet::query
