// SPDX-License-Identifier: Apache-2.0
// The optional start and end of $indexOfArray, $indexOfBytes and $indexOfCP, and exact 32-bit
// integers. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "query/expression/operator.h"

namespace septet::query {

// The value if it is a number that an int32 holds exactly.
std::optional<int32_t> ExactInt32(ValueView v);

// Argument 2 of the call, or 0. Errors: 40096 not integral, 40097 negative.
StatusOr<int64_t> StartArgument(const Call& call);
// Argument 3 of the call, or the greatest int64.
StatusOr<int64_t> EndArgument(const Call& call);

}  // namespace septet::query
