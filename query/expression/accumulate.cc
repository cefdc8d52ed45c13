// SPDX-License-Identifier: Apache-2.0
// Accumulators as expressions over one document: $avg $max $min $stdDevPop $stdDevSamp $sum over
// their operands (or the elements of a single array), $firstN $lastN $maxN $minN $median
// $percentile over an array, and $sortArray. Source: manual, "Accumulators (in Other Stages)",
// "$sortArray".
#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "query/expression/accumulator_basic.h"
#include "query/expression/n_argument.h"
#include "query/expression/operator.h"
#include "query/expression/percentile.h"
#include "query/expression/sort_pattern.h"

namespace septet::query {

using bson::TypeName;

namespace {

// Calls take(v) for each operand, or for the elements of the only operand if it is an array.
template <typename Take>
Status ForEachOperand(const Call& call, const Take& take) {
  if (call.size() == 1 && call[0].is_array()) {
    for (const bson::ElementView e : call[0].AsArray()) {
      RETURN_IF_ERROR(take(e.value()));
    }
    return OkStatus();
  }
  for (const ValueView v : call.args) {
    RETURN_IF_ERROR(take(v));
  }
  return OkStatus();
}

template <typename T>
StatusOr<ValueView> Accumulate(const Call& call) {
  T accumulator;
  RETURN_IF_ERROR(ForEachOperand(call, [&](ValueView v) { return accumulator.Add(v, call.ctx); }));
  return accumulator.Result(call.ctx);
}

template <bool kMax>
StatusOr<ValueView> Extreme(const Call& call) {
  ValueView best;
  RETURN_IF_ERROR(ForEachOperand(call, [&](ValueView v) {
    if (!v.nullish()) {
      const int order = best.missing() ? 0 : bson::Compare(v, best, call.ctx->collator);
      if (best.missing() || (kMax ? order > 0 : order < 0)) {
        best = v;
      }
    }
    return OkStatus();
  }));
  return best.missing() ? NullValue() : best;
}

// ---- the N family ----

enum class Pick { kFirst, kLast, kMax, kMin };
constexpr std::string_view kNNames[] = {"n", "input"};

template <Pick kPick>
StatusOr<ValueView> PickN(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t n, CheckN(call[0]));
  if (!call[1].is_array()) {
    return Error(5788200, "Input must be an array");
  }
  std::vector<ValueView> items;
  constexpr bool kOrdered = kPick == Pick::kMax || kPick == Pick::kMin;
  for (const bson::ElementView e : call[1].AsArray()) {
    if (!kOrdered || !e.value().nullish()) {
      items.push_back(e.value());
    }
  }
  if (kOrdered) {
    std::stable_sort(items.begin(), items.end(), [&call](ValueView a, ValueView b) {
      const int order = bson::Compare(a, b, call.ctx->collator);
      return kPick == Pick::kMax ? order > 0 : order < 0;
    });
  }
  const size_t count = std::min(items.size(), static_cast<size_t>(n));
  const size_t from = kPick == Pick::kLast ? items.size() - count : 0;
  ArrayWriter out(call.ctx);
  for (size_t i = from; i < from + count; ++i) {
    out.Add(items[i]);
  }
  return out.Finish();
}

template <Pick kPick>
StatusOr<ExpressionPtr> ParsePickN(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(NArguments arguments, ParseNArguments(name, operand, ctx));
  std::vector<ExpressionPtr> operands;
  operands.push_back(std::move(arguments.n));
  operands.push_back(std::move(arguments.input));
  return FinishEager(PickN<kPick>, name, kNNames, std::move(operands), ctx);
}

// ---- $median, $percentile ----

class PercentileExpression final : public Expression {
 public:
  explicit PercentileExpression(PercentileArguments arguments) : arguments_(std::move(arguments)) {}
  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, arguments_.input->Evaluate(ctx));
    std::vector<double> values;
    const auto take = [&values](ValueView v) {
      if (v.is_number() && !bson::IsNaN(v)) {
        values.push_back(bson::ToDouble(v));
      }
    };
    if (input.is_array()) {
      for (const bson::ElementView e : input.AsArray()) {
        take(e.value());
      }
    } else {
      take(input);
    }
    return PercentileOf(arguments_, &values, ctx);
  }
  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    SerializePercentile(arguments_, name, out);
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    arguments_.input->Dependencies(paths, whole_document);
  }

 private:
  const PercentileArguments arguments_;
};

StatusOr<ExpressionPtr> ParsePercentileExpression(std::string_view name, ValueView operand,
                                                  ParseContext* ctx) {
  ASSIGN_OR_RETURN(PercentileArguments arguments, ParsePercentile(name, operand, ctx));
  return ExpressionPtr(std::make_unique<PercentileExpression>(std::move(arguments)));
}

