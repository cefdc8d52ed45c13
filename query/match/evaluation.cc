// SPDX-License-Identifier: Apache-2.0
// $expr, $mod, $comment, $sampleRate, $where, $text. $where needs a script engine, which this
// server has not; $text is tested by the text index's executor, a plan without one fails with
// IndexNotFound. Errors: BadValue, FailedToParse, TypeMismatch, and those of the expression in
// $expr. Proved by recorded_filter_test (S03-009, S03-010, S03-022, S03-023).
#include <cmath>
#include <limits>

#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::Type;

// `v` as int64, cut toward zero; nullopt for doubles that have none. Decimals are rounded, and
// those out of range read as the least integer, as a server does.
std::optional<int64_t> Truncated(ValueView v) {
  if (v.type() == Type::kDecimal128) {
    bson::Arena arena;
    return bson::ExactInt64(
               arena.Decimal(bson::DecimalApply(bson::DecimalUnary::kRound, v.AsDecimal())))
        .value_or(std::numeric_limits<int64_t>::min());
  }
  if (v.type() == Type::kDouble) {
    const double d = v.AsDouble();
    if (!(d >= -0x1.0p63 && d < 0x1.0p63)) {
      return std::nullopt;
    }
    return static_cast<int64_t>(d);
  }
  return bson::ExactInt64(v);
}

class ModNode : public LeafNode {
 public:
  ModNode(std::string_view path, int64_t divisor, int64_t remainder, ValueView operand)
      : LeafNode(MatchKind::kMod, path),
        divisor_(divisor),
        remainder_(remainder),
        operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool TestValue(ValueView v, MatchState*) const override {
    if (!v.is_number()) {
      return false;
    }
    const auto dividend = Truncated(v);
    // The least integer by -1 has no quotient; its remainder is 0 all the same.
    return dividend.has_value() && (divisor_ == -1 ? 0 : *dividend % divisor_) == remainder_;
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto array = out->Array("$mod");
    for (const int64_t n : {divisor_, remainder_}) {
      if (n == static_cast<int32_t>(n)) {
        out->Add(static_cast<int32_t>(n));
      } else {
        out->Add(n);
      }
    }
  }

 private:
  int64_t divisor_;
  int64_t remainder_;
  ValueView operand_;
};

class ExprNode : public MatchNode {
 public:
  explicit ExprNode(ExpressionPtr expression)
      : MatchNode(MatchKind::kExpr), expression_(std::move(expression)) {}
  const Expression* expression() const override { return expression_.get(); }

  bool Test(DocView doc, MatchState* state) const override {
    if (state->ctx == nullptr) {
      state->error = Error(ErrorCode::kInternalError, "$expr needs an evaluation context");
      return false;
    }
    const DocView outer = state->ctx->root;
    state->ctx->root = doc;
    StatusOr<ValueView> result = expression_->Evaluate(state->ctx);
    state->ctx->root = outer;
    if (!result.ok()) {
      state->error = std::move(result).status();
      return false;
    }
    return result->Truthy();
  }
  bool TestValue(ValueView v, MatchState* state) const override {
    return v.is_object() && Test(v.AsDoc(), state);
  }
  void Serialize(bson::DocBuilder* out) const override { expression_->Serialize("$expr", out); }
  void SerializeOperator(bson::DocBuilder* out) const override { Serialize(out); }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    expression_->Dependencies(paths, whole_document);
  }

 private:
  ExpressionPtr expression_;
};

class SampleRateNode : public MatchNode {
 public:
  explicit SampleRateNode(double rate) : MatchNode(MatchKind::kOther), rate_(rate) {}
  bool Test(DocView, MatchState* state) const override {
    if (state->ctx == nullptr || state->ctx->random == nullptr) {
      state->error = Error(ErrorCode::kInternalError, "$sampleRate needs a source of chance");
      return false;
    }
    return state->ctx->random->NextDouble() < rate_;
  }
  bool TestValue(ValueView, MatchState* state) const override { return Test(DocView(), state); }
  void Serialize(bson::DocBuilder* out) const override { out->Append("$sampleRate", rate_); }
  void SerializeOperator(bson::DocBuilder* out) const override { Serialize(out); }

 private:
  double rate_;
};

class TextNode : public MatchNode {
 public:
  explicit TextNode(ValueView operand) : MatchNode(MatchKind::kText), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool Test(DocView, MatchState* state) const override {
    state->error = Error(ErrorCode::kIndexNotFound, "text index required for $text query");
    return false;
  }
  bool TestValue(ValueView, MatchState* state) const override { return Test(DocView(), state); }
  void Serialize(bson::DocBuilder* out) const override { out->Append("$text", operand_); }
  void SerializeOperator(bson::DocBuilder* out) const override { Serialize(out); }

 private:
  ValueView operand_;
};

StatusOr<int64_t> ModOperand(ValueView v, std::string_view what) {
  if (!v.is_number()) {
    return Error(ErrorCode::kBadValue, StrCat("malformed mod, ", what, " not a number"));
  }
  const bool finite = !bson::IsNaN(v) && !bson::IsInfinite(v);
  const auto number = finite ? Truncated(v) : std::nullopt;
  if (!number.has_value()) {
    return Error(ErrorCode::kBadValue,
                 StrCat("malformed mod, ", what, " value is invalid :: caused by :: ",
                        finite ? "Out of bounds coercing to integral value"
                               : "Unable to coerce NaN/Inf to integral type"));
  }
  return *number;
}

