// SPDX-License-Identifier: Apache-2.0
// What operator families are made of. A family file holds small functions and one constexpr table:
//
//   StatusOr<ValueView> Abs(const Call& call);
//   constexpr ExpressionRow kRows[] = {{"$abs", ParsePositional<Abs, 1, 1>}, ...};
//
// ParsePositional takes {$op: [a, b]} or {$op: a}; ParseNamed takes {$op: {input: a, ...}}. Both
// check arity or argument names with the operator's error codes, fold constants and give explain
// and dependency analysis for free. Thread rule: immutable nodes; a Call lives on the stack of one
// evaluation.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/expression/expression.h"
#include "query/expression/result.h"

namespace septet::query {

// One evaluation of an operator whose operands are all evaluated first.
struct Call {
  std::string_view name;
  std::span<const ValueView> args;  // missing also where an optional argument was not given
  EvalContext* ctx;

  ValueView operator[](size_t i) const { return args[i]; }
  size_t size() const { return args.size(); }
  bool AnyNullish() const {
    for (const ValueView v : args) {
      if (v.nullish()) {
        return true;
      }
    }
    return false;
  }
  ValueView Double(double d) const { return ctx->arena->Double(d); }
  ValueView Int32(int32_t i) const { return ctx->arena->Int32(i); }
  ValueView Int64(int64_t i) const { return ctx->arena->Int64(i); }
  ValueView String(std::string_view s) const { return ctx->arena->String(s); }
};

// One evaluation of an operator that evaluates its operands itself.
struct LazyCall {
  std::string_view name;
  const std::vector<ExpressionPtr>& operands;  // null where an optional argument was not given
  EvalContext* ctx;

  bool Has(size_t i) const { return operands[i] != nullptr; }
  StatusOr<ValueView> operator()(size_t i) const {
    return operands[i] == nullptr ? StatusOr<ValueView>(ValueView()) : operands[i]->Evaluate(ctx);
  }
  size_t size() const { return operands.size(); }
};

using EagerFunction = StatusOr<ValueView> (*)(const Call& call);
using LazyFunction = StatusOr<ValueView> (*)(const LazyCall& call);

// An operator node with its operands: explain and dependencies.
class OperatorExpression : public Expression {
 public:
  // `name` and `argument_names` must live forever (rows of a table). Empty argument_names: the
  // operands are positional.
  OperatorExpression(std::string_view name, std::span<const std::string_view> argument_names,
                     std::vector<ExpressionPtr> operands)
      : name_(name), argument_names_(argument_names), operands_(std::move(operands)) {}
  void Serialize(std::string_view name, bson::DocBuilder* out) const override;
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override;
  const std::vector<ExpressionPtr>& operands() const { return operands_; }

 protected:
  std::string_view name_;
  std::span<const std::string_view> argument_names_;
  std::vector<ExpressionPtr> operands_;
};

class EagerExpression final : public OperatorExpression {
 public:
  EagerExpression(EagerFunction function, std::string_view name,
                  std::span<const std::string_view> argument_names,
                  std::vector<ExpressionPtr> operands)
      : OperatorExpression(name, argument_names, std::move(operands)), function_(function) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override;

 private:
  const EagerFunction function_;
};

class LazyExpression final : public OperatorExpression {
 public:
  LazyExpression(LazyFunction function, std::string_view name,
                 std::span<const std::string_view> argument_names,
                 std::vector<ExpressionPtr> operands)
      : OperatorExpression(name, argument_names, std::move(operands)), function_(function) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    return function_({name_, operands_, ctx});
  }

 private:
  const LazyFunction function_;
};

// The operands of {$op: [a, b]} or {$op: a}.
StatusOr<std::vector<ExpressionPtr>> ParseOperands(ValueView operand, ParseContext* ctx);
// 16020 or 28667. `max` < 0: any number from `min` on.
Status CheckArity(std::string_view name, size_t count, int min, int max);

// Whether all given operands are constants.
bool AllConstant(const std::vector<ExpressionPtr>& operands);
// The constant that `expression` gives, or `expression` itself where it fails (the error is noted
// in `ctx`) or has no value.
ExpressionPtr Fold(ExpressionPtr expression, ParseContext* ctx);
ExpressionPtr MakeConstant(ValueView v);

StatusOr<ExpressionPtr> FinishEager(EagerFunction function, std::string_view name,
                                    std::span<const std::string_view> argument_names,
                                    std::vector<ExpressionPtr> operands, ParseContext* ctx);
StatusOr<ExpressionPtr> FinishLazy(LazyFunction function, std::string_view name,
                                   std::span<const std::string_view> argument_names,
                                   std::vector<ExpressionPtr> operands, ParseContext* ctx);

template <EagerFunction kFunction, int kMin, int kMax = kMin>
StatusOr<ExpressionPtr> ParsePositional(std::string_view name, ValueView operand,
                                        ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
  RETURN_IF_ERROR(CheckArity(name, operands.size(), kMin, kMax));
  return FinishEager(kFunction, name, {}, std::move(operands), ctx);
}

template <LazyFunction kFunction, int kMin, int kMax = kMin>
StatusOr<ExpressionPtr> ParseLazy(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
  RETURN_IF_ERROR(CheckArity(name, operands.size(), kMin, kMax));
  return FinishLazy(kFunction, name, {}, std::move(operands), ctx);
}

// How an operator with named arguments answers bad ones. In texts, "$op" stands for the operator's
// name and "%" for the argument's name or the type found.
struct NamedArgument {
  std::string_view name;
  int missing_code = 0;  // 0: optional
  std::string_view missing_text = {};
};
struct NamedSpec {
  int not_object_code;
  std::string_view not_object_text;
  int unknown_code;
  std::string_view unknown_text;
  std::span<const NamedArgument> arguments;
  std::span<const std::string_view> names;  // the same names, for explain
};
// The operands in the order of spec.arguments.
StatusOr<std::vector<ExpressionPtr>> ParseNamedOperands(const NamedSpec& spec,
                                                        std::string_view name, ValueView operand,
                                                        ParseContext* ctx);
// "$op ... %" with both filled in.
std::string FillText(std::string_view text, std::string_view name, std::string_view detail);

template <const NamedSpec& kSpec, EagerFunction kFunction>
StatusOr<ExpressionPtr> ParseNamed(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseNamedOperands(kSpec, name, operand, ctx));
  return FinishEager(kFunction, name, kSpec.names, std::move(operands), ctx);
}

template <const NamedSpec& kSpec, LazyFunction kFunction>
StatusOr<ExpressionPtr> ParseNamedLazy(std::string_view name, ValueView operand,
                                       ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseNamedOperands(kSpec, name, operand, ctx));
  return FinishLazy(kFunction, name, kSpec.names, std::move(operands), ctx);
}

// The tables of the families, one function each; see registry.def.
#define SEPTET_EXPRESSION_FAMILY(name) std::span<const ExpressionRow> name##Expressions();
#include "query/expression/registry.def"
#undef SEPTET_EXPRESSION_FAMILY

}  // namespace septet::query
