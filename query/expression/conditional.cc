// SPDX-License-Identifier: Apache-2.0
// $cond $ifNull $switch: only the branch chosen is evaluated.
// Source: manual, "Conditional expression operators".
#include <memory>

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

namespace {

StatusOr<ValueView> Cond(const LazyCall& call) {
  ASSIGN_OR_RETURN(const ValueView condition, call(0));
  return call(condition.Truthy() ? 1 : 2);
}

// A constant condition leaves only its branch.
StatusOr<ExpressionPtr> MakeCond(std::string_view name, std::vector<ExpressionPtr> operands,
                                 ParseContext* ctx) {
  const ValueView condition = operands[0]->Constant();
  if (!condition.missing()) {
    return std::move(operands[condition.Truthy() ? 1 : 2]);
  }
  return FinishLazy(Cond, name, {}, std::move(operands), ctx);
}

StatusOr<ExpressionPtr> ParseCond(std::string_view name, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
    RETURN_IF_ERROR(CheckArity(name, operands.size(), 3, 3));
    return MakeCond(name, std::move(operands), ctx);
  }
  std::vector<ExpressionPtr> operands(3);
  constexpr std::string_view kNames[] = {"if", "then", "else"};
  for (const bson::ElementView e : operand.AsDoc()) {
    size_t at = 0;
    while (at < 3 && kNames[at] != e.name()) {
      ++at;
    }
    if (at == 3) {
      return Error(17083, StrCat("Unrecognized parameter to $cond: ", e.name()));
    }
    ASSIGN_OR_RETURN(operands[at], ParseExpression(e.value(), ctx));
  }
  for (int i = 0; i < 3; ++i) {
    if (operands[static_cast<size_t>(i)] == nullptr) {
      return Error(17080 + i, StrCat("Missing '", kNames[i], "' parameter to $cond"));
    }
  }
  return MakeCond(name, std::move(operands), ctx);
}

StatusOr<ValueView> IfNull(const LazyCall& call) {
  for (size_t i = 0; i + 1 < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (!v.nullish()) {
      return v;
    }
  }
  return call(call.size() - 1);
}

StatusOr<ExpressionPtr> ParseIfNull(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
  if (operands.size() < 2) {
    return Error(1257300, StrCat("$ifNull needs at least two arguments, had: ", operands.size()));
  }
  return FinishLazy(IfNull, name, {}, std::move(operands), ctx);
}

// Operands: case, then, case, then, ..., default (null if not given).
class SwitchExpression final : public OperatorExpression {
 public:
  explicit SwitchExpression(std::vector<ExpressionPtr> operands)
      : OperatorExpression("$switch", {}, std::move(operands)) {}

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    for (size_t i = 0; i + 1 < operands_.size(); i += 2) {
      ASSIGN_OR_RETURN(const ValueView condition, operands_[i]->Evaluate(ctx));
      if (condition.Truthy()) {
        return operands_[i + 1]->Evaluate(ctx);
      }
    }
    if (operands_.back() == nullptr) {
      return Error(40066,
                   "$switch could not find a matching branch for an input, and no default was "
                   "specified.");
    }
    return operands_.back()->Evaluate(ctx);
  }

  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto object = out->Object("$switch");
    {
      auto branches = out->Array("branches");
      for (size_t i = 0; i + 1 < operands_.size(); i += 2) {
        auto branch = out->AddObject();
        operands_[i]->Serialize("case", out);
        operands_[i + 1]->Serialize("then", out);
      }
    }
    if (operands_.back() != nullptr) {
      operands_.back()->Serialize("default", out);
    }
  }
};

Status ParseBranch(ValueView branch, std::vector<ExpressionPtr>* operands, ParseContext* ctx) {
  if (!branch.is_object()) {
    return Error(40062, StrCat("$switch expected each branch to be an object, found: ",
                               bson::TypeName(branch.type())));
  }
  ExpressionPtr condition;
  ExpressionPtr then;
  for (const bson::ElementView e : branch.AsDoc()) {
    if (e.name() == "case") {
      ASSIGN_OR_RETURN(condition, ParseExpression(e.value(), ctx));
    } else if (e.name() == "then") {
      ASSIGN_OR_RETURN(then, ParseExpression(e.value(), ctx));
    } else {
      return Error(40063, StrCat("$switch found an unknown argument to a branch: ", e.name()));
    }
  }
  if (condition == nullptr) {
    return Error(40064, "$switch requires each branch have a 'case' expression");
  }
  if (then == nullptr) {
    return Error(40065, "$switch requires each branch have a 'then' expression.");
  }
  operands->push_back(std::move(condition));
  operands->push_back(std::move(then));
  return OkStatus();
}

StatusOr<ExpressionPtr> ParseSwitch(std::string_view, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(40060, StrCat("$switch requires an object as an argument, found: ",
                               bson::TypeName(operand.type())));
  }
  std::vector<ExpressionPtr> operands;
  ExpressionPtr otherwise;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "branches") {
      if (!e.value().is_array()) {
        return Error(40061, StrCat("$switch expected an array for 'branches', found: ",
                                   bson::TypeName(e.type())));
      }
      for (const bson::ElementView branch : e.value().AsArray()) {
        RETURN_IF_ERROR(ParseBranch(branch.value(), &operands, ctx));
      }
    } else if (e.name() == "default") {
      ASSIGN_OR_RETURN(otherwise, ParseExpression(e.value(), ctx));
    } else {
      return Error(40067, StrCat("$switch found an unknown argument: ", e.name()));
    }
  }
  if (operands.empty()) {
    return Error(40068, "$switch requires at least one branch.");
  }
  operands.push_back(std::move(otherwise));
  return ExpressionPtr(std::make_unique<SwitchExpression>(std::move(operands)));
}

constexpr ExpressionRow kRows[] = {
    {"$cond", ParseCond},
    {"$ifNull", ParseIfNull},
    {"$switch", ParseSwitch},
};

}  // namespace

std::span<const ExpressionRow> ConditionalExpressions() {
  return kRows;
}

}  // namespace septet::query
