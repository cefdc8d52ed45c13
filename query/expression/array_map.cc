// SPDX-License-Identifier: Apache-2.0
// $filter {input, as, cond, limit} $map {input, as, in} $reduce {input, initialValue, in}
// $zip {inputs, useLongestLength, defaults}. A null or missing input gives null.
// Source: manual, "Array expression operators".
#include <algorithm>
#include <memory>
#include <optional>

#include "base/strings.h"
#include "query/expression/index_argument.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::TypeName;

namespace {

Status Poll(EvalContext* ctx) {
  return ctx->interrupt == nullptr ? OkStatus() : ctx->interrupt->Check();
}

// ---- $map and $filter: one body over one array ----

struct LoopArguments {
  ValueView input;
  ValueView as;
  ValueView body;
  ValueView limit;
};

struct LoopTexts {
  int not_object;
  int unknown;
  int no_input;
  int no_body;
  std::string_view body_name;
  bool has_limit;
};

StatusOr<LoopArguments> SplitLoop(std::string_view name, ValueView operand,
                                  const LoopTexts& texts) {
  if (!operand.is_object()) {
    return Error(texts.not_object, StrCat(name, " only supports an object as its argument"));
  }
  LoopArguments arguments;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "input") {
      arguments.input = e.value();
    } else if (e.name() == "as") {
      arguments.as = e.value();
    } else if (e.name() == texts.body_name) {
      arguments.body = e.value();
    } else if (texts.has_limit && e.name() == "limit") {
      arguments.limit = e.value();
    } else {
      return Error(texts.unknown, StrCat("Unrecognized parameter to ", name, ": ", e.name()));
    }
  }
  if (arguments.input.missing()) {
    return Error(texts.no_input, StrCat("Missing 'input' parameter to ", name));
  }
  if (arguments.body.missing()) {
    return Error(texts.no_body, StrCat("Missing '", texts.body_name, "' parameter to ", name));
  }
  return arguments;
}

StatusOr<std::string> LoopVariableName(ValueView as) {
  if (as.missing()) {
    return std::string("this");
  }
  const std::string name(as.is_string() ? as.AsString() : std::string_view());
  RETURN_IF_ERROR(ValidateVariableName(name));
  return name;
}

// Operands: input, body, limit (may be null).
class LoopExpression : public OperatorExpression {
 public:
  LoopExpression(std::string_view name, std::string_view body_name, std::string as, VariableId id,
                 std::vector<ExpressionPtr> operands)
      : OperatorExpression(name, {}, std::move(operands)),
        body_name_(body_name),
        as_(std::move(as)),
        id_(id) {}

  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto object = out->Object(name_);
    operands_[0]->Serialize("input", out);
    out->Append("as", as_);
    operands_[1]->Serialize(body_name_, out);
    if (operands_[2] != nullptr) {
      operands_[2]->Serialize("limit", out);
    }
  }

 protected:
  const std::string_view body_name_;
  const std::string as_;
  const VariableId id_;
};

class MapExpression final : public LoopExpression {
 public:
  using LoopExpression::LoopExpression;
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, operands_[0]->Evaluate(ctx));
    if (input.nullish()) {
      return NullValue();
    }
    if (!input.is_array()) {
      return Error(16883, StrCat("input to $map must be an array not ", TypeName(input.type())));
    }
    ArrayWriter out(ctx);
    for (const bson::ElementView e : input.AsArray()) {
      RETURN_IF_ERROR(Poll(ctx));
      ctx->Set(id_, e.value());
      ASSIGN_OR_RETURN(const ValueView v, operands_[1]->Evaluate(ctx));
      out.Add(v);
    }
    return out.Finish();
  }
};

class FilterExpression final : public LoopExpression {
 public:
  using LoopExpression::LoopExpression;
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, operands_[0]->Evaluate(ctx));
    if (input.nullish()) {
      return NullValue();
    }
    if (!input.is_array()) {
      return Error(28651, StrCat("input to $filter must be an array not ", TypeName(input.type())));
    }
    ASSIGN_OR_RETURN(int64_t left, Limit(ctx));
    ArrayWriter out(ctx);
    for (const bson::ElementView e : input.AsArray()) {
      RETURN_IF_ERROR(Poll(ctx));
      ctx->Set(id_, e.value());
      ASSIGN_OR_RETURN(const ValueView v, operands_[1]->Evaluate(ctx));
      if (v.Truthy()) {
        out.Add(e.value());
        if (--left == 0) {
          break;
        }
      }
    }
    return out.Finish();
  }

 private:
  // -1 without a limit.
  StatusOr<int64_t> Limit(EvalContext* ctx) const {
    if (operands_[2] == nullptr) {
      return -1;
    }
    ASSIGN_OR_RETURN(const ValueView v, operands_[2]->Evaluate(ctx));
    if (v.nullish()) {
      return -1;
    }
    const std::optional<int32_t> n = ExactInt32(v);
    if (!n.has_value()) {
      return Error(327391, StrCat("$filter: limit must be represented as a 32-bit integral value: ",
                                  ValueText(v)));
    }
    if (*n <= 0) {
      return Error(327392, StrCat("$filter: limit must be greater than 0: ", ValueText(v)));
    }
    return *n;
  }
};

