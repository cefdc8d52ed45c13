// SPDX-License-Identifier: Apache-2.0
// $size, $all, $elemMatch. $elemMatch with operators tests each element as a value; with a filter
// it tests each element that is an object or an array as a document. $all is a conjunction of
// equalities, or of $elemMatch. Errors: BadValue. Proved by recorded_filter_test (S03-014, S03-015,
// S03-016).
#include <limits>

#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

class SizeNode : public ArrayNode {
 public:
  SizeNode(std::string_view path, int32_t size, ValueView operand)
      : ArrayNode(MatchKind::kSize, path), size_(size), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  void SerializeOperator(bson::DocBuilder* out) const override { out->Append("$size", size_); }

 protected:
  bool TestArray(DocView array, MatchState*, int64_t*) const override {
    return array.CountFields() == size_;
  }

 private:
  int32_t size_;
  ValueView operand_;
};

// Hides the caller's details while elements are tested: the element's own index is what counts.
template <typename TestElement>
bool FindElement(DocView array, MatchState* state, int64_t* element, const TestElement& test) {
  MatchDetails* const details = state->details;
  state->details = nullptr;
  int64_t i = 0;
  bool found = false;
  for (const bson::ElementView e : array) {
    if (test(e.value())) {
      found = true;
      if (element != nullptr) {
        *element = i;
      }
      break;
    }
    ++i;
  }
  state->details = details;
  return found;
}

class ElemMatchObjectNode : public ArrayNode {
 public:
  ElemMatchObjectNode(std::string_view path, MatchNodePtr filter)
      : ArrayNode(MatchKind::kElemMatchObject, path) {
    children_.push_back(std::move(filter));
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto object = out->Object("$elemMatch");
    children_[0]->Serialize(out);
  }

 protected:
  bool TestArray(DocView array, MatchState* state, int64_t* element) const override {
    return FindElement(array, state, element, [this, state](ValueView v) {
      return (v.is_object() || v.is_array()) && children_[0]->Test(v.AsAnyDoc(), state);
    });
  }
};

class ElemMatchValueNode : public ArrayNode {
 public:
  ElemMatchValueNode(std::string_view path, std::vector<MatchNodePtr> parts)
      : ArrayNode(MatchKind::kElemMatchValue, path) {
    SortParts(&parts);
    children_ = std::move(parts);
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto object = out->Object("$elemMatch");
    for (const MatchNodePtr& part : children_) {
      part->SerializeOperator(out);
    }
  }

 protected:
  bool TestArray(DocView array, MatchState* state, int64_t* element) const override {
    return FindElement(array, state, element, [this, state](ValueView v) {
      for (const MatchNodePtr& part : children_) {
        if (!part->TestValue(v, state)) {
          return false;
        }
      }
      return true;
    });
  }
};

StatusOr<MatchNodePtr> ParseSize(const PathOperator& op, MatchParser*) {
  const ValueView v = op.operand();
  if (!v.is_number() || v.type() == bson::Type::kDecimal128) {
    return Error(ErrorCode::kBadValue, "$size needs a number");
  }
  const auto size = bson::ExactInt64(v);
  if (!size.has_value()) {
    return Error(ErrorCode::kBadValue, "$size must be a whole number");
  }
  if (*size < 0) {
    return Error(ErrorCode::kBadValue, "$size may not be negative");
  }
  if (*size > std::numeric_limits<int32_t>::max()) {
    return Error(ErrorCode::kBadValue, "$size must be representable as a 32-bit integer");
  }
  return std::make_unique<SizeNode>(op.path, static_cast<int32_t>(*size), v);
}

// Operators on the element itself, or a filter on its fields?
bool IsValueForm(DocView operand) {
  if (!IsOperatorObject(ValueView(bson::Type::kObject, operand.data()), true)) {
    return false;
  }
  const std::string_view first = operand.FirstElement().name();
  return first != "$and" && first != "$or" && first != "$nor" && first != "$where";
}

StatusOr<MatchNodePtr> ParseElemMatchOperand(std::string_view path, ValueView operand,
                                             MatchParser* parser) {
  if (!operand.is_object()) {
    return Error(ErrorCode::kBadValue, "$elemMatch needs an Object");
  }
  if (IsValueForm(operand.AsDoc())) {
    std::vector<MatchNodePtr> parts;
    RETURN_IF_ERROR(parser->ParseOperators("", operand.AsDoc(), &parts));
    return std::make_unique<ElemMatchValueNode>(path, std::move(parts));
  }
  ASSIGN_OR_RETURN(MatchNodePtr filter,
                   parser->ParseFilter(operand.AsDoc(), MatchLevel::kEmbedded));
  return std::make_unique<ElemMatchObjectNode>(path, std::move(filter));
}

StatusOr<MatchNodePtr> ParseElemMatch(const PathOperator& op, MatchParser* parser) {
  return ParseElemMatchOperand(op.path, op.operand(), parser);
}

bool StartsWithElemMatch(ValueView v) {
  return v.is_object() && !v.AsDoc().empty() && v.AsDoc().FirstElement().name() == "$elemMatch";
}

StatusOr<MatchNodePtr> ParseAll(const PathOperator& op, MatchParser* parser) {
  if (!op.operand().is_array()) {
    return Error(ErrorCode::kBadValue, "$all needs an array");
  }
  const DocView items = op.operand().AsArray();
  if (items.empty()) {
    return MakeConstant(false);
  }
  const bool elem_match = StartsWithElemMatch(items.FirstElement().value());
  std::vector<MatchNodePtr> parts;
  for (const bson::ElementView item : items) {
    const ValueView v = item.value();
    if (elem_match) {
      if (!StartsWithElemMatch(v)) {
        return Error(ErrorCode::kBadValue, "$all/$elemMatch has to be consistent");
      }
      ASSIGN_OR_RETURN(MatchNodePtr part,
                       ParseElemMatchOperand(op.path, v.AsDoc().FirstElement().value(), parser));
      parts.push_back(std::move(part));
      continue;
    }
    if (IsOperatorObject(v, true)) {
      return Error(ErrorCode::kBadValue, "no $ expressions in $all");
    }
    RETURN_IF_ERROR(parser->ParsePath(op.path, v, &parts));
  }
  return MakeAnd(std::move(parts));
}

constexpr PathOperatorRow kPathOperators[] = {
    {"$all", ParseAll}, {"$elemMatch", ParseElemMatch}, {"$size", ParseSize}};

}  // namespace

MatchFamily ArrayFamily() {
  return {kPathOperators, {}};
}

}  // namespace septet::query
