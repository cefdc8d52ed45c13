// SPDX-License-Identifier: Apache-2.0
// $and, $or, $nor, $not, $alwaysTrue, $alwaysFalse, and how logical nodes are normalised: nested
// $and and $or are flattened, constants folded, $and and $or of one part replaced by the part, $nor
// of one part and double negation reduced, parts sorted. Errors: BadValue, FailedToParse. Proved by
// recorded_filter_test and matcher_test.
#include <algorithm>

#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

// Runs a test whose details the caller must not see.
class DetailsHidden {
 public:
  explicit DetailsHidden(MatchState* state) : state_(state), details_(state->details) {
    state->details = nullptr;
  }
  ~DetailsHidden() { state_->details = details_; }
  DetailsHidden(const DetailsHidden&) = delete;
  DetailsHidden& operator=(const DetailsHidden&) = delete;

 private:
  MatchState* state_;
  MatchDetails* details_;
};

class ConstantNode : public MatchNode {
 public:
  explicit ConstantNode(bool value)
      : MatchNode(value ? MatchKind::kAlwaysTrue : MatchKind::kAlwaysFalse) {}
  bool Test(DocView, MatchState*) const override { return kind_ == MatchKind::kAlwaysTrue; }
  bool TestValue(ValueView, MatchState*) const override { return kind_ == MatchKind::kAlwaysTrue; }
  void Serialize(bson::DocBuilder* out) const override { SerializeOperator(out); }
  void SerializeOperator(bson::DocBuilder* out) const override {
    out->Append(kind_ == MatchKind::kAlwaysTrue ? "$alwaysTrue" : "$alwaysFalse", 1);
  }
};

// $and, $or, $nor over parts.
class ListNode : public MatchNode {
 public:
  ListNode(MatchKind kind, std::vector<MatchNodePtr> parts) : MatchNode(kind) {
    children_ = std::move(parts);
  }
  bool Test(DocView doc, MatchState* state) const override {
    return TestParts(state, [doc](const MatchNode& n, MatchState* s) { return n.Test(doc, s); });
  }
  bool TestValue(ValueView v, MatchState* state) const override {
    return TestParts(state, [v](const MatchNode& n, MatchState* s) { return n.TestValue(v, s); });
  }
  void Serialize(bson::DocBuilder* out) const override {
    if (children_.empty()) {
      return;
    }
    const auto array = out->Array(name());
    for (const MatchNodePtr& part : children_) {
      const auto object = out->AddObject();
      part->Serialize(out);
    }
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    if (kind_ != MatchKind::kAnd) {
      Serialize(out);
      return;
    }
    for (const MatchNodePtr& part : children_) {
      part->SerializeOperator(out);
    }
  }
  std::vector<MatchNodePtr> TakeParts() { return std::move(children_); }

 private:
  std::string_view name() const {
    return kind_ == MatchKind::kAnd ? "$and" : kind_ == MatchKind::kOr ? "$or" : "$nor";
  }
  template <typename TestOne>
  bool TestParts(MatchState* state, const TestOne& test) const {
    if (kind_ == MatchKind::kAnd) {
      for (const MatchNodePtr& part : children_) {
        if (!test(*part, state)) {
          return false;
        }
      }
      return true;
    }
    const DetailsHidden hidden(state);
    for (const MatchNodePtr& part : children_) {
      if (test(*part, state)) {
        return kind_ == MatchKind::kOr;
      }
      if (!state->error.ok()) [[unlikely]] {
        return false;
      }
    }
    return kind_ == MatchKind::kNor;
  }
};

class NotNode : public MatchNode {
 public:
  explicit NotNode(MatchNodePtr part) : MatchNode(MatchKind::kNot) {
    children_.push_back(std::move(part));
  }
  bool Test(DocView doc, MatchState* state) const override {
    const DetailsHidden hidden(state);
    return !children_[0]->Test(doc, state) && state->error.ok();
  }
  bool TestValue(ValueView v, MatchState* state) const override {
    const DetailsHidden hidden(state);
    return !children_[0]->TestValue(v, state) && state->error.ok();
  }
  void Serialize(bson::DocBuilder* out) const override {
    if (!children_[0]->path().text().empty()) {
      const auto path = out->Object(children_[0]->path().text());
      SerializeOperator(out);
      return;
    }
    const auto array = out->Array("$nor");
    const auto object = out->AddObject();
    children_[0]->Serialize(out);
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto object = out->Object("$not");
    children_[0]->SerializeOperator(out);
  }
  MatchNodePtr TakePart() { return std::move(children_[0]); }
};

