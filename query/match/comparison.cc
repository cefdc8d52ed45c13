// SPDX-License-Identifier: Apache-2.0
// $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin and the fields of a DBRef ($ref, $id, $db).
// Comparisons are bracketed by type: only values of the operand's class compare, except that MinKey
// and MaxKey bound every value, and null is met by a missing field. A regex operand of $eq is a
// value; in $in it is a pattern too. Errors: BadValue. Proved by recorded_filter_test (S03-002,
// S03-003, S05-037).
#include <algorithm>

#include "bson/compare.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::Type;

std::string_view OperatorName(MatchKind kind) {
  switch (kind) {
    case MatchKind::kLt:
      return "$lt";
    case MatchKind::kLte:
      return "$lte";
    case MatchKind::kGt:
      return "$gt";
    case MatchKind::kGte:
      return "$gte";
    default:
      return "$eq";
  }
}

class ComparisonNode : public LeafNode {
 public:
  ComparisonNode(MatchKind kind, std::string_view path, ValueView operand,
                 const bson::StringComparator* collator)
      : LeafNode(kind, path),
        operand_(operand),
        collator_(collator),
        class_(bson::CanonicalClass(operand.type())),
        nan_(operand.is_number() && bson::IsNaN(operand)) {}

  ValueView operand() const override { return operand_; }

  bool TestValue(ValueView v, MatchState*) const override {
    if (v.type() == operand_.type()) {
      switch (v.type()) {
        case Type::kInt32:
          return Holds(Order(v.AsInt32(), operand_.AsInt32()));
        case Type::kInt64:
        case Type::kDate:
          return Holds(Order(v.AsInt64(), operand_.AsInt64()));
        case Type::kString:
          if (collator_ == nullptr) {
            return Holds(v.AsString().compare(operand_.AsString()));
          }
          break;
        default:
          break;
      }
    } else if (bson::CanonicalClass(v.type()) != class_) {
      return TestOtherClass(v);
    }
    if (v.is_number()) {
      return TestNumber(v);
    }
    return Holds(bson::Compare(v, operand_, collator_));
  }

  void SerializeOperator(bson::DocBuilder* out) const override {
    out->Append(OperatorName(kind_), operand_);
  }

 private:
  template <typename T>
  static int Order(T a, T b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  bool Holds(int order) const {
    switch (kind_) {
      case MatchKind::kLt:
        return order < 0;
      case MatchKind::kLte:
        return order <= 0;
      case MatchKind::kGt:
        return order > 0;
      case MatchKind::kGte:
        return order >= 0;
      default:
        return order == 0;
    }
  }
  bool TestNumber(ValueView v) const {
    if (nan_ || bson::IsNaN(v)) {
      const bool equal = nan_ && bson::IsNaN(v);
      return equal && kind_ != MatchKind::kLt && kind_ != MatchKind::kGt;
    }
    return Holds(bson::Compare(v, operand_));
  }
  bool TestOtherClass(ValueView v) const {
    if (v.missing() && operand_.is_null()) {
      return kind_ != MatchKind::kLt && kind_ != MatchKind::kGt;
    }
    if (operand_.type() == Type::kMinKey) {
      return kind_ == MatchKind::kGt || kind_ == MatchKind::kGte;
    }
    if (operand_.type() == Type::kMaxKey) {
      return kind_ == MatchKind::kLt || kind_ == MatchKind::kLte;
    }
    return false;
  }

  ValueView operand_;
  const bson::StringComparator* collator_;
  int class_;
  bool nan_;
};

class InNode : public LeafNode {
 public:
  InNode(std::string_view path, std::vector<ValueView> values, std::vector<MatchNodePtr> regexes,
         const bson::StringComparator* collator)
      : LeafNode(MatchKind::kIn, path),
        values_(std::move(values)),
        regexes_(std::move(regexes)),
        collator_(collator) {
    for (const ValueView v : values_) {
      has_null_ = has_null_ || v.is_null();
    }
    for (const MatchNodePtr& regex : regexes_) {
      regex_values_.push_back(regex->operand());
    }
  }
  const std::vector<ValueView>* in_list() const override { return &values_; }
  const std::vector<ValueView>* in_regexes() const override { return &regex_values_; }

  bool TestValue(ValueView v, MatchState* state) const override {
    if (v.missing()) {
      return has_null_;
    }
    const auto less = [this](ValueView a, ValueView b) {
      return bson::Compare(a, b, collator_) < 0;
    };
    if (std::binary_search(values_.begin(), values_.end(), v, less)) {
      return true;
    }
    return std::any_of(regexes_.begin(), regexes_.end(), [v, state](const MatchNodePtr& regex) {
      return regex->TestValue(v, state);
    });
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto array = out->Array("$in");
    for (const ValueView v : values_) {
      out->Add(v);
    }
    for (const ValueView v : regex_values_) {
      out->Add(v);
    }
  }

