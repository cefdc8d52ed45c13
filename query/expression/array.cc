// SPDX-License-Identifier: Apache-2.0
// $arrayElemAt $concatArrays $first $in $indexOfArray $isArray $last $range $reverseArray $size
// $slice. Source: manual, "Array expression operators". Null or missing arrays give null but for
// $in, $isArray and $size.
#include <algorithm>
#include <optional>

#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/index_argument.h"
#include "query/expression/operator.h"

namespace septet::query {

using bson::TypeName;

namespace {

// The element at `index`, counted from the end if negative; missing if out of range.
ValueView ElementAt(DocView array, int64_t index) {
  if (index < 0) {
    index += array.CountFields();
    if (index < 0) {
      return {};
    }
  }
  for (const bson::ElementView e : array) {
    if (index-- == 0) {
      return e.value();
    }
  }
  return {};
}

StatusOr<ValueView> ArrayElemAt(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(28689, StrCat("$arrayElemAt's first argument must be an array, but is ",
                               TypeName(call[0].type())));
  }
  if (!call[1].is_number()) {
    return Error(28690, StrCat("$arrayElemAt's second argument must be a numeric value, but is ",
                               TypeName(call[1].type())));
  }
  const std::optional<int32_t> index = ExactInt32(call[1]);
  if (!index.has_value()) {
    return Error(
        28691, StrCat("$arrayElemAt's second argument must be representable as a 32-bit integer: ",
                      ValueText(call[1])));
  }
  return ElementAt(call[0].AsArray(), *index);
}

template <int kIndex>
StatusOr<ValueView> End(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(28689, StrCat(call.name, "'s argument must be an array, but is ",
                               TypeName(call[0].type())));
  }
  return ElementAt(call[0].AsArray(), kIndex);
}

StatusOr<ValueView> ConcatArrays(const LazyCall& call) {
  ArrayWriter out(call.ctx);
  for (size_t i = 0; i < call.size(); ++i) {
    ASSIGN_OR_RETURN(const ValueView v, call(i));
    if (v.nullish()) {
      return NullValue();
    }
    if (!v.is_array()) {
      return Error(28664, StrCat("$concatArrays only supports arrays, not ", TypeName(v.type())));
    }
    for (const bson::ElementView e : v.AsArray()) {
      out.Add(e.value());
    }
  }
  return out.Finish();
}

StatusOr<ValueView> In(const Call& call) {
  if (!call[1].is_array()) {
    return Error(40081, StrCat("$in requires an array as a second argument, found: ",
                               TypeName(call[1].type())));
  }
  for (const bson::ElementView e : call[1].AsArray()) {
    if (bson::Equal(call[0], e.value(), call.ctx->collator)) {
      return BoolValue(true);
    }
  }
  return BoolValue(false);
}

StatusOr<ValueView> IndexOfArray(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(40090, StrCat("$indexOfArray requires an array as a first argument, found: ",
                               TypeName(call[0].type())));
  }
  ASSIGN_OR_RETURN(const int64_t start, StartArgument(call));
  ASSIGN_OR_RETURN(const int64_t end, EndArgument(call));
  int64_t i = 0;
  for (const bson::ElementView e : call[0].AsArray()) {
    if (i >= end) {
      break;
    }
    if (i >= start && bson::Equal(e.value(), call[1], call.ctx->collator)) {
      return call.Int32(static_cast<int32_t>(i));
    }
    ++i;
  }
  return call.Int32(-1);
}

StatusOr<ValueView> IsArray(const Call& call) {
  return BoolValue(call[0].is_array());
}

struct RangeArgument {
  int not_number;
  int not_int;
  std::string_view not_number_text;
  std::string_view not_int_text;
};
constexpr RangeArgument kRangeArguments[] = {
    {34443, 34444, "a numeric starting value, found value of type: ",
     "a starting value that can be represented as a 32-bit integer, found value: "},
    {34445, 34446, "a numeric ending value, found value of type: ",
     "an ending value that can be represented as a 32-bit integer, found value: "},
    {34447, 34448, "a numeric step value, found value of type:",
     "a step value that can be represented as a 32-bit integer, found value: "},
};

