// SPDX-License-Identifier: Apache-2.0
#include "query/match/type_set.h"

#include "bson/number.h"

#include "base/strings.h"

namespace septet::query {

using bson::Type;

namespace {

constexpr int kLastType = static_cast<int>(Type::kDecimal128);

}  // namespace

Status TypeSet::AddAlias(std::string_view alias) {
  if (alias == "number") {
    all_numbers_ = true;
    return OkStatus();
  }
  for (const Type ends : {Type::kMinKey, Type::kMaxKey}) {
    if (alias == bson::TypeName(ends)) {
      Add(ends);
      return OkStatus();
    }
  }
  for (int i = 1; i <= kLastType; ++i) {
    if (alias == bson::TypeName(static_cast<Type>(i))) {
      Add(static_cast<Type>(i));
      return OkStatus();
    }
  }
  return Error(ErrorCode::kBadValue, StrCat("Unknown type name alias: ", alias));
}

Status TypeSet::AddValue(bson::ValueView v) {
  if (v.is_string()) {
    return AddAlias(v.AsString());
  }
  if (!v.is_number()) {
    return Error(ErrorCode::kTypeMismatch, "type must be represented as a number or a string");
  }
  const auto code = bson::ExactInt64(v);
  if (code == 0) {
    return Error(ErrorCode::kBadValue,
                 "Invalid numerical type code: 0. Instead use {$exists:false}.");
  }
  if (code == -1) {
    Add(Type::kMinKey);
  } else if (code.has_value() && ((*code > 0 && *code <= kLastType) || *code == 127)) {
    Add(static_cast<Type>(*code));
  } else {
    return Error(ErrorCode::kBadValue, StrCat("Invalid numerical type code: ", bson::ToDouble(v)));
  }
  return OkStatus();
}

StatusOr<TypeSet> TypeSet::Parse(bson::ValueView v, std::string_view name) {
  TypeSet set;
  if (!v.is_array()) {
    RETURN_IF_ERROR(set.AddValue(v));
    return set;
  }
  if (v.AsArray().empty()) {
    return Error(ErrorCode::kFailedToParse, StrCat(name, " must match at least one type"));
  }
  for (const bson::ElementView item : v.AsArray()) {
    RETURN_IF_ERROR(set.AddValue(item.value()));
  }
  return set;
}

void TypeSet::Serialize(std::string_view field, bson::DocBuilder* out) const {
  const auto array = out->Array(field);
  if (all_numbers_) {
    out->Add("number");
  }
  if (types_[static_cast<uint8_t>(Type::kMinKey)]) {
    out->Add(-1);
  }
  for (int i = 1; i <= 127; ++i) {
    if (types_[static_cast<size_t>(i)]) {
      out->Add(i);
    }
  }
}

}  // namespace septet::query
