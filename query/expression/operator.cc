// SPDX-License-Identifier: Apache-2.0
#include "query/expression/operator.h"

#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "query/expression/nodes.h"

namespace septet::query {

void OperatorExpression::Serialize(std::string_view name, bson::DocBuilder* out) const {
  auto outer = out->Object(name);
  if (argument_names_.empty()) {
    auto list = out->Array(name_);
    for (const ExpressionPtr& operand : operands_) {
      operand->Serialize(out->NextIndex(), out);
    }
    return;
  }
  auto named = out->Object(name_);
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i] != nullptr) {
      operands_[i]->Serialize(argument_names_[i], out);
    }
  }
}

void OperatorExpression::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  for (const ExpressionPtr& operand : operands_) {
    if (operand != nullptr) {
      operand->Dependencies(paths, whole_document);
    }
  }
}

StatusOr<ValueView> EagerExpression::Evaluate(EvalContext* ctx) const {
  constexpr size_t kInline = 6;
  ValueView on_stack[kInline];
  ValueView* args = on_stack;
  if (operands_.size() > kInline) {
    char* raw = ctx->arena->Allocate(operands_.size() * sizeof(ValueView) + alignof(ValueView));
    const auto misalignment = reinterpret_cast<uintptr_t>(raw) % alignof(ValueView);
    raw += misalignment == 0 ? 0 : alignof(ValueView) - misalignment;
    args = reinterpret_cast<ValueView*>(raw);
    std::uninitialized_default_construct_n(args, operands_.size());
  }
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i] != nullptr) {
      ASSIGN_OR_RETURN(args[i], operands_[i]->Evaluate(ctx));
    }
  }
  return function_({name_, {args, operands_.size()}, ctx});
}

StatusOr<std::vector<ExpressionPtr>> ParseOperands(ValueView operand, ParseContext* ctx) {
  std::vector<ExpressionPtr> operands;
  if (!operand.is_array()) {
    ASSIGN_OR_RETURN(ExpressionPtr single, ParseExpression(operand, ctx));
    operands.push_back(std::move(single));
    return operands;
  }
  for (const bson::ElementView e : operand.AsArray()) {
    ASSIGN_OR_RETURN(ExpressionPtr item, ParseExpression(e.value(), ctx));
    operands.push_back(std::move(item));
  }
  return operands;
}

Status CheckArity(std::string_view name, size_t count, int min, int max) {
  const int n = static_cast<int>(count);
  if (n >= min && (max < 0 || n <= max)) {
    return OkStatus();
  }
  if (min == max) {
    return Error(16020, StrCat("Expression ", name, " takes exactly ", min, " arguments. ", n,
                               " were passed in."));
  }
  return Error(28667, StrCat("Expression ", name, " takes at least ", min,
                             " arguments, and at most ", max, ", but ", n, " were passed in."));
}

bool AllConstant(const std::vector<ExpressionPtr>& operands) {
  return std::all_of(operands.begin(), operands.end(), [](const ExpressionPtr& operand) {
    return operand == nullptr || !operand->Constant().missing();
  });
}

ExpressionPtr MakeConstant(ValueView v) {
  return std::make_unique<ConstantExpression>(v);
}

ExpressionPtr Fold(ExpressionPtr expression, ParseContext* ctx) {
  bson::Arena arena;
  EvalContext eval;
  eval.arena = &arena;
  eval.collator = ctx->collator;
  StatusOr<ValueView> v = expression->Evaluate(&eval);
  if (!v.ok()) {
    ctx->NoteFoldError(v.status());
    return expression;
  }
  return v->missing() ? std::move(expression) : MakeConstant(*v);
}

StatusOr<ExpressionPtr> FinishEager(EagerFunction function, std::string_view name,
                                    std::span<const std::string_view> argument_names,
                                    std::vector<ExpressionPtr> operands, ParseContext* ctx) {
  const bool constant = AllConstant(operands);
  ExpressionPtr made =
      std::make_unique<EagerExpression>(function, name, argument_names, std::move(operands));
  return constant ? Fold(std::move(made), ctx) : std::move(made);
}

StatusOr<ExpressionPtr> FinishLazy(LazyFunction function, std::string_view name,
                                   std::span<const std::string_view> argument_names,
                                   std::vector<ExpressionPtr> operands, ParseContext* ctx) {
  const bool constant = AllConstant(operands);
  ExpressionPtr made =
      std::make_unique<LazyExpression>(function, name, argument_names, std::move(operands));
  return constant ? Fold(std::move(made), ctx) : std::move(made);
}

std::string FillText(std::string_view text, std::string_view name, std::string_view detail) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "$op") {
      out += name;
      i += 2;
    } else if (text[i] == '%') {
      out += detail;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

StatusOr<std::vector<ExpressionPtr>> ParseNamedOperands(const NamedSpec& spec,
                                                        std::string_view name, ValueView operand,
                                                        ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(spec.not_object_code,
                 FillText(spec.not_object_text, name, bson::TypeName(operand.type())));
  }
  std::vector<ExpressionPtr> operands(spec.arguments.size());
  for (const bson::ElementView e : operand.AsDoc()) {
    const auto at = std::find(spec.names.begin(), spec.names.end(), e.name());
    if (at == spec.names.end()) {
      return Error(spec.unknown_code, FillText(spec.unknown_text, name, e.name()));
    }
    ASSIGN_OR_RETURN(operands[static_cast<size_t>(at - spec.names.begin())],
                     ParseExpression(e.value(), ctx));
  }
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const NamedArgument& argument = spec.arguments[i];
    if (operands[i] == nullptr && argument.missing_code != 0) {
      return Error(argument.missing_code, FillText(argument.missing_text, name, argument.name));
    }
  }
  return operands;
}

}  // namespace septet::query