StatusOr<ValueView> Range(const Call& call) {
  constexpr size_t kMaxBytes = 64 * 1024 * 1024;
  int64_t bounds[3] = {0, 0, 1};
  for (size_t i = 0; i < call.size(); ++i) {
    const RangeArgument& argument = kRangeArguments[i];
    if (!call[i].is_number()) {
      return Error(argument.not_number,
                   StrCat("$range requires ", argument.not_number_text, TypeName(call[i].type())));
    }
    const std::optional<int32_t> n = ExactInt32(call[i]);
    if (!n.has_value()) {
      return Error(argument.not_int,
                   StrCat("$range requires ", argument.not_int_text, ValueText(call[i])));
    }
    bounds[i] = *n;
  }
  const auto [start, end, step] = bounds;
  if (step == 0) {
    return Error(34449, "$range requires a non-zero step value");
  }
  ArrayWriter out(call.ctx);
  bson::Arena numbers;
  for (int64_t n = start; step > 0 ? n < end : n > end; n += step) {
    out.Add(numbers.Int32(static_cast<int32_t>(n)));
    numbers.Reset();
    if (out.size_bytes() > kMaxBytes) {
      return Error(ErrorCode::kExceededMemoryLimit,
                   StrCat("$range would use too much memory (", out.size_bytes(),
                          " bytes) and cannot spill to disk. Memory limit: ", kMaxBytes, " bytes"));
    }
  }
  return out.Finish();
}

StatusOr<ValueView> ReverseArray(const Call& call) {
  if (call[0].nullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(34435, StrCat("The argument to $reverseArray must be an array, but was of type: ",
                               TypeName(call[0].type())));
  }
  std::vector<ValueView> items;
  for (const bson::ElementView e : call[0].AsArray()) {
    items.push_back(e.value());
  }
  ArrayWriter out(call.ctx);
  std::for_each(items.rbegin(), items.rend(), [&out](ValueView v) { out.Add(v); });
  return out.Finish();
}

StatusOr<ValueView> Size(const Call& call) {
  if (!call[0].is_array()) {
    return Error(17124, StrCat("The argument to $size must be an array, but was of type: ",
                               TypeName(call[0].type())));
  }
  return call.Int32(call[0].AsArray().CountFields());
}

StatusOr<int32_t> SliceNumber(ValueView v, std::string_view which, int not_number, int not_int) {
  if (!v.is_number()) {
    return Error(
        not_number,
        StrCat(which, " argument to $slice must be numeric, but is of type: ", TypeName(v.type())));
  }
  const std::optional<int32_t> n = ExactInt32(v);
  if (!n.has_value()) {
    return Error(not_int, StrCat(which, " argument to $slice can't be represented as a 32-bit ",
                                 "integer: ", ValueText(v)));
  }
  return *n;
}

StatusOr<ValueView> Slice(const Call& call) {
  if (call.AnyNullish()) {
    return NullValue();
  }
  if (!call[0].is_array()) {
    return Error(28724, StrCat("First argument to $slice must be an array, but is of type: ",
                               TypeName(call[0].type())));
  }
  const DocView array = call[0].AsArray();
  const int64_t size = array.CountFields();
  ASSIGN_OR_RETURN(const int32_t first, SliceNumber(call[1], "Second", 28725, 28726));
  int64_t begin = first < 0 ? std::max<int64_t>(size + first, 0)
                            : (call.size() == 2 ? 0 : std::min<int64_t>(first, size));
  int64_t count = first < 0 ? size - begin : first;
  if (call.size() == 3) {
    ASSIGN_OR_RETURN(count, SliceNumber(call[2], "Third", 28727, 28728));
    if (count <= 0) {
      return Error(28729,
                   StrCat("Third argument to $slice must be positive: ", ValueText(call[2])));
    }
  }
  ArrayWriter out(call.ctx);
  for (const bson::ElementView e : array) {
    if (begin > 0) {
      --begin;
    } else if (count-- > 0) {
      out.Add(e.value());
    } else {
      break;
    }
  }
  return out.Finish();
}

constexpr ExpressionRow kRows[] = {
    {"$arrayElemAt", ParsePositional<ArrayElemAt, 2>},
    {"$concatArrays", ParseLazy<ConcatArrays, 0, -1>},
    {"$first", ParsePositional<End<0>, 1>},
    {"$in", ParsePositional<In, 2>},
    {"$indexOfArray", ParsePositional<IndexOfArray, 2, 4>},
    {"$isArray", ParsePositional<IsArray, 1>},
    {"$last", ParsePositional<End<-1>, 1>},
    {"$range", ParsePositional<Range, 2, 3>},
    {"$reverseArray", ParsePositional<ReverseArray, 1>},
    {"$size", ParsePositional<Size, 1>},
    {"$slice", ParsePositional<Slice, 2, 3>},
};

}  // namespace

std::span<const ExpressionRow> ArrayExpressions() {
  return kRows;
}

}  // namespace septet::query
