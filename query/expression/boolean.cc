// SPDX-License-Identifier: Apache-2.0
// $and $or $not. False are false, 0, null, undefined and missing; everything else is true, the
// empty string and empty arrays too. $and and $or stop at the first operand that decides. Source:
// manual, "Boolean expression operators".
#include "query/expression/operator.h"

namespace septet::query {

namespace {

// kStop: the truth that decides.
template <bool kStop>
StatusOr<ValueView> Decide(const LazyCall& call) {
  for (size_t i = 0; i < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (v.Truthy() == kStop) {
      return BoolValue(kStop);
    }
  }
  return BoolValue(!kStop);
}

StatusOr<ValueView> Not(const Call& call) {
  return BoolValue(!call[0].Truthy());
}

constexpr ExpressionRow kRows[] = {
    {"$and", ParseLazy<Decide<false>, 0, -1>},
    {"$not", ParsePositional<Not, 1>},
    {"$or", ParseLazy<Decide<true>, 0, -1>},
};

}  // namespace

std::span<const ExpressionRow> BooleanExpressions() {
  return kRows;
}

}  // namespace septet::query