// ---- $sortArray ----

class SortArrayExpression final : public OperatorExpression {
 public:
  // `pattern` null: whole values, in `direction`.
  SortArrayExpression(std::unique_ptr<SortPattern> pattern, int direction,
                      std::vector<ExpressionPtr> operands)
      : OperatorExpression("$sortArray", {}, std::move(operands)),
        pattern_(std::move(pattern)),
        direction_(direction) {}

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, operands_[0]->Evaluate(ctx));
    if (input.nullish()) {
      return NullValue();
    }
    if (!input.is_array()) {
      return Error(2942504, StrCat("The input argument to $sortArray must be an array, but was of "
                                   "type: ",
                                   TypeName(input.type())));
    }
    struct Item {
      ValueView key;
      ValueView value;
    };
    std::vector<Item> items;
    for (const bson::ElementView e : input.AsArray()) {
      const ValueView v = e.value();
      items.push_back(
          {pattern_ == nullptr ? v : pattern_->Key(v.is_object() ? v.AsDoc() : DocView(), ctx), v});
    }
    std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
      return pattern_ == nullptr ? bson::Compare(a.key, b.key, ctx->collator) * direction_ < 0
                                 : pattern_->Compare(a.key, b.key, ctx->collator) < 0;
    });
    ArrayWriter out(ctx);
    for (const Item& item : items) {
      out.Add(item.value);
    }
    return out.Finish();
  }

  void Serialize(std::string_view name, bson::DocBuilder* out) const override {
    auto outer = out->Object(name);
    auto object = out->Object("$sortArray");
    operands_[0]->Serialize("input", out);
    if (pattern_ != nullptr) {
      out->Append("sortBy", pattern_->spec());
    } else {
      out->Append("sortBy", direction_);
    }
  }

 private:
  const std::unique_ptr<SortPattern> pattern_;
  const int direction_;
};

StatusOr<ExpressionPtr> ParseSortArray(std::string_view, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(2942500, StrCat("$sortArray requires an object as an argument, found: ",
                                 TypeName(operand.type())));
  }
  std::vector<ExpressionPtr> operands(1);
  ValueView sort_by;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "input") {
      ASSIGN_OR_RETURN(operands[0], ParseExpression(e.value(), ctx));
    } else if (e.name() == "sortBy") {
      sort_by = e.value();
    } else {
      return Error(2942501, StrCat("$sortArray found an unknown argument: ", e.name()));
    }
  }
  if (operands[0] == nullptr) {
    return Error(2942502, "$sortArray requires 'input' to be specified");
  }
  if (sort_by.missing()) {
    return Error(2942503, "$sortArray requires 'sortBy' to be specified");
  }
  std::unique_ptr<SortPattern> pattern;
  int direction = 1;
  if (sort_by.is_object()) {
    ASSIGN_OR_RETURN(SortPattern parsed, SortPattern::Parse(sort_by.AsDoc()));
    pattern = std::make_unique<SortPattern>(std::move(parsed));
  } else if (!sort_by.is_number()) {
    return Error(2942505, StrCat("Illegal sort specification: ", ValueText(sort_by)));
  } else {
    const double d = bson::ToDouble(sort_by);
    if (d != 1 && d != -1) {
      return Error(2942506, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
    }
    direction = static_cast<int>(d);
  }
  const bool constant = AllConstant(operands);
  ExpressionPtr made =
      std::make_unique<SortArrayExpression>(std::move(pattern), direction, std::move(operands));
  return constant ? Fold(std::move(made), ctx) : std::move(made);
}

constexpr ExpressionRow kRows[] = {
    {"$avg", ParsePositional<Accumulate<AvgAccumulator>, 0, -1>},
    {"$firstN", ParsePickN<Pick::kFirst>},
    {"$lastN", ParsePickN<Pick::kLast>},
    {"$max", ParsePositional<Extreme<true>, 0, -1>},
    {"$maxN", ParsePickN<Pick::kMax>},
    {"$median", ParsePercentileExpression},
    {"$min", ParsePositional<Extreme<false>, 0, -1>},
    {"$minN", ParsePickN<Pick::kMin>},
    {"$percentile", ParsePercentileExpression},
    {"$sortArray", ParseSortArray},
    {"$stdDevPop", ParsePositional<Accumulate<StdDevAccumulator<false>>, 0, -1>},
    {"$stdDevSamp", ParsePositional<Accumulate<StdDevAccumulator<true>>, 0, -1>},
    {"$sum", ParsePositional<Accumulate<SumAccumulator>, 0, -1>},
};

}  // namespace

std::span<const ExpressionRow> AccumulateExpressions() {
  return kRows;
}

}  // namespace septet::query
