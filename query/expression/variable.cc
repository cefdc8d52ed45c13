// SPDX-License-Identifier: Apache-2.0
// $let {vars: {a: expr, ...}, in: expr}; $literal and its alias $const.
// Source: manual, "$let", "$literal".
#include <memory>

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

namespace {

StatusOr<ExpressionPtr> ParseLiteral(std::string_view, ValueView operand, ParseContext*) {
  return MakeConstant(operand);
}

// Operands: the values of the variables, then the body.
class LetExpression final : public OperatorExpression {
 public:
  struct Variable {
    std::string name;
    VariableId id;
  };
  LetExpression(std::vector<Variable> variables, std::vector<ExpressionPtr> operands)
      : OperatorExpression("$let", {}, std::move(operands)), variables_(std::move(variables)) {}

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    for (size_t i = 0; i < variables_.size(); ++i) {
      ASSIGN_OR_RETURN(const ValueView v, operands_[i]->Evaluate(ctx));
      ctx->Set(variables_[i].id, v);
    }
    return operands_.back()->Evaluate(ctx);
  }

  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto object = out->Object("$let");
    {
      auto vars = out->Object("vars");
      for (size_t i = 0; i < variables_.size(); ++i) {
        operands_[i]->Serialize(variables_[i].name, out);
      }
    }
    operands_.back()->Serialize("in", out);
  }

 private:
  const std::vector<Variable> variables_;
};

Status ParseVariables(DocView vars, std::vector<LetExpression::Variable>* variables,
                      std::vector<ExpressionPtr>* operands, ParseContext* ctx) {
  for (const bson::ElementView e : vars) {
    RETURN_IF_ERROR(ValidateVariableName(e.name()));
    ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression(e.value(), ctx));
    operands->push_back(std::move(value));
    variables->push_back({std::string(e.name()), 0});
  }
  // The values do not see each other: names come into scope after all of them.
  for (LetExpression::Variable& variable : *variables) {
    variable.id = ctx->Declare(variable.name);
  }
  return OkStatus();
}

StatusOr<ExpressionPtr> ParseLet(std::string_view, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(16874, "$let only supports an object as its argument");
  }
  ValueView vars;
  ValueView body;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "vars") {
      vars = e.value();
      if (!vars.is_object()) {
        return Error(10065, "invalid parameter: expected an object (vars)");
      }
    } else if (e.name() == "in") {
      body = e.value();
    } else {
      return Error(16875, StrCat("Unrecognized parameter to $let: ", e.name()));
    }
  }
  if (vars.missing()) {
    return Error(16876, "Missing 'vars' parameter to $let");
  }
  if (body.missing()) {
    return Error(16877, "Missing 'in' parameter to $let");
  }
  std::vector<LetExpression::Variable> variables;
  std::vector<ExpressionPtr> operands;
  const size_t mark = ctx->BeginScope();
  const Status parsed = ParseVariables(vars.AsDoc(), &variables, &operands, ctx);
  StatusOr<ExpressionPtr> in =
      parsed.ok() ? ParseExpression(body, ctx) : StatusOr<ExpressionPtr>(parsed);
  ctx->EndScope(mark);
  RETURN_IF_ERROR(in.status());
  if (variables.empty()) {
    return in;
  }
  operands.push_back(*std::move(in));
  return ExpressionPtr(std::make_unique<LetExpression>(std::move(variables), std::move(operands)));
}

constexpr ExpressionRow kRows[] = {
    {"$const", ParseLiteral},
    {"$let", ParseLet},
    {"$literal", ParseLiteral},
};

}  // namespace

std::span<const ExpressionRow> VariableExpressions() {
  return kRows;
}

}  // namespace septet::query
