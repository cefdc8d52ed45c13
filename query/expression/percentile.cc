// SPDX-License-Identifier: Apache-2.0
#include "query/expression/percentile.h"

#include <algorithm>
#include <cmath>

#include "bson/number.h"

#include "base/strings.h"

namespace septet::query {

namespace {

StatusOr<std::vector<double>> ParseP(ValueView p, ParseContext* ctx) {
  constexpr std::string_view kText =
      "The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: ";
  ASSIGN_OR_RETURN(const ExpressionPtr expression, ParseExpression(p, ctx));
  const ValueView list = expression->Constant();
  if (list.missing()) {
    return Error(7750300, "The $percentile 'p' field must be a constant expression");
  }
  if (!list.is_array() || list.AsArray().empty()) {
    return Error(7750301, StrCat(kText, ValueText(list)));
  }
  std::vector<double> result;
  for (const bson::ElementView e : list.AsArray()) {
    if (!e.value().is_number()) {
      return Error(7750302, StrCat(kText, ValueText(e.value())));
    }
    const double d = bson::ToDouble(e.value());
    if (!(d >= 0 && d <= 1)) {
      return Error(7750303, StrCat(kText, ValueText(e.value())));
    }
    result.push_back(d);
  }
  return result;
}

Status MissingField(std::string_view name, std::string_view field) {
  return Error(ErrorCode::kIDLFailedToParse,
               StrCat("BSON field '", name, ".", field, "' is missing but a required field"));
}

class PercentileAccumulator final : public Accumulator {
 public:
  explicit PercentileAccumulator(const PercentileArguments* arguments) : arguments_(arguments) {}
  Status Add(ValueView input, EvalContext*) override {
    if (input.is_number() && !bson::IsNaN(input)) {
      values_.push_back(bson::ToDouble(input));
    }
    return CheckAccumulatorMemory(arguments_->median ? "$median" : "$percentile",
                                  values_.capacity() * sizeof(double));
  }
  StatusOr<ValueView> Result(EvalContext* ctx) override {
    return PercentileOf(*arguments_, &values_, ctx);
  }
  size_t memory_bytes() const override {
    return sizeof(*this) + values_.capacity() * sizeof(double);
  }

 private:
  const PercentileArguments* const arguments_;
  std::vector<double> values_;
};

class PercentileSpec final : public AccumulatorSpec {
 public:
  explicit PercentileSpec(PercentileArguments arguments) : arguments_(std::move(arguments)) {}
  std::unique_ptr<Accumulator> Make() const override {
    return std::make_unique<PercentileAccumulator>(&arguments_);
  }
  StatusOr<ValueView> Input(EvalContext* ctx) const override {
    return arguments_.input->Evaluate(ctx);
  }
  void Serialize(std::string_view field, bson::DocBuilder* out) const override {
    SerializePercentile(arguments_, field, out);
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    arguments_.input->Dependencies(paths, whole_document);
  }

 private:
  const PercentileArguments arguments_;
};

StatusOr<AccumulatorSpecPtr> ParsePercentileAccumulator(std::string_view name, ValueView operand,
                                                        ParseContext* ctx) {
  ASSIGN_OR_RETURN(PercentileArguments arguments, ParsePercentile(name, operand, ctx));
  return AccumulatorSpecPtr(std::make_unique<PercentileSpec>(std::move(arguments)));
}

constexpr AccumulatorRow kRows[] = {
    {"$median", ParsePercentileAccumulator},
    {"$percentile", ParsePercentileAccumulator},
};

}  // namespace

StatusOr<PercentileArguments> ParsePercentile(std::string_view name, ValueView operand,
                                              ParseContext* ctx) {
  PercentileArguments arguments;
  arguments.median = name == "$median";
  if (!operand.is_object()) {
    return Error(arguments.median ? 7436100 : 7429703,
                 StrCat("specification must be an object; found ", name, ": ", ValueText(operand)));
  }
  bool method = false;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "input") {
      ASSIGN_OR_RETURN(arguments.input, ParseExpression(e.value(), ctx));
    } else if (e.name() == "p" && !arguments.median) {
      ASSIGN_OR_RETURN(arguments.p, ParseP(e.value(), ctx));
    } else if (e.name() == "method") {
      method = true;
      if (!e.value().is_string() || e.value().AsString() != "approximate") {
        return Error(ErrorCode::kBadValue,
                     "Currently only 'approximate' can be used as percentile 'method'.");
      }
    } else {
      return Error(ErrorCode::kIDLUnknownField,
                   StrCat("BSON field '", name, ".", e.name(), "' is an unknown field."));
    }
  }
  if (arguments.input == nullptr) {
    return MissingField(name, "input");
  }
  if (!method) {
    return MissingField(name, "method");
  }
  if (arguments.median) {
    arguments.p = {0.5};
  } else if (arguments.p.empty()) {
    return MissingField(name, "p");
  }
  return arguments;
}

void SerializePercentile(const PercentileArguments& arguments, std::string_view field,
                         bson::DocBuilder* out) {
  auto object = out->Object(field);
  auto inner = out->Object(arguments.median ? "$median" : "$percentile");
  arguments.input->Serialize("input", out);
  if (!arguments.median) {
    auto list = out->Array("p");
    for (const double p : arguments.p) {
      out->Add(p);
    }
  }
  out->Append("method", "approximate");
}

ValueView PercentileOf(const PercentileArguments& arguments, std::vector<double>* values,
                       EvalContext* ctx) {
  std::sort(values->begin(), values->end());
  const auto pick = [&](double p) {
    if (values->empty()) {
      return NullValue();
    }
    const double rank = std::ceil(p * static_cast<double>(values->size())) - 1;
    return ctx->arena->Double((*values)[static_cast<size_t>(std::max(rank, 0.0))]);
  };
  if (arguments.median) {
    return pick(0.5);
  }
  ArrayWriter out(ctx);
  for (const double p : arguments.p) {
    out.Add(pick(p));
  }
  return out.Finish();
}

std::span<const AccumulatorRow> PercentileAccumulators() {
  return kRows;
}

}  // namespace septet::query
