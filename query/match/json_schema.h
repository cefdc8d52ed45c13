// SPDX-License-Identifier: Apache-2.0
// A parsed $jsonSchema: draft 4 without references, with bsonType. A keyword constrains only values
// of its own type; a missing property satisfies its schema. Source: manual "$jsonSchema". Thread
// rule: immutable after parsing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/view.h"

#include "base/status.h"
#include "query/expression/regex.h"
#include "query/match/type_set.h"

namespace septet::query {

struct Schema {
  using Ptr = std::unique_ptr<Schema>;
  struct Property {
    std::string_view name;
    Ptr schema;
  };
  struct PatternProperty {
    std::unique_ptr<const CompiledRegex> pattern;
    Ptr schema;
  };
  struct Dependency {
    std::string_view name;
    std::vector<std::string_view> required;  // names, or
    Ptr schema;
  };

  bson::DocView source;
  std::optional<TypeSet> types;
  std::optional<std::vector<bson::ValueView>> allowed;  // enum
  bool encrypted = false;                               // BinData of subtype 6

  bson::ValueView minimum, maximum, multiple_of;  // missing: no bound
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;

  std::optional<int64_t> min_length, max_length;
  std::unique_ptr<const CompiledRegex> pattern;

  std::vector<std::string_view> required;
  std::vector<Property> properties;
  std::vector<PatternProperty> pattern_properties;
  bool allow_additional_properties = true;
  Ptr additional_properties;
  std::optional<int64_t> min_properties, max_properties;
  std::vector<Dependency> dependencies;

  Ptr items;
  std::vector<Ptr> item_list;
  bool has_item_list = false;
  bool allow_additional_items = true;
  Ptr additional_items;
  std::optional<int64_t> min_items, max_items;
  bool unique_items = false;

  std::vector<Ptr> all_of, any_of, one_of;
  bool has_any_of = false;
  bool has_one_of = false;
  Ptr none_of;  // not

  bool Matches(bson::ValueView v) const;

 private:
  bool MatchesNumber(bson::ValueView v) const;
  bool MatchesString(std::string_view s) const;
  bool MatchesObject(bson::DocView doc) const;
  bool MatchesFields(bson::DocView doc) const;
  bool MatchesArray(bson::DocView array) const;
  bool MatchesCombined(bson::ValueView v) const;
};

// Views in the schema point into `source`. Errors: FailedToParse, TypeMismatch, BadValue, 51091,
// with a server's texts.
StatusOr<Schema::Ptr> ParseSchema(bson::DocView source);

}  // namespace septet::query