StatusOr<MatchNodePtr> ParseMod(const PathOperator& op, MatchParser*) {
  if (!op.operand().is_array()) {
    return Error(ErrorCode::kBadValue, "malformed mod, needs to be an array");
  }
  const DocView items = op.operand().AsArray();
  const int count = items.CountFields();
  if (count < 2) {
    return Error(ErrorCode::kBadValue, "malformed mod, not enough elements");
  }
  if (count > 2) {
    return Error(ErrorCode::kBadValue, "malformed mod, too many elements");
  }
  auto it = items.begin();
  ASSIGN_OR_RETURN(const int64_t divisor, ModOperand(it->value(), "divisor"));
  ++it;
  ASSIGN_OR_RETURN(const int64_t remainder, ModOperand(it->value(), "remainder"));
  if (divisor == 0) {
    return Error(ErrorCode::kBadValue, "divisor cannot be 0");
  }
  return std::make_unique<ModNode>(op.path, divisor, remainder, op.operand());
}

Status CheckTopLevel(bson::ElementView element, MatchLevel level, bool allowed) {
  if (level != MatchLevel::kTop) {
    return Error(ErrorCode::kBadValue,
                 StrCat(element.name(), " can only be applied to the top-level document"));
  }
  if (!allowed) {
    return Error(ErrorCode::kBadValue, StrCat(element.name(), " is not allowed in this context"));
  }
  return OkStatus();
}

StatusOr<MatchNodePtr> ParseExpr(bson::ElementView element, MatchLevel level, MatchParser* parser) {
  RETURN_IF_ERROR(CheckTopLevel(element, level, parser->options().allow_expr));
  ASSIGN_OR_RETURN(ExpressionPtr expression, ParseExpression(element.value(), parser->variables()));
  return std::make_unique<ExprNode>(std::move(expression));
}

StatusOr<MatchNodePtr> ParseComment(bson::ElementView, MatchLevel, MatchParser*) {
  return MatchNodePtr();
}

StatusOr<MatchNodePtr> ParseSampleRate(bson::ElementView element, MatchLevel, MatchParser*) {
  if (!element.value().is_number()) {
    return Error(ErrorCode::kBadValue, "argument to $sampleRate must be a numeric type");
  }
  const double rate = bson::ToDouble(element.value());
  if (!(rate >= 0 && rate <= 1)) {
    return Error(ErrorCode::kBadValue, "numeric argument to $sampleRate must be in [0, 1]");
  }
  if (rate == 0 || rate == 1) {
    return MakeConstant(rate == 1);
  }
  return std::make_unique<SampleRateNode>(rate);
}

StatusOr<MatchNodePtr> ParseWhere(bson::ElementView element, MatchLevel level,
                                  MatchParser* parser) {
  RETURN_IF_ERROR(CheckTopLevel(element, level, parser->options().allow_where));
  return Error(ErrorCode::kBadValue, "no globalScriptEngine in $where parsing");
}

Status CheckTextField(DocView text, std::string_view name, Type type) {
  const ValueView v = text.Find(name);
  if (v.missing() || v.type() == type) {
    return OkStatus();
  }
  return Error(ErrorCode::kTypeMismatch,
               StrCat("\"", name, "\" had the wrong type. Expected ", bson::TypeName(type),
                      ", found ", bson::TypeName(v.type())));
}

StatusOr<MatchNodePtr> ParseText(bson::ElementView element, MatchLevel level, MatchParser* parser) {
  RETURN_IF_ERROR(CheckTopLevel(element, level, parser->options().allow_text));
  if (!element.value().is_object()) {
    return Error(ErrorCode::kBadValue, "$text expects an object");
  }
  const DocView text = element.value().AsDoc();
  if (!text.Has("$search")) {
    return Error(ErrorCode::kNoSuchKey, "Missing expected field \"$search\"");
  }
  RETURN_IF_ERROR(CheckTextField(text, "$search", Type::kString));
  RETURN_IF_ERROR(CheckTextField(text, "$language", Type::kString));
  RETURN_IF_ERROR(CheckTextField(text, "$caseSensitive", Type::kBool));
  RETURN_IF_ERROR(CheckTextField(text, "$diacriticSensitive", Type::kBool));
  for (const bson::ElementView e : text) {
    if (e.name() != "$search" && e.name() != "$language" && e.name() != "$caseSensitive" &&
        e.name() != "$diacriticSensitive") {
      return Error(ErrorCode::kBadValue, "extra fields in $text");
    }
  }
  return std::make_unique<TextNode>(element.value());
}

constexpr PathOperatorRow kPathOperators[] = {{"$mod", ParseMod}};
constexpr TopOperatorRow kTopOperators[] = {
    {"$comment", ParseComment}, {"$expr", ParseExpr},   {"$sampleRate", ParseSampleRate},
    {"$text", ParseText},       {"$where", ParseWhere},
};

}  // namespace

MatchFamily EvaluationFamily() {
  return {kPathOperators, kTopOperators};
}

}  // namespace septet::query
