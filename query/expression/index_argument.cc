// SPDX-License-Identifier: Apache-2.0
#include "query/expression/index_argument.h"

#include <limits>

#include "bson/number.h"

#include "base/strings.h"

namespace septet::query {

namespace {

StatusOr<int64_t> IndexArgument(const Call& call, size_t at, std::string_view which,
                                int64_t otherwise) {
  if (call.size() <= at) {
    return otherwise;
  }
  const std::optional<int32_t> n = ExactInt32(call[at]);
  if (!n.has_value()) {
    return Error(40096, StrCat(call.name, "requires an integral ", which,
                               " index, found a value of type: ", bson::TypeName(call[at].type()),
                               ", with value: ", ValueText(call[at])));
  }
  if (*n < 0) {
    return Error(40097,
                 StrCat(call.name, " requires a nonnegative ", which, " index, found: ", *n));
  }
  return *n;
}

}  // namespace

std::optional<int32_t> ExactInt32(ValueView v) {
  if (v.type() == bson::Type::kInt32) {
    return v.AsInt32();
  }
  const std::optional<int64_t> wide = v.is_number() ? bson::ExactInt64(v) : std::nullopt;
  if (!wide.has_value() || *wide < std::numeric_limits<int32_t>::min() ||
      *wide > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(*wide);
}

StatusOr<int64_t> StartArgument(const Call& call) {
  return IndexArgument(call, 2, "starting", 0);
}

StatusOr<int64_t> EndArgument(const Call& call) {
  return IndexArgument(call, 3, "ending", std::numeric_limits<int64_t>::max());
}

}  // namespace septet::query
