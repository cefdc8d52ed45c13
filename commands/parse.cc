// SPDX-License-Identifier: Apache-2.0
#include "commands/parse.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/number.h"

namespace septet::commands {
namespace {

using bson::Type;
using bson::ValueView;

constexpr std::string_view kNumberTypes = "long, int, decimal, double";
constexpr std::string_view kLooseBoolTypes = "bool, long, int, decimal, double";

// Stores one value; the overload says what is accepted.
struct Store {
  std::string_view context;
  std::string_view field;
  ValueView v;

  Status Wrong(std::string_view expected) const {
    return WrongType(context, field, v.type(), expected);
  }
  Status operator()(bson::DocView* out) const {
    if (!v.is_object()) {
      return Wrong("object");
    }
    *out = v.AsDoc();
    return OkStatus();
  }
  Status operator()(ArrayView* out) const {
    if (!v.is_array()) {
      return Wrong("array");
    }
    out->doc = v.AsArray();
    return OkStatus();
  }
  Status operator()(std::string_view* out) const {
    if (!v.is_string()) {
      return Wrong("string");
    }
    *out = v.AsString();
    return OkStatus();
  }
  Status operator()(bool* out) const {
    if (v.type() != Type::kBool) {
      return Wrong("bool");
    }
    *out = v.AsBool();
    return OkStatus();
  }
  Status operator()(LooseBool* out) const {
    if (v.type() != Type::kBool && !v.is_number()) {
      return WrongTypes(context, field, v.type(), kLooseBoolTypes);
    }
    out->value = v.Truthy();
    return OkStatus();
  }
  Status operator()(int32_t* out) const {
    ASSIGN_OR_RETURN(const int64_t n, ToInt64(context, field, v));
    *out = static_cast<int32_t>(std::clamp<int64_t>(n, INT32_MIN, INT32_MAX));
    return OkStatus();
  }
  Status operator()(int64_t* out) const {
    ASSIGN_OR_RETURN(*out, ToInt64(context, field, v));
    return OkStatus();
  }
  Status operator()(double* out) const {
    if (!v.is_number()) {
      return WrongTypes(context, field, v.type(), kNumberTypes);
    }
    *out = bson::ToDouble(v);
    return OkStatus();
  }
  Status operator()(ValueView* out) const {
    *out = v;
    return OkStatus();
  }
  template <typename T>
  Status operator()(std::optional<T>* out) const {
    T value{};
    RETURN_IF_ERROR((*this)(&value));
    *out = value;
    return OkStatus();
  }
};

}  // namespace

Status WrongType(std::string_view context, std::string_view field, Type found,
                 std::string_view expected) {
  return Error(ErrorCode::kTypeMismatch,
               StrCat("BSON field '", context, ".", field, "' is the wrong type '",
                      bson::TypeName(found), "', expected type '", expected, "'"));
}

Status WrongTypes(std::string_view context, std::string_view field, Type found,
                  std::string_view expected) {
  return Error(ErrorCode::kTypeMismatch,
               StrCat("BSON field '", context, ".", field, "' is the wrong type '",
                      bson::TypeName(found), "', expected types '[", expected, "']"));
}

Status MissingField(std::string_view context, std::string_view field) {
  return Error(ErrorCode::kIDLFailedToParse,
               StrCat("BSON field '", context, ".", field, "' is missing but a required field"));
}

Status UnknownField(std::string_view context, std::string_view field) {
  return Error(ErrorCode::kIDLUnknownField,
               StrCat("BSON field '", context, ".", field, "' is an unknown field."));
}

Status DuplicateField(std::string_view context, std::string_view field) {
  return Error(ErrorCode::kIDLDuplicateField,
               StrCat("BSON field '", context, ".", field, "' is a duplicate field"));
}

StatusOr<int64_t> ToInt64(std::string_view context, std::string_view field, ValueView v) {
  if (!v.is_number()) {
    return WrongTypes(context, field, v.type(), kNumberTypes);
  }
  return bson::ToInt64Clamped(v);
}

Status ParseFields(std::string_view context, bson::DocView doc,
                   std::initializer_list<FieldBinding> fields, Strictness strictness) {
  uint64_t seen = 0;
  for (const bson::ElementView& e : doc) {
    const FieldBinding* binding =
        std::find_if(fields.begin(), fields.end(),
                     [&](const FieldBinding& f) { return f.name == e.name(); });
    if (binding == fields.end()) {
      if (strictness == Strictness::kNoUnknownFields) {
        return UnknownField(context, e.name());
      }
      continue;
    }
    const uint64_t bit = uint64_t{1} << (binding - fields.begin());
    if ((seen & bit) != 0) {
      return DuplicateField(context, e.name());
    }
    const bool untyped = std::holds_alternative<ValueView*>(binding->target);
    if (e.value().nullish() && !untyped && !binding->required) {
      continue;
    }
    seen |= bit;
    RETURN_IF_ERROR(std::visit(Store{context, e.name(), e.value()}, binding->target));
  }
  for (const FieldBinding& f : fields) {
    if (f.required && (seen & (uint64_t{1} << (&f - fields.begin()))) == 0) {
      return MissingField(context, f.name);
    }
  }
  return OkStatus();
}

StatusOr<catalog::Namespace> CollectionOf(const Request& request) {
  const ValueView v = request.body.FirstElement().value();
  if (!v.is_string()) {
    return Error(ErrorCode::kInvalidNamespace,
                 StrCat("collection name has invalid type ", bson::TypeName(v.type())));
  }
  const catalog::Namespace ns(request.db, v.AsString());
  RETURN_IF_ERROR(catalog::ValidateReadableName(ns));
  return ns;
}

StatusOr<catalog::Namespace> WritableCollectionOf(const Request& request) {
  ASSIGN_OR_RETURN(const catalog::Namespace ns, CollectionOf(request));
  RETURN_IF_ERROR(catalog::ValidateWritableName(ns));
  return ns;
}

StatusOr<catalog::Namespace> CollectionOrDatabaseOf(const Request& request) {
  if (!request.body.FirstElement().value().is_string()) {
    return catalog::Namespace(request.db, std::string_view());
  }
  return CollectionOf(request);
}

}  // namespace septet::commands
