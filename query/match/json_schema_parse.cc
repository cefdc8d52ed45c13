// SPDX-License-Identifier: Apache-2.0
// Parsing a schema: a table of keywords, each with the function that reads it. Proved by
// recorded_filter_test (S07-023 to S07-025).
#include <algorithm>
#include <array>

#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/match/json_schema.h"

namespace septet::query {
namespace {

using bson::DocView;
using bson::ElementView;
using bson::Type;
using bson::ValueView;

Status Wrong(ErrorCode code, ElementView e, std::string_view what) {
  return Error(code, StrCat("$jsonSchema keyword '", e.name(), "' ", what));
}
Status WrongType(ElementView e, std::string_view what) {
  return Wrong(ErrorCode::kTypeMismatch, e, what);
}
Status MustBe(ElementView e, std::string_view what) {
  return WrongType(
      e, StrCat("must be ", what, ", but found an element of type ", bson::TypeName(e.type())));
}

Status ReadText(ElementView e, Schema*) {
  return e.value().is_string() ? OkStatus() : WrongType(e, "must be of type string");
}

// JSON names of types, those of `type`.
Status AddJsonType(std::string_view name, TypeSet* types) {
  if (name == "integer") {
    return Error(ErrorCode::kFailedToParse,
                 "$jsonSchema type 'integer' is not currently supported.");
  }
  if (name == "boolean") {
    types->Add(Type::kBool);
    return OkStatus();
  }
  for (const std::string_view known : {"array", "null", "number", "object", "string"}) {
    if (name == known) {
      return types->AddAlias(name);
    }
  }
  return Error(ErrorCode::kBadValue, StrCat("Unknown type name alias: ", name));
}

Status ReadTypes(ElementView e, Schema* schema) {
  if (schema->types) {
    return Error(ErrorCode::kFailedToParse,
                 "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'");
  }
  TypeSet types;
  const auto add = [&](ValueView v) -> Status {
    return e.name() == "type" ? AddJsonType(v.AsString(), &types) : types.AddAlias(v.AsString());
  };
  if (e.value().is_string()) {
    RETURN_IF_ERROR(add(e.value()));
  } else if (e.value().is_array()) {
    if (e.value().AsArray().empty()) {
      return Error(ErrorCode::kFailedToParse, StrCat(e.name(), " must match at least one type"));
    }
    for (const ElementView item : e.value().AsArray()) {
      if (!item.value().is_string()) {
        return WrongType(e, "array elements must be strings");
      }
      RETURN_IF_ERROR(add(item.value()));
    }
  } else {
    return WrongType(e, "must be either a string or an array of strings");
  }
  schema->types = types;
  return OkStatus();
}

Status ReadEnum(ElementView e, Schema* schema) {
  if (!e.value().is_array()) {
    return MustBe(e, "an array");
  }
  if (e.value().AsArray().empty()) {
    return Wrong(ErrorCode::kFailedToParse, e, "cannot be an empty array");
  }
  schema->allowed.emplace();
  for (const ElementView item : e.value().AsArray()) {
    for (const ValueView known : *schema->allowed) {
      if (bson::Equal(known, item.value())) {
        return Wrong(ErrorCode::kFailedToParse, e, "array cannot contain duplicate values.");
      }
    }
    schema->allowed->push_back(item.value());
  }
  return OkStatus();
}

Status ReadNumber(ElementView e, Schema* schema) {
  if (!e.value().is_number()) {
    return WrongType(e, "must be a number");
  }
  if (e.name() == "minimum") {
    schema->minimum = e.value();
  } else if (e.name() == "maximum") {
    schema->maximum = e.value();
  } else {
    if (bson::IsNaN(e.value()) || bson::Sign(e.value()) <= 0) {
      return Wrong(ErrorCode::kFailedToParse, e, "must have a positive value");
    }
    schema->multiple_of = e.value();
  }
  return OkStatus();
}

Status ReadExclusive(ElementView e, Schema* schema) {
  if (e.type() != Type::kBool) {
    return WrongType(e, "must be a boolean");
  }
  const bool is_min = e.name() == "exclusiveMinimum";
  const std::string_view bound = is_min ? "minimum" : "maximum";
  if (!schema->source.Has(bound)) {
    return Error(
        ErrorCode::kFailedToParse,
        StrCat("$jsonSchema keyword '", bound, "' must be a present if ", e.name(), " is present"));
  }
  (is_min ? schema->exclusive_minimum : schema->exclusive_maximum) = e.value().AsBool();
  return OkStatus();
}

Status ReadCount(ElementView e, Schema* schema) {
  const auto text = [&] { return StrCat(e.name(), ": ", bson::ToShellText(e.value())); };
  if (!e.value().is_number()) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected a number in: ", text()));
  }
  const auto n = bson::ExactInt64(e.value());
  if (!n) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected an integer: ", text()));
  }
  if (*n < 0) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected a positive number in: ", text()));
  }
  const std::pair<std::string_view, std::optional<int64_t>*> places[] = {
      {"maxItems", &schema->max_items},           {"maxLength", &schema->max_length},
      {"maxProperties", &schema->max_properties}, {"minItems", &schema->min_items},
      {"minLength", &schema->min_length},         {"minProperties", &schema->min_properties}};
  for (const auto& [name, place] : places) {
    if (name == e.name()) {
      *place = n;
    }
  }
  return OkStatus();
}

