// SPDX-License-Identifier: Apache-2.0
#include "query/expression/nodes.h"

#include "base/strings.h"
#include "query/expression/result.h"

namespace septet::query {

namespace {

// Follows path parts from `from` on. Missing where nothing is there.
ValueView Follow(ValueView v, const bson::FieldPath& path, size_t from, EvalContext* ctx) {
  for (; from < path.size(); ++from) {
    if (v.is_object()) {
      v = v.AsDoc().Find(path.part(from));
      continue;
    }
    if (!v.is_array()) {
      return {};
    }
    ArrayWriter out(ctx);
    for (const bson::ElementView e : v.AsArray()) {
      if (e.value().is_object()) {
        const ValueView item = Follow(e.value(), path, from, ctx);
        if (!item.missing()) {
          out.Add(item);
        }
      }
    }
    return out.Finish();
  }
  return v;
}

StatusOr<ValueView> BuiltIn(VariableId id, std::string_view name, EvalContext* ctx) {
  switch (id) {
    case kVarRoot:
      return ValueView(bson::Type::kObject, ctx->root.data());
    case kVarRemove:
      return ValueView();
    case kVarNow:
      return ctx->arena->Date(ctx->now_millis);
    case kVarClusterTime:
      if (ctx->cluster_time.IsNull()) {
        return Error(51144, "Builtin variable '$$CLUSTER_TIME' is not available");
      }
      return ctx->arena->Time(ctx->cluster_time);
    case kVarUserRoles:
      return ValueView(bson::Type::kArray, ctx->user_roles.data());
    default:
      return Error(4631100, StrCat("Use of undefined variable '$$", name, "'."));
  }
}

}  // namespace

void ConstantExpression::Serialize(std::string_view name, bson::DocBuilder* out) const {
  auto object = out->Object(name);
  out->Append("$const", value_.view());
}

StatusOr<ValueView> PathExpression::Evaluate(EvalContext* ctx) const {
  ValueView base;
  if (variable_ >= 0) {
    base = ctx->Get(variable_);
  } else if (variable_ == kVarRoot) {
    base = {bson::Type::kObject, ctx->root.data()};
  } else {
    ASSIGN_OR_RETURN(base, BuiltIn(variable_, variable_name_, ctx));
  }
  return Follow(base, path_, 0, ctx);
}

void PathExpression::Serialize(std::string_view name, bson::DocBuilder* out) const {
  std::string text;
  if (variable_ == kVarRoot && path_.size() > 0) {
    text = StrCat("$", path_.text());
  } else {
    text = StrCat("$$", variable_name_);
    if (path_.size() > 0) {
      StrAppend(&text, ".", path_.text());
    }
  }
  out->Append(name, text);
}

void PathExpression::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  if (variable_ != kVarRoot) {
    return;
  }
  if (path_.size() == 0) {
    *whole_document = true;
  } else {
    paths->push_back(path_.text());
  }
}

StatusOr<ValueView> ObjectExpression::Evaluate(EvalContext* ctx) const {
  ObjectWriter out(ctx);
  for (const auto& [name, expression] : fields_) {
    ASSIGN_OR_RETURN(const ValueView v, expression->Evaluate(ctx));
    out.Add(name, v);
  }
  return out.Finish();
}

void ObjectExpression::Serialize(std::string_view name, bson::DocBuilder* out) const {
  auto object = out->Object(name);
  for (const auto& [field, expression] : fields_) {
    expression->Serialize(field, out);
  }
}

void ObjectExpression::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  for (const auto& [field, expression] : fields_) {
    expression->Dependencies(paths, whole_document);
  }
}

StatusOr<ValueView> ArrayExpression::Evaluate(EvalContext* ctx) const {
  ArrayWriter out(ctx);
  for (const ExpressionPtr& item : items_) {
    ASSIGN_OR_RETURN(const ValueView v, item->Evaluate(ctx));
    out.Add(v);
  }
  return out.Finish();
}

void ArrayExpression::Serialize(std::string_view name, bson::DocBuilder* out) const {
  auto array = out->Array(name);
  for (const ExpressionPtr& item : items_) {
    item->Serialize(out->NextIndex(), out);
  }
}

void ArrayExpression::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  for (const ExpressionPtr& item : items_) {
    item->Dependencies(paths, whole_document);
  }
}

}  // namespace septet::query
