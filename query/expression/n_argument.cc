// SPDX-License-Identifier: Apache-2.0
#include "query/expression/n_argument.h"

#include <optional>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"

namespace septet::query {

StatusOr<NArguments> ParseNArguments(std::string_view name, ValueView operand, ParseContext* ctx) {
  if (!operand.is_object()) {
    return Error(5787900, StrCat("specification must be an object; found ", name, ": ",
                                 bson::ToShellText(operand)));
  }
  NArguments arguments;
  for (const bson::ElementView e : operand.AsDoc()) {
    if (e.name() == "n") {
      ASSIGN_OR_RETURN(arguments.n, ParseExpression(e.value(), ctx));
    } else if (e.name() == "input") {
      ASSIGN_OR_RETURN(arguments.input, ParseExpression(e.value(), ctx));
    } else {
      return Error(5787901, StrCat("Unknown argument for 'n' operator: ", e.name()));
    }
  }
  if (arguments.n == nullptr) {
    return Error(5787906, "Missing value for 'n'");
  }
  if (arguments.input == nullptr) {
    return Error(5787907, "Missing value for 'input'");
  }
  return arguments;
}

StatusOr<int64_t> CheckN(ValueView n) {
  if (!n.is_number()) {
    return Error(5787902,
                 StrCat("Value for 'n' must be of integral type, but found ", ValueText(n)));
  }
  const std::optional<int64_t> whole = bson::ExactInt64(n);
  if (!whole.has_value()) {
    return Error(5787903,
                 StrCat("Value for 'n' must be of integral type, but found ", ValueText(n)));
  }
  if (*whole <= 0) {
    return Error(5787908, StrCat("'n' must be greater than 0, found ", ValueText(n)));
  }
  return *whole;
}

}  // namespace septet::query
