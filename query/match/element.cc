// SPDX-License-Identifier: Apache-2.0
// $exists and $type: {a: {$exists: true}}, {a: {$type: "string"}}, {a: {$type: [2, "number"]}}.
// Errors: BadValue, TypeMismatch, FailedToParse. Proved by recorded_filter_test (S03-006, S03-007).
#include "query/match/parser.h"
#include "query/match/type_set.h"

namespace septet::query {
namespace {

class ExistsNode : public LeafNode {
 public:
  explicit ExistsNode(std::string_view path) : LeafNode(MatchKind::kExists, path) {}
  bool TestValue(ValueView v, MatchState*) const override { return !v.missing(); }
  void SerializeOperator(bson::DocBuilder* out) const override { out->Append("$exists", true); }
};

class TypeNode : public LeafNode {
 public:
  TypeNode(std::string_view path, const TypeSet& types, ValueView operand)
      : LeafNode(MatchKind::kType, path), types_(types), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool TestValue(ValueView v, MatchState*) const override {
    return !v.missing() && types_.Contains(v.type());
  }
  void SerializeOperator(bson::DocBuilder* out) const override { types_.Serialize("$type", out); }

 private:
  TypeSet types_;
  ValueView operand_;
};

StatusOr<MatchNodePtr> ParseExists(const PathOperator& op, MatchParser*) {
  auto exists = std::make_unique<ExistsNode>(op.path);
  if (op.operand().Truthy()) {
    return exists;
  }
  return MakeNot(std::move(exists));
}

StatusOr<MatchNodePtr> ParseType(const PathOperator& op, MatchParser*) {
  ASSIGN_OR_RETURN(const TypeSet types, TypeSet::Parse(op.operand(), op.path));
  return std::make_unique<TypeNode>(op.path, types, op.operand());
}

constexpr PathOperatorRow kPathOperators[] = {{"$exists", ParseExists}, {"$type", ParseType}};

}  // namespace

MatchFamily ElementFamily() {
  return {kPathOperators, {}};
}

}  // namespace septet::query
