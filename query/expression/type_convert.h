// SPDX-License-Identifier: Apache-2.0
// One value to another type, as $convert and the $to... operators do it.
// Thread rule: pure functions.
#pragma once

#include "query/expression/expression.h"

namespace septet::query {

// `v` is not null or missing. Errors: ConversionFailure (241).
StatusOr<ValueView> ConvertValue(ValueView v, bson::Type to, EvalContext* ctx);

}  // namespace septet::query
