// SPDX-License-Identifier: Apache-2.0
// {n, input} of $firstN, $lastN, $maxN and $minN, as accumulators and as expressions.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "query/expression/operator.h"

namespace septet::query {

struct NArguments {
  ExpressionPtr n;
  ExpressionPtr input;
};
// Errors: 5787900 no object, 5787901 unknown name, 5787906 and 5787907 missing ones.
StatusOr<NArguments> ParseNArguments(std::string_view name, ValueView operand, ParseContext* ctx);
// Errors: 5787902, 5787903 not integral, 5787908 not positive.
StatusOr<int64_t> CheckN(ValueView n);
// The same for the `n` of an accumulator, which must not read the rows.
Status CheckGroupN(const Expression& n);

}  // namespace septet::query
