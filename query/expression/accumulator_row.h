// SPDX-License-Identifier: Apache-2.0
// What accumulator families are made of: one constexpr table of AccumulatorRow per file.
// Thread rule: see accumulator.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/expression/accumulator.h"
#include "query/expression/operator.h"

namespace septet::query {

using AccumulatorSpecPtr = std::unique_ptr<AccumulatorSpec>;

struct AccumulatorRow {
  std::string_view name;  // "$sum"
  StatusOr<AccumulatorSpecPtr> (*parse)(std::string_view name, ValueView operand,
                                        ParseContext* ctx);
};

// {$sum: expr}: one argument, no other state.
class UnaryAccumulatorSpec final : public AccumulatorSpec {
 public:
  using Maker = std::unique_ptr<Accumulator> (*)();
  UnaryAccumulatorSpec(std::string_view name, Maker make, ExpressionPtr argument)
      : name_(name), make_(make), argument_(std::move(argument)) {}
  std::unique_ptr<Accumulator> Make() const override { return make_(); }
  StatusOr<ValueView> Input(EvalContext* ctx) const override { return argument_->Evaluate(ctx); }
  void Serialize(std::string_view field, bson::DocBuilder* out) const override {
    auto object = out->Object(field);
    argument_->Serialize(name_, out);
  }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override {
    argument_->Dependencies(paths, whole_document);
  }

 private:
  const std::string_view name_;
  const Maker make_;
  const ExpressionPtr argument_;
};

template <typename T>
StatusOr<AccumulatorSpecPtr> ParseUnaryAccumulator(std::string_view name, ValueView operand,
                                                   ParseContext* ctx) {
  ASSIGN_OR_RETURN(ExpressionPtr argument, ParseExpression(operand, ctx));
  const UnaryAccumulatorSpec::Maker make = [] {
    return std::unique_ptr<Accumulator>(std::make_unique<T>());
  };
  return AccumulatorSpecPtr(
      std::make_unique<UnaryAccumulatorSpec>(name, make, std::move(argument)));
}

// Fails with ExceededMemoryLimit (146) once an accumulator that cannot spill holds more than 100
// MB.
Status CheckAccumulatorMemory(std::string_view name, size_t bytes);

std::span<const AccumulatorRow> BasicAccumulators();
std::span<const AccumulatorRow> ListAccumulators();
std::span<const AccumulatorRow> NAccumulators();
std::span<const AccumulatorRow> PercentileAccumulators();
std::span<const AccumulatorRow> TopAccumulators();

}  // namespace septet::query
