// SPDX-License-Identifier: Apache-2.0
// A set of BSON types as $type and $jsonSchema name them.
// Thread rule: a value.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>

#include "bson/builder.h"
#include "bson/view.h"

#include "base/status.h"

namespace septet::query {

class TypeSet {
 public:
  // A number, an alias, or an array of them. Errors: BadValue unknown alias or code, TypeMismatch,
  // FailedToParse for an empty array (`name` starts its text).
  static StatusOr<TypeSet> Parse(bson::ValueView v, std::string_view name);

  bool Contains(bson::Type type) const {
    return types_[static_cast<uint8_t>(type)] || (all_numbers_ && bson::IsNumber(type));
  }
  void Add(bson::Type type) { types_.set(static_cast<uint8_t>(type)); }
  void AddNumbers() { all_numbers_ = true; }
  // Adds one alias ("string", "number", ...).
  Status AddAlias(std::string_view alias);
  // Appends [ "number", 2, ... ] under `field`.
  void Serialize(std::string_view field, bson::DocBuilder* out) const;

 private:
  Status AddValue(bson::ValueView v);

  std::bitset<256> types_;
  bool all_numbers_ = false;
};

}  // namespace septet::query
