// SPDX-License-Identifier: Apache-2.0
// The document an upsert starts from: the fields the query compares for equality (below $and too,
// and $in and $all of one value, which are equalities after normalisation). Proved by
// recorded_update_test (S03-057, S05-081).
#include <algorithm>

#include "base/strings.h"
#include "query/update/forms.h"

namespace septet::query {
namespace {

struct Equality {
  const bson::FieldPath* path;
  ValueView value;
};

void Collect(const MatchNode& node, std::vector<Equality>* out) {
  if (node.kind() == MatchKind::kEq) {
    out->push_back({&node.path(), node.operand()});
  } else if (node.kind() == MatchKind::kAnd) {
    for (const auto& child : node.children()) {
      Collect(*child, out);
    }
  }
}

bool HasExpr(const MatchNode& node) {
  return node.kind() == MatchKind::kExpr ||
         std::any_of(node.children().begin(), node.children().end(),
                     [](const auto& child) { return HasExpr(*child); });
}

Status CheckDistinct(const std::vector<Equality>& equalities) {
  for (size_t i = 0; i < equalities.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bson::FieldPath& a = *equalities[i].path;
      const bson::FieldPath& b = *equalities[j].path;
      if (a.text() == b.text()) {
        return Error(
            ErrorCode::kNotSingleValueField,
            StrCat("cannot infer query fields to set, path '", a.text(), "' is matched twice"));
      }
      if (a.Covers(b) || b.Covers(a)) {
        return Error(ErrorCode::kNotSingleValueField,
                     StrCat("cannot infer query fields to set, both paths '", a.text(), "' and '",
                            b.text(), "' are matched"));
      }
    }
  }
  return OkStatus();
}

Status CheckIdType(ValueView id) {
  switch (id.type()) {
    case bson::Type::kArray:
    case bson::Type::kRegex:
    case bson::Type::kUndefined:
      return Error(ErrorCode::kInvalidIdField,
                   StrCat("The '_id' value cannot be of type ", bson::TypeName(id.type())));
    default:
      return OkStatus();
  }
}

}  // namespace

StatusOr<std::string> EqualityFields(const Matcher& query, bool id_only, EvalContext* ctx) {
  if (HasExpr(query.root())) {
    return Error(ErrorCode::kQueryFeatureNotAllowed,
                 "$expr is not allowed in the query predicate for an upsert");
  }
  std::vector<Equality> equalities;
  Collect(query.root(), &equalities);
  if (id_only) {
    std::erase_if(equalities, [](const Equality& e) { return e.path->text() != "_id"; });
  }
  RETURN_IF_ERROR(CheckDistinct(equalities));
  const UpdateOptions options;
  UpdateTree tree;
  UpdateParser parser(options, &tree);
  for (const Equality& e : equalities) {
    RETURN_IF_ERROR(parser.AddLeaf(e.path->text(), MakeSetLeaf(e.value)));
  }
  UpdateRun run;
  run.ctx = ctx;
  run.arena = ctx->arena;
  Edit edit;
  std::string out;
  RETURN_IF_ERROR(tree.root.ApplyToDocument(&run, &edit, &out));
  return out.empty() ? DocView().ToBytes() : out;
}

StatusOr<std::string> WithIdFirst(DocView doc) {
  const ValueView id = doc["_id"];
  RETURN_IF_ERROR(CheckIdType(id));
  bson::DocBuilder out;
  if (id.missing()) {
    out.Append("_id", bson::ObjectId::Generate());
  } else {
    out.Append("_id", id);
  }
  for (const bson::ElementView e : doc) {
    if (e.name() != "_id") {
      out.Append(e);
    }
  }
  return out.Finish();
}

}  // namespace septet::query