 private:
  std::vector<ValueView> values_;
  std::vector<MatchNodePtr> regexes_;
  std::vector<ValueView> regex_values_;
  const bson::StringComparator* collator_;
  bool has_null_ = false;
};

StatusOr<MatchNodePtr> ParseComparison(const PathOperator& op, MatchParser* parser) {
  const ValueView v = op.operand();
  const std::string_view name = op.name();
  if (v.type() == Type::kUndefined) {
    return Error(ErrorCode::kBadValue, "cannot compare to undefined");
  }
  if (name == "$eq" || name == "$ne") {
    if (name == "$ne" && v.type() == Type::kRegex) {
      return Error(ErrorCode::kBadValue, "Can't have regex as arg to $ne.");
    }
    MatchNodePtr eq = MakeComparison(MatchKind::kEq, op.path, v, parser->collator());
    return name == "$eq" ? std::move(eq) : MakeNot(std::move(eq));
  }
  if (v.type() == Type::kRegex) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Can't have RegEx as arg to predicate over field '", op.path, "'."));
  }
  const MatchKind kind = name == "$gt"    ? MatchKind::kGt
                         : name == "$gte" ? MatchKind::kGte
                         : name == "$lt"  ? MatchKind::kLt
                                          : MatchKind::kLte;
  return MakeComparison(kind, op.path, v, parser->collator());
}

StatusOr<MatchNodePtr> MakeIn(const PathOperator& op, MatchParser* parser) {
  if (!op.operand().is_array()) {
    return Error(ErrorCode::kBadValue, StrCat(op.name(), " needs an array"));
  }
  std::vector<ValueView> values;
  std::vector<MatchNodePtr> regexes;
  for (const bson::ElementView item : op.operand().AsArray()) {
    const ValueView v = item.value();
    if (IsOperatorObject(v, true)) {
      return Error(ErrorCode::kBadValue, StrCat("cannot nest $ under ", op.name()));
    }
    if (v.type() == Type::kUndefined) {
      return Error(ErrorCode::kBadValue, "InMatchExpression equality cannot be undefined");
    }
    if (v.type() == Type::kRegex) {
      ASSIGN_OR_RETURN(MatchNodePtr regex, MakeRegex(op.path, v.AsRegex()));
      regexes.push_back(std::move(regex));
    } else {
      values.push_back(v);
    }
  }
  const bson::StringComparator* collator = parser->collator();
  std::stable_sort(values.begin(), values.end(), [collator](ValueView a, ValueView b) {
    return bson::Compare(a, b, collator) < 0;
  });
  values.erase(std::unique(values.begin(), values.end(),
                           [collator](ValueView a, ValueView b) {
                             return bson::Compare(a, b, collator) == 0;
                           }),
               values.end());
  if (values.empty() && regexes.empty()) {
    return MakeConstant(false);
  }
  if (values.size() == 1 && regexes.empty()) {
    return MakeComparison(MatchKind::kEq, op.path, values[0], collator);
  }
  if (values.empty() && regexes.size() == 1) {
    return std::move(regexes[0]);
  }
  return std::make_unique<InNode>(op.path, std::move(values), std::move(regexes), collator);
}

StatusOr<MatchNodePtr> ParseIn(const PathOperator& op, MatchParser* parser) {
  ASSIGN_OR_RETURN(MatchNodePtr in, MakeIn(op, parser));
  return op.name() == "$in" ? std::move(in) : MakeNot(std::move(in));
}

// $id compares as any field does; $ref and $db are names and compare by their bytes.
StatusOr<MatchNodePtr> ParseDBRefField(bson::ElementView element, MatchLevel, MatchParser* parser) {
  if (element.value().type() == Type::kUndefined) {
    return Error(ErrorCode::kBadValue, "cannot compare to undefined");
  }
  return MakeComparison(MatchKind::kEq, element.name(), element.value(),
                        element.name() == "$id" ? parser->collator() : nullptr);
}

constexpr PathOperatorRow kPathOperators[] = {
    {"$eq", ParseComparison}, {"$gt", ParseComparison}, {"$gte", ParseComparison},
    {"$in", ParseIn},         {"$lt", ParseComparison}, {"$lte", ParseComparison},
    {"$ne", ParseComparison}, {"$nin", ParseIn},
};
constexpr TopOperatorRow kTopOperators[] = {
    {"$db", ParseDBRefField}, {"$id", ParseDBRefField}, {"$ref", ParseDBRefField}};

}  // namespace

MatchNodePtr MakeComparison(MatchKind kind, std::string_view path, ValueView v,
                            const bson::StringComparator* collator) {
  return std::make_unique<ComparisonNode>(kind, path, v, collator);
}

MatchFamily ComparisonFamily() {
  return {kPathOperators, kTopOperators};
}

}  // namespace septet::query