Status ReadPattern(ElementView e, Schema* schema) {
  if (!e.value().is_string()) {
    return WrongType(e, "must be a string");
  }
  ASSIGN_OR_RETURN(schema->pattern, CompiledRegex::Compile(e.value().AsString(), ""));
  return OkStatus();
}

// An array of different strings, not empty.
StatusOr<std::vector<std::string_view>> Names(std::string_view keyword, ValueView array) {
  const auto wrong = [&](ErrorCode code, std::string_view what) {
    return Error(code, StrCat("$jsonSchema keyword '", keyword, "' ", what));
  };
  if (array.AsArray().empty()) {
    return wrong(ErrorCode::kFailedToParse, "cannot be an empty array");
  }
  std::vector<std::string_view> names;
  for (const ElementView item : array.AsArray()) {
    if (!item.value().is_string()) {
      return wrong(ErrorCode::kTypeMismatch,
                   StrCat("must be an array of strings, but found an element of type: '",
                          bson::TypeName(item.type()), "'"));
    }
    const std::string_view name = item.value().AsString();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return wrong(ErrorCode::kFailedToParse, "array cannot contain duplicate values");
    }
    names.push_back(name);
  }
  return names;
}

Status ReadRequired(ElementView e, Schema* schema) {
  if (!e.value().is_array()) {
    return MustBe(e, "an array");
  }
  ASSIGN_OR_RETURN(schema->required, Names(e.name(), e.value()));
  return OkStatus();
}

Status ReadProperties(ElementView e, Schema* schema) {
  if (!e.value().is_object()) {
    return WrongType(e, "must be an object");
  }
  for (const ElementView p : e.value().AsDoc()) {
    if (!p.value().is_object()) {
      return Error(ErrorCode::kTypeMismatch, StrCat("Nested schema for $jsonSchema property '",
                                                    p.name(), "' must be an object"));
    }
    ASSIGN_OR_RETURN(Schema::Ptr below, ParseSchema(p.value().AsDoc()));
    if (e.name() == "properties") {
      schema->properties.push_back({p.name(), std::move(below)});
    } else {
      ASSIGN_OR_RETURN(auto pattern, CompiledRegex::Compile(p.name(), ""));
      schema->pattern_properties.push_back({std::move(pattern), std::move(below)});
    }
  }
  return OkStatus();
}

Status ReadAdditional(ElementView e, Schema* schema) {
  const bool of_items = e.name() == "additionalItems";
  if (e.type() == Type::kBool) {
    (of_items ? schema->allow_additional_items : schema->allow_additional_properties) =
        e.value().AsBool();
    return OkStatus();
  }
  if (!e.value().is_object()) {
    return WrongType(
        e, StrCat("must be either an object or a boolean, but got a ", bson::TypeName(e.type())));
  }
  ASSIGN_OR_RETURN(of_items ? schema->additional_items : schema->additional_properties,
                   ParseSchema(e.value().AsDoc()));
  return OkStatus();
}

Status ReadDependencies(ElementView e, Schema* schema) {
  if (!e.value().is_object()) {
    return MustBe(e, "an object");
  }
  for (const ElementView d : e.value().AsDoc()) {
    Schema::Dependency dependency;
    dependency.name = d.name();
    if (d.value().is_object()) {
      ASSIGN_OR_RETURN(dependency.schema, ParseSchema(d.value().AsDoc()));
    } else if (d.value().is_array()) {
      ASSIGN_OR_RETURN(dependency.required, Names(StrCat("dependencies.", d.name()), d.value()));
    } else {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("Property '", d.name(),
                          "' in $jsonSchema keyword 'dependencies' must be either an object or an "
                          "array, not ",
                          bson::TypeName(d.type())));
    }
    schema->dependencies.push_back(std::move(dependency));
  }
  return OkStatus();
}

