// SPDX-License-Identifier: Apache-2.0
// Testing values against a schema, and the $jsonSchema operator. Proved by recorded_filter_test
// (S03-011).
#include "query/match/json_schema.h"

#include <algorithm>

#include "bson/compare.h"
#include "bson/number.h"

#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::ElementView;
using bson::Type;

constexpr uint8_t kEncryptedSubtype = 6;

int64_t CodePoints(std::string_view s) {
  return std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool Within(int64_t n, const std::optional<int64_t>& min, const std::optional<int64_t>& max) {
  return (!min || n >= *min) && (!max || n <= *max);
}

bool AllDifferent(DocView array) {
  std::vector<ValueView> items;
  for (const ElementView e : array) {
    items.push_back(e.value());
  }
  std::sort(items.begin(), items.end(),
            [](ValueView a, ValueView b) { return bson::Compare(a, b) < 0; });
  return std::adjacent_find(items.begin(), items.end(), [](ValueView a, ValueView b) {
           return bson::Compare(a, b) == 0;
         }) == items.end();
}

bool IsMultiple(ValueView v, ValueView of) {
  return bson::DecimalIsZero(
      bson::DecimalBinary(bson::DecimalOp::kMod, bson::ToDecimal(v), bson::ToDecimal(of)));
}

class JsonSchemaNode : public MatchNode {
 public:
  JsonSchemaNode(Schema::Ptr schema, ValueView operand)
      : MatchNode(MatchKind::kJsonSchema), schema_(std::move(schema)), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool Test(DocView doc, MatchState*) const override {
    return schema_->Matches(ValueView(Type::kObject, doc.data()));
  }
  bool TestValue(ValueView v, MatchState*) const override { return schema_->Matches(v); }
  void Serialize(bson::DocBuilder* out) const override { out->Append("$jsonSchema", operand_); }
  void SerializeOperator(bson::DocBuilder* out) const override { Serialize(out); }
  void Dependencies(std::vector<std::string>*, bool* whole_document) const override {
    *whole_document = true;
  }

 private:
  Schema::Ptr schema_;
  ValueView operand_;
};

StatusOr<MatchNodePtr> ParseJsonSchema(ElementView element, MatchLevel, MatchParser*) {
  if (!element.value().is_object()) {
    return Error(ErrorCode::kTypeMismatch, "$jsonSchema must be an object");
  }
  ASSIGN_OR_RETURN(Schema::Ptr schema, ParseSchema(element.value().AsDoc()));
  return std::make_unique<JsonSchemaNode>(std::move(schema), element.value());
}

constexpr TopOperatorRow kTopOperators[] = {{"$jsonSchema", ParseJsonSchema}};

}  // namespace

bool Schema::MatchesNumber(ValueView v) const {
  const bool nan = bson::IsNaN(v);
  const auto bounded = [&](ValueView bound, bool exclusive, int sign) {
    if (bound.missing()) {
      return true;
    }
    if (nan || bson::IsNaN(bound)) {
      return nan && bson::IsNaN(bound) && !exclusive;
    }
    const int order = bson::Compare(v, bound) * sign;
    return exclusive ? order > 0 : order >= 0;
  };
  return bounded(minimum, exclusive_minimum, 1) && bounded(maximum, exclusive_maximum, -1) &&
         (multiple_of.missing() || IsMultiple(v, multiple_of));
}

bool Schema::MatchesString(std::string_view s) const {
  if ((min_length || max_length) && !Within(CodePoints(s), min_length, max_length)) {
    return false;
  }
  return pattern == nullptr || pattern->Match(s);
}

bool Schema::MatchesFields(DocView doc) const {
  for (const Property& property : properties) {
    const ValueView v = doc.Find(property.name);
    if (!v.missing() && !property.schema->Matches(v)) {
      return false;
    }
  }
  if (pattern_properties.empty() && allow_additional_properties &&
      additional_properties == nullptr) {
    return true;
  }
  for (const ElementView e : doc) {
    bool known = std::any_of(properties.begin(), properties.end(),
                             [&](const Property& p) { return p.name == e.name(); });
    for (const PatternProperty& p : pattern_properties) {
      if (p.pattern->Match(e.name())) {
        known = true;
        if (!p.schema->Matches(e.value())) {
          return false;
        }
      }
    }
    if (known) {
      continue;
    }
    if (!allow_additional_properties ||
        (additional_properties != nullptr && !additional_properties->Matches(e.value()))) {
      return false;
    }
  }
  return true;
}

bool Schema::MatchesObject(DocView doc) const {
  const auto has = [doc](std::string_view name) { return doc.Has(name); };
  if (!std::all_of(required.begin(), required.end(), has)) {
    return false;
  }
  if ((min_properties || max_properties) &&
      !Within(doc.CountFields(), min_properties, max_properties)) {
    return false;
  }
  for (const Dependency& d : dependencies) {
    if (!doc.Has(d.name)) {
      continue;
    }
    if (!std::all_of(d.required.begin(), d.required.end(), has) ||
        (d.schema != nullptr && !d.schema->Matches(ValueView(Type::kObject, doc.data())))) {
      return false;
    }
  }
  return MatchesFields(doc);
}

bool Schema::MatchesArray(DocView array) const {
  if ((min_items || max_items) && !Within(array.CountFields(), min_items, max_items)) {
    return false;
  }
  size_t i = 0;
  for (const ElementView e : array) {
    if (items != nullptr) {
      if (!items->Matches(e.value())) {
        return false;
      }
    } else if (has_item_list) {
      if (i < item_list.size()) {
        if (!item_list[i]->Matches(e.value())) {
          return false;
        }
      } else if (!allow_additional_items ||
                 (additional_items != nullptr && !additional_items->Matches(e.value()))) {
        return false;
      }
    }
    ++i;
  }
  return !unique_items || AllDifferent(array);
}

bool Schema::MatchesCombined(ValueView v) const {
  const auto matches = [v](const Ptr& s) { return s->Matches(v); };
  return std::all_of(all_of.begin(), all_of.end(), matches) &&
         (!has_any_of || std::any_of(any_of.begin(), any_of.end(), matches)) &&
         (!has_one_of || std::count_if(one_of.begin(), one_of.end(), matches) == 1) &&
         (none_of == nullptr || !none_of->Matches(v));
}

bool Schema::Matches(ValueView v) const {
  if (types && !types->Contains(v.type())) {
    return false;
  }
  if (encrypted && !(v.type() == Type::kBinData && v.AsBinData().subtype == kEncryptedSubtype)) {
    return false;
  }
  if (allowed && std::none_of(allowed->begin(), allowed->end(),
                              [v](ValueView a) { return bson::Equal(a, v); })) {
    return false;
  }
  if (!MatchesCombined(v)) {
    return false;
  }
  if (v.is_number()) {
    return MatchesNumber(v);
  }
  if (v.is_string()) {
    return MatchesString(v.AsString());
  }
  if (v.is_object()) {
    return MatchesObject(v.AsDoc());
  }
  return !v.is_array() || MatchesArray(v.AsArray());
}

MatchFamily JsonSchemaFamily() {
  return {{}, kTopOperators};
}

}  // namespace septet::query
