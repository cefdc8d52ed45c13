// SPDX-License-Identifier: Apache-2.0
// $median {input, method} and $percentile {input, p, method}, as accumulators and as expressions.
// Every number is kept, so the answer is the exact discrete percentile: the least value that at
// least the fraction p of all values does not exceed. Source: manual, "$percentile". Thread rule:
// see accumulator.h.
#pragma once

#include <string_view>
#include <vector>

#include "query/expression/accumulator_row.h"

namespace septet::query {

struct PercentileArguments {
  ExpressionPtr input;
  std::vector<double> p;
  bool median = false;
};
StatusOr<PercentileArguments> ParsePercentile(std::string_view name, ValueView operand,
                                              ParseContext* ctx);
void SerializePercentile(const PercentileArguments& arguments, std::string_view field,
                         bson::DocBuilder* out);
// Sorts `values`. Null (or an array of nulls) where there are none.
ValueView PercentileOf(const PercentileArguments& arguments, std::vector<double>* values,
                       EvalContext* ctx);

}  // namespace septet::query
