// SPDX-License-Identifier: Apache-2.0
#include "query/plan/type_bracket.h"

#include <limits>

#include "bson/builder.h"

namespace septet::query {

using bson::Type;
using bson::Value;
using bson::ValueView;

namespace {

Value Of(const std::string& document) { return Value(bson::DocView(document).FirstElement().value()); }

Value EmptyBinData() { return Of(bson::MakeDoc("", bson::BinData{0, {}})); }

bson::ObjectId RepeatedOid(uint8_t byte) {
  bson::ObjectId id;
  std::memset(id.bytes, byte, sizeof(id.bytes));
  return id;
}

}  // namespace

Interval TypeBracket(Type type) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (type) {
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDecimal128:
      return {Value::Double(-kInfinity), Value::Double(kInfinity), true, true};
    case Type::kString:
    case Type::kSymbol:
      return {Value::String(""), Value::Object(bson::DocView()), true, false};
    case Type::kObject:
      return {Value::Object(bson::DocView()), Value::Array(bson::DocView()), true, false};
    case Type::kArray:
      return {Value::Array(bson::DocView()), EmptyBinData(), true, false};
    case Type::kBinData:
      return {EmptyBinData(), Of(bson::MakeDoc("", RepeatedOid(0))), true, false};
    case Type::kObjectId:
      return {Of(bson::MakeDoc("", RepeatedOid(0))), Of(bson::MakeDoc("", RepeatedOid(0xff))), true,
              true};
    case Type::kBool:
      return {Value::Bool(false), Value::Bool(true), true, true};
    case Type::kDate:
      return {Value::Date(std::numeric_limits<int64_t>::min()),
              Value::Date(std::numeric_limits<int64_t>::max()), true, true};
    case Type::kTimestamp:
      return {Of(bson::MakeDoc("", bson::Timestamp{0, 0})),
              Of(bson::MakeDoc("", bson::Timestamp{0xffffffff, 0xffffffff})), true, true};
    default:
      // Rare types have no neat ends: everything, with the predicate checked on the document.
      return Interval::All();
  }
}

}  // namespace septet::query
