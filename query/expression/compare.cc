// SPDX-License-Identifier: Apache-2.0
// $cmp $eq $gt $gte $lt $lte $ne: the one order of all BSON values, across types; strings by the
// operation's collation. Missing is not null here. Source: manual, "Comparison expression
// operators".
#include "query/expression/operator.h"

namespace septet::query {

namespace {

int Order(const Call& call) {
  return bson::Compare(call[0], call[1], call.ctx->collator);
}

StatusOr<ValueView> Cmp(const Call& call) {
  const int order = Order(call);
  return call.Int32(order < 0 ? -1 : (order > 0 ? 1 : 0));
}
StatusOr<ValueView> Eq(const Call& call) {
  return BoolValue(Order(call) == 0);
}
StatusOr<ValueView> Gt(const Call& call) {
  return BoolValue(Order(call) > 0);
}
StatusOr<ValueView> Gte(const Call& call) {
  return BoolValue(Order(call) >= 0);
}
StatusOr<ValueView> Lt(const Call& call) {
  return BoolValue(Order(call) < 0);
}
StatusOr<ValueView> Lte(const Call& call) {
  return BoolValue(Order(call) <= 0);
}
StatusOr<ValueView> Ne(const Call& call) {
  return BoolValue(Order(call) != 0);
}

constexpr ExpressionRow kRows[] = {
    {"$cmp", ParsePositional<Cmp, 2>}, {"$eq", ParsePositional<Eq, 2>},
    {"$gt", ParsePositional<Gt, 2>},   {"$gte", ParsePositional<Gte, 2>},
    {"$lt", ParsePositional<Lt, 2>},   {"$lte", ParsePositional<Lte, 2>},
    {"$ne", ParsePositional<Ne, 2>},
};

}  // namespace

std::span<const ExpressionRow> CompareExpressions() {
  return kRows;
}

}  // namespace septet::query