Status ReadItems(ElementView e, Schema* schema) {
  if (e.value().is_object()) {
    ASSIGN_OR_RETURN(schema->items, ParseSchema(e.value().AsDoc()));
    return OkStatus();
  }
  if (!e.value().is_array()) {
    return WrongType(e, StrCat("must be an array or an object, not ", bson::TypeName(e.type())));
  }
  schema->has_item_list = true;
  for (const ElementView item : e.value().AsArray()) {
    if (!item.value().is_object()) {
      return WrongType(e, StrCat("requires that each element of the array is an object, but found "
                                 "a ",
                                 bson::TypeName(item.type())));
    }
    ASSIGN_OR_RETURN(Schema::Ptr below, ParseSchema(item.value().AsDoc()));
    schema->item_list.push_back(std::move(below));
  }
  return OkStatus();
}

Status ReadUnique(ElementView e, Schema* schema) {
  if (e.type() != Type::kBool) {
    return MustBe(e, "a boolean");
  }
  schema->unique_items = e.value().AsBool();
  return OkStatus();
}

Status ReadCombined(ElementView e, Schema* schema) {
  if (!e.value().is_array()) {
    return WrongType(e, "must be an array");
  }
  if (e.value().AsArray().empty()) {
    return Wrong(ErrorCode::kBadValue, e, "must be a non-empty array");
  }
  std::vector<Schema::Ptr>* list = &schema->all_of;
  if (e.name() == "anyOf") {
    list = &schema->any_of;
    schema->has_any_of = true;
  } else if (e.name() == "oneOf") {
    list = &schema->one_of;
    schema->has_one_of = true;
  }
  for (const ElementView item : e.value().AsArray()) {
    if (!item.value().is_object()) {
      return WrongType(e, StrCat("must be an array of objects, but found an element of type ",
                                 bson::TypeName(item.type())));
    }
    ASSIGN_OR_RETURN(Schema::Ptr below, ParseSchema(item.value().AsDoc()));
    list->push_back(std::move(below));
  }
  return OkStatus();
}

Status ReadNot(ElementView e, Schema* schema) {
  if (!e.value().is_object()) {
    return MustBe(e, "an object");
  }
  ASSIGN_OR_RETURN(schema->none_of, ParseSchema(e.value().AsDoc()));
  return OkStatus();
}

Status ReadEncrypt(ElementView e, Schema* schema) {
  if (!e.value().is_object()) {
    return MustBe(e, "an object");
  }
  schema->encrypted = e.name() == "encrypt";
  return OkStatus();
}

Status ReadUnsupported(ElementView e, Schema*) {
  return Wrong(ErrorCode::kFailedToParse, e, "is not currently supported");
}

struct Keyword {
  std::string_view name;
  Status (*read)(ElementView e, Schema* schema);
};

constexpr Keyword kKeywords[] = {
    {"$ref", ReadUnsupported},
    {"$schema", ReadUnsupported},
    {"additionalItems", ReadAdditional},
    {"additionalProperties", ReadAdditional},
    {"allOf", ReadCombined},
    {"anyOf", ReadCombined},
    {"bsonType", ReadTypes},
    {"default", ReadUnsupported},
    {"definitions", ReadUnsupported},
    {"dependencies", ReadDependencies},
    {"description", ReadText},
    {"encrypt", ReadEncrypt},
    {"encryptMetadata", ReadEncrypt},
    {"enum", ReadEnum},
    {"exclusiveMaximum", ReadExclusive},
    {"exclusiveMinimum", ReadExclusive},
    {"format", ReadUnsupported},
    {"id", ReadUnsupported},
    {"items", ReadItems},
    {"maxItems", ReadCount},
    {"maxLength", ReadCount},
    {"maxProperties", ReadCount},
    {"maximum", ReadNumber},
    {"minItems", ReadCount},
    {"minLength", ReadCount},
    {"minProperties", ReadCount},
    {"minimum", ReadNumber},
    {"multipleOf", ReadNumber},
    {"not", ReadNot},
    {"oneOf", ReadCombined},
    {"pattern", ReadPattern},
    {"patternProperties", ReadProperties},
    {"properties", ReadProperties},
    {"required", ReadRequired},
    {"title", ReadText},
    {"type", ReadTypes},
    {"uniqueItems", ReadUnique},
};

}  // namespace

StatusOr<Schema::Ptr> ParseSchema(DocView source) {
  auto schema = std::make_unique<Schema>();
  schema->source = source;
  for (const ElementView e : source) {
    const auto keyword = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                      [&](const Keyword& k) { return k.name == e.name(); });
    if (keyword == std::end(kKeywords)) {
      return Error(ErrorCode::kFailedToParse, StrCat("Unknown $jsonSchema keyword: ", e.name()));
    }
    RETURN_IF_ERROR(keyword->read(e, schema.get()));
  }
  return schema;
}

}  // namespace septet::query
