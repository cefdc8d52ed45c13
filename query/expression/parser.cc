// SPDX-License-Identifier: Apache-2.0
// From BSON to the expression tree, and the scopes of variables.
#include <algorithm>
#include <memory>

#include "bson/ejson.h"

#include "base/strings.h"
#include "query/expression/expression.h"
#include "query/expression/field_path.h"
#include "query/expression/nodes.h"
#include "query/expression/operator.h"

namespace septet::query {

namespace {

struct BuiltInVariable {
  std::string_view name;
  VariableId id;
};
constexpr BuiltInVariable kBuiltIn[] = {
    {"CLUSTER_TIME", kVarClusterTime},
    {"CURRENT", kVarRoot},
    {"IS_MR", kVarIsMapReduce},
    {"JS_SCOPE", kVarJsScope},
    {"NOW", kVarNow},
    {"REMOVE", kVarRemove},
    {"ROOT", kVarRoot},
    {"USER_ROLES", kVarUserRoles},
};

// All rows of all families by name.
const std::vector<ExpressionRow>& Rows() {
  static const std::vector<ExpressionRow>* const rows = [] {
    auto* all = new std::vector<ExpressionRow>;  // lives as long as the process
    const auto add = [all](std::span<const ExpressionRow> family) {
      all->insert(all->end(), family.begin(), family.end());
    };
#define SEPTET_EXPRESSION_FAMILY(name) add(name##Expressions());
#include "query/expression/registry.def"
#undef SEPTET_EXPRESSION_FAMILY
    std::sort(all->begin(), all->end(),
              [](const ExpressionRow& a, const ExpressionRow& b) { return a.name < b.name; });
    return all;
  }();
  return *rows;
}

const ExpressionRow* FindRow(std::string_view name) {
  const std::vector<ExpressionRow>& rows = Rows();
  const auto at =
      std::lower_bound(rows.begin(), rows.end(), name,
                       [](const ExpressionRow& row, std::string_view n) { return row.name < n; });
  return at == rows.end() || at->name != name ? nullptr : &*at;
}

bool IsNameByte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         u >= 0x80;
}

// Names in "$$name": upper-case ones are allowed too.
Status ValidateReadName(std::string_view name) {
  if (name.empty()) {
    return Error(16866, "empty variable names are not allowed");
  }
  if (!IsNameByte(name[0]) || name[0] == '_' || (name[0] >= '0' && name[0] <= '9')) {
    return Error(16870,
                 StrCat("'", name, "' starts with an invalid character for a variable name"));
  }
  for (const char c : name.substr(1)) {
    if (!IsNameByte(c)) {
      return Error(16871, StrCat("'", name,
                                 "' contains an invalid character for a variable name: '", c, "'"));
    }
  }
  return OkStatus();
}

// `text` starts with '$'.
StatusOr<ExpressionPtr> ParsePath(std::string_view text, ParseContext* ctx) {
  if (text.size() == 1) {
    return Error(16872, "'$' by itself is not a valid FieldPath");
  }
  if (text[1] != '$') {
    const std::string_view path = text.substr(1);
    RETURN_IF_ERROR(ValidateFieldPath(path));
    ASSIGN_OR_RETURN(const VariableId current, ctx->Lookup("CURRENT"));
    return ExpressionPtr(
        std::make_unique<PathExpression>(current, current == kVarRoot ? "ROOT" : "CURRENT", path));
  }
  const std::string_view rest = text.substr(2);
  const size_t dot = rest.find('.');
  const std::string_view name = rest.substr(0, dot);
  RETURN_IF_ERROR(ValidateReadName(name));
  ASSIGN_OR_RETURN(const VariableId id, ctx->Lookup(name));
  std::string_view path;
  if (dot != std::string_view::npos) {
    path = rest.substr(dot + 1);
    RETURN_IF_ERROR(ValidateFieldPath(path.empty() ? rest : path));
  }
  return ExpressionPtr(std::make_unique<PathExpression>(id, name, path));
}

StatusOr<ExpressionPtr> ParseObject(DocView object, ParseContext* ctx) {
  if (object.empty()) {
    return MakeConstant({bson::Type::kObject, object.data()});
  }
  if (object.FirstElement().name().starts_with('$')) {
    return ParseOperator(object, ctx);
  }
  std::vector<ObjectExpression::Field> fields;
  bool constant = true;
  for (const bson::ElementView e : object) {
    RETURN_IF_ERROR(ValidateFieldName(e.name()));
    for (const auto& [name, unused] : fields) {
      if (name == e.name()) {
        return Error(16406, StrCat("duplicate field name specified in object literal: ",
                                   bson::ToShellText(object)));
      }
    }
    ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression(e.value(), ctx));
    constant = constant && !value->Constant().missing();
    fields.emplace_back(e.name(), std::move(value));
  }
  ExpressionPtr made = std::make_unique<ObjectExpression>(std::move(fields));
  return constant ? Fold(std::move(made), ctx) : std::move(made);
}

