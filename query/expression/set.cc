// SPDX-License-Identifier: Apache-2.0
// $allElementsTrue $anyElementTrue $setDifference $setEquals $setIntersection $setIsSubset
// $setUnion. Arrays as sets: duplicates and order do not count, equality is by the order of all
// values and the collation. $setUnion and $setIntersection answer in sorted order, $setDifference
// in that of its first. Source: manual, "Set expression operators".
#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::TypeName;

namespace {

// Sorted values without duplicates; views into the arrays.
class ValueSet {
 public:
  explicit ValueSet(const bson::StringComparator* collator) : collator_(collator) {}
  ValueSet(DocView array, const bson::StringComparator* collator) : collator_(collator) {
    Add(array);
    Sort();
  }
  void Add(DocView array) {
    for (const bson::ElementView e : array) {
      items_.push_back(e.value());
    }
  }
  // Of equal values the one added first stays.
  void Sort() {
    std::stable_sort(items_.begin(), items_.end(), [this](ValueView a, ValueView b) {
      return bson::Compare(a, b, collator_) < 0;
    });
    items_.erase(
        std::unique(items_.begin(), items_.end(),
                    [this](ValueView a, ValueView b) { return bson::Equal(a, b, collator_); }),
        items_.end());
  }
  bool Has(ValueView v) const {
    const auto at = std::lower_bound(
        items_.begin(), items_.end(), v,
        [this](ValueView a, ValueView b) { return bson::Compare(a, b, collator_) < 0; });
    return at != items_.end() && bson::Equal(*at, v, collator_);
  }
  std::vector<ValueView>& items() { return items_; }
  const std::vector<ValueView>& items() const { return items_; }

 private:
  const bson::StringComparator* collator_;
  std::vector<ValueView> items_;
};

ValueView ToArray(const std::vector<ValueView>& items, EvalContext* ctx) {
  ArrayWriter out(ctx);
  for (const ValueView v : items) {
    out.Add(v);
  }
  return out.Finish();
}

Status AllArrays(int code, const Call& call, ValueView v) {
  if (v.is_array()) {
    return OkStatus();
  }
  return Error(code, StrCat("All operands of ", call.name,
                            " must be arrays. One argument is of type: ", TypeName(v.type())));
}

Status BothArrays(const Call& call, int first, int second) {
  for (size_t i = 0; i < 2; ++i) {
    if (!call[i].is_array()) {
      return Error(
          i == 0 ? first : second,
          StrCat("both operands of ", call.name, " must be arrays. ", i == 0 ? "First" : "Second",
                 " argument is of type: ", TypeName(call[i].type())));
    }
  }
  return OkStatus();
}

StatusOr<ValueView> SetUnion(const Call& call) {
  ValueSet set(call.ctx->collator);
  for (const ValueView v : call.args) {
    if (v.nullish()) {
      return NullValue();
    }
    RETURN_IF_ERROR(AllArrays(17043, call, v));
    set.Add(v.AsArray());
  }
  set.Sort();
  return ToArray(set.items(), call.ctx);
}

StatusOr<ValueView> SetIntersection(const Call& call) {
  ValueSet result(call.ctx->collator);
  for (size_t i = 0; i < call.size(); ++i) {
    if (call[i].nullish()) {
      return NullValue();
    }
    RETURN_IF_ERROR(AllArrays(17047, call, call[i]));
    ValueSet next(call[i].AsArray(), call.ctx->collator);
    if (i == 0) {
      result = std::move(next);
    } else {
      std::erase_if(result.items(), [&next](ValueView v) { return !next.Has(v); });
    }
  }
  return ToArray(result.items(), call.ctx);
}

StatusOr<ValueView> SetDifference(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  RETURN_IF_ERROR(BothArrays(call, 17048, 17049));
  const ValueSet away(call[1].AsArray(), call.ctx->collator);
  std::vector<ValueView> kept;
  for (const bson::ElementView e : call[0].AsArray()) {
    const auto same = [&](ValueView v) { return bson::Equal(v, e.value(), call.ctx->collator); };
    if (!away.Has(e.value()) && std::none_of(kept.begin(), kept.end(), same)) {
      kept.push_back(e.value());
    }
  }
  return ToArray(kept, call.ctx);
}

StatusOr<ValueView> SetEquals(const Call& call) {
  ValueSet first(call.ctx->collator);
  for (size_t i = 0; i < call.size(); ++i) {
    RETURN_IF_ERROR(AllArrays(17044, call, call[i]));
    ValueSet next(call[i].AsArray(), call.ctx->collator);
    if (i == 0) {
      first = std::move(next);
      continue;
    }
    const bool same = std::equal(
        first.items().begin(), first.items().end(), next.items().begin(), next.items().end(),
        [&call](ValueView a, ValueView b) { return bson::Equal(a, b, call.ctx->collator); });
    if (!same) {
      return BoolValue(false);
    }
  }
  return BoolValue(true);
}

StatusOr<ExpressionPtr> ParseSetEquals(std::string_view name, ValueView operand,
                                       ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseOperands(operand, ctx));
  if (operands.size() < 2) {
    return Error(17045, StrCat("$setEquals needs at least two arguments had: ", operands.size()));
  }
  return FinishEager(SetEquals, name, {}, std::move(operands), ctx);
}

StatusOr<ValueView> SetIsSubset(const Call& call) {
  RETURN_IF_ERROR(BothArrays(call, 17046, 17042));
  const ValueSet whole(call[1].AsArray(), call.ctx->collator);
  for (const bson::ElementView e : call[0].AsArray()) {
    if (!whole.Has(e.value())) {
      return BoolValue(false);
    }
  }
  return BoolValue(true);
}

template <bool kStop, int kCode>
StatusOr<ValueView> ElementsTrue(const Call& call) {
  if (!call[0].is_array()) {
    return Error(kCode, StrCat(call.name, "'s argument must be an array, but is ",
                               TypeName(call[0].type())));
  }
  for (const bson::ElementView e : call[0].AsArray()) {
    if (e.value().Truthy() == kStop) {
      return BoolValue(kStop);
    }
  }
  return BoolValue(!kStop);
}

constexpr ExpressionRow kRows[] = {
    {"$allElementsTrue", ParsePositional<ElementsTrue<false, 17040>, 1>},
    {"$anyElementTrue", ParsePositional<ElementsTrue<true, 17041>, 1>},
    {"$setDifference", ParsePositional<SetDifference, 2>},
    {"$setEquals", ParseSetEquals},
    {"$setIntersection", ParsePositional<SetIntersection, 0, -1>},
    {"$setIsSubset", ParsePositional<SetIsSubset, 2>},
    {"$setUnion", ParsePositional<SetUnion, 0, -1>},
};

}  // namespace

std::span<const ExpressionRow> SetExpressions() {
  return kRows;
}

}  // namespace septet::query