template <typename Loop>
StatusOr<ExpressionPtr> ParseLoop(std::string_view name, ValueView operand, ParseContext* ctx,
                                  const LoopTexts& texts) {
  ASSIGN_OR_RETURN(const LoopArguments arguments, SplitLoop(name, operand, texts));
  std::vector<ExpressionPtr> operands(3);
  ASSIGN_OR_RETURN(operands[0], ParseExpression(arguments.input, ctx));
  ASSIGN_OR_RETURN(std::string as, LoopVariableName(arguments.as));
  const size_t mark = ctx->BeginScope();
  const VariableId id = ctx->Declare(as);
  StatusOr<ExpressionPtr> body = ParseExpression(arguments.body, ctx);
  ctx->EndScope(mark);
  ASSIGN_OR_RETURN(operands[1], std::move(body));
  if (!arguments.limit.missing()) {
    ASSIGN_OR_RETURN(operands[2], ParseExpression(arguments.limit, ctx));
  }
  return ExpressionPtr(
      std::make_unique<Loop>(name, texts.body_name, std::move(as), id, std::move(operands)));
}

StatusOr<ExpressionPtr> ParseMap(std::string_view name, ValueView operand, ParseContext* ctx) {
  return ParseLoop<MapExpression>(name, operand, ctx, {16878, 16879, 16880, 16882, "in", false});
}

StatusOr<ExpressionPtr> ParseFilter(std::string_view name, ValueView operand, ParseContext* ctx) {
  return ParseLoop<FilterExpression>(name, operand, ctx,
                                     {28646, 28647, 28648, 28650, "cond", true});
}

// ---- $reduce ----

constexpr std::string_view kReduceNames[] = {"input", "initialValue", "in"};

class ReduceExpression final : public OperatorExpression {
 public:
  ReduceExpression(VariableId this_id, VariableId value_id, std::vector<ExpressionPtr> operands)
      : OperatorExpression("$reduce", kReduceNames, std::move(operands)),
        this_id_(this_id),
        value_id_(value_id) {}

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, operands_[0]->Evaluate(ctx));
    if (input.nullish()) {
      return NullValue();
    }
    if (!input.is_array()) {
      return Error(40080,
                   StrCat("$reduce requires that 'input' be an array, found: ", ValueText(input)));
    }
    ASSIGN_OR_RETURN(const ValueView initial, operands_[1]->Evaluate(ctx));
    if (input.AsArray().size_bytes() <= kSmallInput) {
      return Loop(input.AsArray(), initial, nullptr, ctx);
    }
    // Long inputs: a growing value would leave all its earlier states in the arena.
    bson::Arena* const outer = ctx->arena;
    bson::Arena steps;
    ctx->arena = &steps;
    StatusOr<ValueView> value = Loop(input.AsArray(), initial, &steps, ctx);
    ctx->arena = outer;
    RETURN_IF_ERROR(value.status());
    return value->missing() ? *value : outer->Copy(*value);
  }

 private:
  static constexpr int32_t kSmallInput = 4096;
  static constexpr size_t kMaxStepBytes = 4 * 1024 * 1024;

  // `steps`, if given, holds the results of the body and is emptied now and then.
  StatusOr<ValueView> Loop(DocView input, ValueView value, bson::Arena* steps,
                           EvalContext* ctx) const {
    bson::Value kept;
    for (const bson::ElementView e : input) {
      RETURN_IF_ERROR(Poll(ctx));
      ctx->Set(this_id_, e.value());
      ctx->Set(value_id_, value);
      ASSIGN_OR_RETURN(value, operands_[2]->Evaluate(ctx));
      if (steps != nullptr && steps->memory_bytes() > kMaxStepBytes && !value.missing()) {
        kept.Assign(bson::Value(value).view());
        steps->Reset();
        value = steps->Copy(kept.view());
      }
    }
    return value;
  }

  const VariableId this_id_;
  const VariableId value_id_;
};

StatusOr<ExpressionPtr> ParseReduce(std::string_view name, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(40075, StrCat("$reduce requires an object as an argument, found: ",
                               TypeName(operand.type())));
  }
  std::vector<ExpressionPtr> operands(3);
  VariableId ids[2] = {0, 0};
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "input") {
      ASSIGN_OR_RETURN(operands[0], ParseExpression(e.value(), ctx));
    } else if (e.name() == "initialValue") {
      ASSIGN_OR_RETURN(operands[1], ParseExpression(e.value(), ctx));
    } else if (e.name() == "in") {
      const size_t mark = ctx->BeginScope();
      ids[0] = ctx->Declare("this");
      ids[1] = ctx->Declare("value");
      StatusOr<ExpressionPtr> body = ParseExpression(e.value(), ctx);
      ctx->EndScope(mark);
      ASSIGN_OR_RETURN(operands[2], std::move(body));
    } else {
      return Error(40076, StrCat("$reduce found an unknown argument: ", e.name()));
    }
  }
  for (int i = 0; i < 3; ++i) {
    if (operands[static_cast<size_t>(i)] == nullptr) {
      return Error(40077 + i, StrCat(name, " requires '", kReduceNames[i], "' to be specified"));
    }
  }
  return ExpressionPtr(std::make_unique<ReduceExpression>(ids[0], ids[1], std::move(operands)));
}

