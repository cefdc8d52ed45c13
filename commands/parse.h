// SPDX-License-Identifier: Apache-2.0
// From a command's document to typed fields, with the error texts of a server:
//   FindArgs a;
//   RETURN_IF_ERROR(ParseFields("find", request.body, {{"filter", &a.filter}, {"limit", &a.limit}, ...}));
// Unknown top-level fields were refused by the dispatcher (CommandSpec::fields); for nested documents
// pass Strictness::kNoUnknownFields.
// Errors: TypeMismatch (14), 40413 duplicate, 40414 missing, 40415 unknown field.
// Thread rule: stateless.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "bson/view.h"
#include "catalog/namespace.h"
#include "commands/command.h"

namespace septet::commands {

// Where a field goes. The pointer's type says which BSON types are accepted:
//   DocView object | ArrayView array | string_view string | bool strictly bool | LooseBool bool or number |
//   int64_t any whole number (fraction cut) | int32_t the same, in range | double number |
//   ValueView anything. optional<...> forms tell "absent" from the default.
struct LooseBool {
  bool value = false;
  explicit operator bool() const { return value; }
};
struct ArrayView {
  bson::DocView doc;
};

struct FieldBinding {
  using Target =
      std::variant<bson::DocView*, ArrayView*, std::string_view*, bool*, LooseBool*, int32_t*,
                   int64_t*, double*, bson::ValueView*, std::optional<bson::DocView>*,
                   std::optional<ArrayView>*, std::optional<std::string_view>*,
                   std::optional<bool>*, std::optional<int64_t>*, std::optional<double>*>;
  FieldBinding(std::string_view field, Target field_target, bool is_required = false)
      : name(field), target(field_target), required(is_required) {}
  std::string_view name;
  Target target;
  bool required;
};

enum class Strictness { kIgnoreUnknownFields, kNoUnknownFields };

// `context` is what messages put before the field: "find", or "create.timeseries". A null counts as
// absent, as in a server's parsers.
Status ParseFields(std::string_view context, bson::DocView doc,
                   std::initializer_list<FieldBinding> fields,
                   Strictness strictness = Strictness::kIgnoreUnknownFields);

// "BSON field 'find.skip' is the wrong type 'string', expected type 'object'".
Status WrongType(std::string_view context, std::string_view field, bson::Type found,
                 std::string_view expected);
// The same for several: expected = "long, int, decimal, double". The text ends in ']: so does a server's.
Status WrongTypes(std::string_view context, std::string_view field, bson::Type found,
                  std::string_view expected);
Status MissingField(std::string_view context, std::string_view field);
Status UnknownField(std::string_view context, std::string_view field);
Status DuplicateField(std::string_view context, std::string_view field);

// A whole number; doubles and decimals are cut. Error TypeMismatch for anything else.
StatusOr<int64_t> ToInt64(std::string_view context, std::string_view field, bson::ValueView v);

// The collection named by the command's first field. Errors: InvalidNamespace (73) with a server's texts.
// Names that no collection can have (system.foo, a$b, too long ones) pass: to read or drop them finds nothing.
StatusOr<catalog::Namespace> CollectionOf(const Request& request);
// The same for writes of documents: names that cannot be created, or that only the server writes to, fail.
StatusOr<catalog::Namespace> WritableCollectionOf(const Request& request);
// The same where the value may also be a number or anything else ({aggregate: 1}): then only the database.
StatusOr<catalog::Namespace> CollectionOrDatabaseOf(const Request& request);

}  // namespace septet::commands