// Sort rank of a kind, as a server's planner orders predicates.
int Rank(MatchKind kind) {
  static constexpr MatchKind kOrder[] = {MatchKind::kAnd,
                                         MatchKind::kOr,
                                         MatchKind::kElemMatchObject,
                                         MatchKind::kElemMatchValue,
                                         MatchKind::kSize,
                                         MatchKind::kEq,
                                         MatchKind::kLte,
                                         MatchKind::kLt,
                                         MatchKind::kGt,
                                         MatchKind::kGte,
                                         MatchKind::kRegex,
                                         MatchKind::kMod,
                                         MatchKind::kExists,
                                         MatchKind::kIn,
                                         MatchKind::kBitsAllSet,
                                         MatchKind::kBitsAllClear,
                                         MatchKind::kBitsAnySet,
                                         MatchKind::kBitsAnyClear,
                                         MatchKind::kNot,
                                         MatchKind::kNor,
                                         MatchKind::kType,
                                         MatchKind::kGeo,
                                         MatchKind::kWhere,
                                         MatchKind::kExpr,
                                         MatchKind::kAlwaysFalse,
                                         MatchKind::kAlwaysTrue,
                                         MatchKind::kGeoNear,
                                         MatchKind::kText,
                                         MatchKind::kJsonSchema,
                                         MatchKind::kAll,
                                         MatchKind::kOther};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), kind) -
                          std::begin(kOrder));
}

int CompareNodes(const MatchNode& a, const MatchNode& b) {
  if (const int by_kind = Rank(a.kind()) - Rank(b.kind()); by_kind != 0) {
    return by_kind;
  }
  if (const int by_path = a.path().text().compare(b.path().text()); by_path != 0) {
    return by_path;
  }
  const size_t common = std::min(a.children().size(), b.children().size());
  for (size_t i = 0; i < common; ++i) {
    if (const int by_child = CompareNodes(*a.children()[i], *b.children()[i]); by_child != 0) {
      return by_child;
    }
  }
  return static_cast<int>(a.children().size()) - static_cast<int>(b.children().size());
}

// Moves `parts` into `out`, parts of nodes of the same kind in place of the node.
std::vector<MatchNodePtr> Flatten(MatchKind kind, std::vector<MatchNodePtr> parts) {
  std::vector<MatchNodePtr> out;
  out.reserve(parts.size());
  for (MatchNodePtr& part : parts) {
    if (part->kind() == kind) {
      for (MatchNodePtr& inner : static_cast<ListNode*>(part.get())->TakeParts()) {
        out.push_back(std::move(inner));
      }
    } else {
      out.push_back(std::move(part));
    }
  }
  return out;
}

bool IsTrue(const MatchNodePtr& n) {
  return n->kind() == MatchKind::kAlwaysTrue ||
         (n->kind() == MatchKind::kAnd && n->children().empty());
}
bool IsFalse(const MatchNodePtr& n) {
  return n->kind() == MatchKind::kAlwaysFalse;
}

StatusOr<MatchNodePtr> ParseList(bson::ElementView element, MatchLevel level, MatchParser* parser) {
  if (!element.value().is_array()) {
    return Error(ErrorCode::kBadValue, StrCat(element.name(), " must be an array"));
  }
  if (element.value().AsArray().empty()) {
    return Error(ErrorCode::kBadValue, "$and/$or/$nor must be a nonempty array");
  }
  std::vector<MatchNodePtr> parts;
  for (const bson::ElementView item : element.value().AsArray()) {
    if (!item.value().is_object()) {
      return Error(ErrorCode::kBadValue, "$or/$and/$nor entries need to be full objects");
    }
    ASSIGN_OR_RETURN(MatchNodePtr part, parser->ParseFilter(item.value().AsDoc(), level));
    parts.push_back(std::move(part));
  }
  if (element.name() == "$and") {
    return MakeAnd(std::move(parts));
  }
  return element.name() == "$or" ? MakeOr(std::move(parts)) : MakeNor(std::move(parts));
}