// ---- $zip ----

// Operands: the inputs, then as many defaults if any were given.
class ZipExpression final : public OperatorExpression {
 public:
  ZipExpression(bool longest, size_t inputs, std::vector<ExpressionPtr> operands)
      : OperatorExpression("$zip", {}, std::move(operands)), longest_(longest), inputs_(inputs) {}

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    std::vector<DocView> arrays(inputs_);
    size_t rows = 0;
    for (size_t i = 0; i < inputs_; ++i) {
      ASSIGN_OR_RETURN(const ValueView v, operands_[i]->Evaluate(ctx));
      if (v.nullish()) {
        return NullValue();
      }
      if (!v.is_array()) {
        return Error(34468, StrCat("$zip found a non-array expression in input: ", ValueText(v)));
      }
      arrays[i] = v.AsArray();
      const auto size = static_cast<size_t>(arrays[i].CountFields());
      rows = i == 0 ? size : (longest_ ? std::max(rows, size) : std::min(rows, size));
    }
    std::vector<ValueView> defaults(inputs_);
    for (size_t i = inputs_; i < operands_.size(); ++i) {
      ASSIGN_OR_RETURN(defaults[i - inputs_], operands_[i]->Evaluate(ctx));
    }
    return Transpose(arrays, defaults, rows, ctx);
  }

  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto object = out->Object("$zip");
    {
      auto list = out->Array("inputs");
      for (size_t i = 0; i < inputs_; ++i) {
        operands_[i]->Serialize(out->NextIndex(), out);
      }
    }
    if (operands_.size() > inputs_) {
      auto list = out->Array("defaults");
      for (size_t i = inputs_; i < operands_.size(); ++i) {
        operands_[i]->Serialize(out->NextIndex(), out);
      }
    }
    out->Append("useLongestLength", longest_);
  }

 private:
  static ValueView Transpose(const std::vector<DocView>& arrays,
                             const std::vector<ValueView>& defaults, size_t rows,
                             EvalContext* ctx) {
    std::vector<DocView::Iterator> at;
    for (const DocView array : arrays) {
      at.push_back(array.begin());
    }
    ArrayWriter out(ctx);
    for (size_t row = 0; row < rows; ++row) {
      ArrayWriter tuple(ctx);
      for (size_t i = 0; i < arrays.size(); ++i) {
        if (at[i] == arrays[i].end()) {
          tuple.Add(defaults[i]);
        } else {
          tuple.Add(at[i]->value());
          ++at[i];
        }
      }
      out.Add(tuple.Finish());
    }
    return out.Finish();
  }

  const bool longest_;
  const size_t inputs_;
};

// What {useLongestLength: v} parses to is named in the text, and that is never a plain value.
StatusOr<bool> ZipFlag(ValueView v) {
  if (v.type() != bson::Type::kBool) {
    return Error(34463, "useLongestLength must be a bool, found object");
  }
  return v.AsBool();
}

StatusOr<ExpressionPtr> ParseZip(std::string_view, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(34460, StrCat("$zip only supports an object as an argument, found ",
                               TypeName(operand.type())));
  }
  bool longest = false;
  std::vector<ExpressionPtr> inputs;
  std::vector<ExpressionPtr> defaults;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "inputs" || e.name() == "defaults") {
      const bool is_inputs = e.name() == "inputs";
      if (!e.value().is_array()) {
        return Error(
            is_inputs ? 34461 : 34462,
            StrCat(e.name(), " must be an array of expressions, found ", TypeName(e.type())));
      }
      ASSIGN_OR_RETURN((is_inputs ? inputs : defaults), ParseOperands(e.value(), ctx));
    } else if (e.name() == "useLongestLength") {
      ASSIGN_OR_RETURN(longest, ZipFlag(e.value()));
    } else {
      return Error(34464, StrCat("$zip found an unknown argument: ", e.name()));
    }
  }
  if (inputs.empty()) {
    return Error(34465, "$zip requires at least one input array");
  }
  if (!defaults.empty() && !longest) {
    return Error(34466, "cannot specify defaults unless useLongestLength is true");
  }
  if (!defaults.empty() && defaults.size() != inputs.size()) {
    return Error(34467, "defaults and inputs must have the same length");
  }
  const size_t count = inputs.size();
  for (ExpressionPtr& fallback : defaults) {
    inputs.push_back(std::move(fallback));
  }
  return ExpressionPtr(std::make_unique<ZipExpression>(longest, count, std::move(inputs)));
}

constexpr ExpressionRow kRows[] = {
    {"$filter", ParseFilter},
    {"$map", ParseMap},
    {"$reduce", ParseReduce},
    {"$zip", ParseZip},
};

}  // namespace

std::span<const ExpressionRow> ArrayMapExpressions() {
  return kRows;
}

}  // namespace septet::query
