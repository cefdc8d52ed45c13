// SPDX-License-Identifier: Apache-2.0
// $group's accumulators. One file per family in query/expression/accumulators*.cc with a constexpr table.
// Thread rule: an Accumulator belongs to one running operation.
#pragma once

#include <memory>
#include <string_view>

#include "query/expression/expression.h"

namespace septet::query {

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // `input` is the evaluated argument of the row (kept by copying what is needed).
  virtual Status Add(ValueView input, EvalContext* ctx) = 0;
  virtual StatusOr<ValueView> Result(EvalContext* ctx) = 0;  // in ctx->arena or in own bytes
  virtual size_t memory_bytes() const = 0;
};

// A parsed {field: {$sum: expr}}: makes fresh accumulators and evaluates the argument.
class AccumulatorSpec {
 public:
  virtual ~AccumulatorSpec() = default;
  virtual std::unique_ptr<Accumulator> Make() const = 0;
  // The argument for a row; what Add() gets.
  virtual StatusOr<ValueView> Input(EvalContext* ctx) const = 0;
  virtual void Serialize(std::string_view field, bson::DocBuilder* out) const = 0;
  virtual void Dependencies(std::vector<std::string>* paths, bool* whole_document) const = 0;
};

// `value` is {$sum: expr}. Errors: 40234 not one operator, 15952 unknown group operator, ...
StatusOr<std::unique_ptr<AccumulatorSpec>> ParseAccumulator(std::string_view field, ValueView value,
                                                            ParseContext* ctx);

}  // namespace septet::query