StatusOr<MatchNodePtr> ParseNot(const PathOperator& op, MatchParser* parser) {
  const ValueView v = op.operand();
  if (v.type() == bson::Type::kRegex) {
    ASSIGN_OR_RETURN(MatchNodePtr regex, MakeRegex(op.path, v.AsRegex()));
    return MakeNot(std::move(regex));
  }
  if (!v.is_object()) {
    return Error(ErrorCode::kBadValue, "$not needs a regex or a document");
  }
  if (v.AsDoc().empty()) {
    return Error(ErrorCode::kBadValue, "$not cannot be empty");
  }
  std::vector<MatchNodePtr> parts;
  RETURN_IF_ERROR(parser->ParseOperators(op.path, v.AsDoc(), &parts));
  return MakeNot(MakeAnd(std::move(parts)));
}

StatusOr<MatchNodePtr> ParseConstant(bson::ElementView element, MatchLevel, MatchParser*) {
  if (!element.value().is_number() || bson::ExactInt64(element.value()) != 1) {
    return Error(ErrorCode::kFailedToParse,
                 StrCat(element.name(), " must be an integer value of 1"));
  }
  return MakeConstant(element.name() == "$alwaysTrue");
}

constexpr PathOperatorRow kPathOperators[] = {{"$not", ParseNot}};
constexpr TopOperatorRow kTopOperators[] = {
    {"$alwaysFalse", ParseConstant},
    {"$alwaysTrue", ParseConstant},
    {"$and", ParseList},
    {"$nor", ParseList},
    {"$or", ParseList},
};

}  // namespace

void SortParts(std::vector<MatchNodePtr>* parts) {
  std::stable_sort(parts->begin(), parts->end(), [](const MatchNodePtr& a, const MatchNodePtr& b) {
    return CompareNodes(*a, *b) < 0;
  });
}

MatchNodePtr MakeConstant(bool value) {
  return std::make_unique<ConstantNode>(value);
}

MatchNodePtr MakeAnd(std::vector<MatchNodePtr> parts) {
  parts = Flatten(MatchKind::kAnd, std::move(parts));
  std::erase_if(parts, IsTrue);
  if (std::any_of(parts.begin(), parts.end(), IsFalse)) {
    return MakeConstant(false);
  }
  if (parts.size() == 1) {
    return std::move(parts[0]);
  }
  SortParts(&parts);
  return std::make_unique<ListNode>(MatchKind::kAnd, std::move(parts));
}

MatchNodePtr MakeOr(std::vector<MatchNodePtr> parts) {
  parts = Flatten(MatchKind::kOr, std::move(parts));
  std::erase_if(parts, IsFalse);
  if (std::any_of(parts.begin(), parts.end(), IsTrue)) {
    return MakeConstant(true);
  }
  if (parts.empty()) {
    return MakeConstant(false);
  }
  if (parts.size() == 1) {
    return std::move(parts[0]);
  }
  SortParts(&parts);
  return std::make_unique<ListNode>(MatchKind::kOr, std::move(parts));
}

MatchNodePtr MakeNor(std::vector<MatchNodePtr> parts) {
  std::erase_if(parts, IsFalse);
  if (std::any_of(parts.begin(), parts.end(), IsTrue)) {
    return MakeConstant(false);
  }
  if (parts.empty()) {
    return MakeConstant(true);
  }
  if (parts.size() == 1) {
    return MakeNot(std::move(parts[0]));
  }
  SortParts(&parts);
  return std::make_unique<ListNode>(MatchKind::kNor, std::move(parts));
}

MatchNodePtr MakeNot(MatchNodePtr part) {
  if (IsTrue(part) || IsFalse(part)) {
    return MakeConstant(IsFalse(part));
  }
  if (part->kind() == MatchKind::kNot) {
    return static_cast<NotNode*>(part.get())->TakePart();
  }
  return std::make_unique<NotNode>(std::move(part));
}

MatchFamily LogicalFamily() {
  return {kPathOperators, kTopOperators};
}

}  // namespace septet::query