StatusOr<ExpressionPtr> ParseArray(ValueView array, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto items, ParseOperands(array, ctx));
  const bool constant = AllConstant(items);
  ExpressionPtr made = std::make_unique<ArrayExpression>(std::move(items));
  return constant ? Fold(std::move(made), ctx) : std::move(made);
}

}  // namespace

VariableId ParseContext::Declare(std::string_view name) {
  scope_.push_back({std::string(name), next_id_});
  return next_id_++;
}

Status ParseContext::CheckMetaAvailable() const {
  if ((meta_uses_ & kMetaTextScore) != 0) {
    return Error(40218, "query requires text score metadata, but it is not available");
  }
  if ((meta_uses_ & kMetaGeoNear) != 0) {
    return Error(40218, "query requires $geoNear distance metadata, but it is not available");
  }
  return OkStatus();
}

std::vector<VariableId> ParseContext::InScope() const {
  std::vector<VariableId> out;
  for (const Entry& entry : scope_) {
    out.push_back(entry.id);
  }
  return out;
}

StatusOr<VariableId> ParseContext::Lookup(std::string_view name) const {
  for (auto entry = scope_.rbegin(); entry != scope_.rend(); ++entry) {
    if (entry->name == name) {
      return entry->id;
    }
  }
  for (const BuiltInVariable& variable : kBuiltIn) {
    if (variable.name == name) {
      return variable.id;
    }
  }
  return Error(17276, StrCat("Use of undefined variable: ", name));
}

Status ValidateVariableName(std::string_view name) {
  if (name.empty()) {
    return Error(16866, "empty variable names are not allowed");
  }
  if (name == "CURRENT") {
    return OkStatus();
  }
  const auto first = static_cast<unsigned char>(name[0]);
  if (!(name[0] >= 'a' && name[0] <= 'z') && first < 0x80) {
    return Error(16867,
                 StrCat("'", name, "' starts with an invalid character for a user variable name"));
  }
  for (const char c : name.substr(1)) {
    if (!IsNameByte(c)) {
      return Error(16868, StrCat("'", name,
                                 "' contains an invalid character for a variable name: '", c, "'"));
    }
  }
  return OkStatus();
}

bool IsExpressionOperator(std::string_view name) {
  return FindRow(name) != nullptr;
}

StatusOr<ExpressionPtr> ParseOperator(DocView object, ParseContext* ctx) {
  const bson::ElementView first = object.FirstElement();
  if (object.CountFields() != 1) {
    return Error(15983, StrCat("An object representing an expression must have exactly one field: ",
                               bson::ToShellText(object)));
  }
  const ExpressionRow* row = FindRow(first.name());
  if (row == nullptr) {
    return Error(ErrorCode::kInvalidPipelineOperator,
                 StrCat("Unrecognized expression '", first.name(), "'"));
  }
  return row->parse(row->name, first.value(), ctx);
}

StatusOr<ExpressionPtr> ParseExpression(ValueView v, ParseContext* ctx) {
  if (v.is_object()) {
    return ParseObject(v.AsDoc(), ctx);
  }
  if (v.is_array()) {
    return ParseArray(v, ctx);
  }
  if (v.is_string() && v.AsString().starts_with('$')) {
    return ParsePath(v.AsString(), ctx);
  }
  return MakeConstant(v);
}

}  // namespace septet::query
