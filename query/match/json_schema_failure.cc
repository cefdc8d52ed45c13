// SPDX-License-Identifier: Apache-2.0
// The rules of a schema that a value breaks. Proved by recorded_failure_test (S07-021).
#include <algorithm>

#include "bson/compare.h"

#include "query/match/failure.h"

namespace septet::query {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::ElementView;
using bson::Type;
using bson::ValueView;

int64_t CodePoints(std::string_view s) {
  return std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

class SchemaExplainer {
 public:
  SchemaExplainer(const Schema& schema, ValueView v, DocBuilder* out)
      : schema_(schema), v_(v), out_(out) {}

  void Run() {
    if (schema_.types && !schema_.types->Contains(v_.type())) {
      TypeRule();
    }
    if (schema_.allowed && std::none_of(schema_.allowed->begin(), schema_.allowed->end(),
                                        [this](ValueView a) { return bson::Equal(a, v_); })) {
      Simple("enum", "value was not found in enum");
    }
    Numbers();
    Strings();
    if (v_.is_object()) {
      Object(v_.AsDoc());
    } else if (v_.is_array()) {
      Array(v_.AsArray());
    }
    Combined();
  }

 private:
  void SpecifiedAs(std::string_view keyword, std::string_view second = "") {
    const auto scope = out_->Object("specifiedAs");
    out_->Append(keyword, schema_.source[keyword]);
    if (!second.empty() && schema_.source.Has(second)) {
      out_->Append(second, schema_.source[second]);
    }
  }
  void Simple(std::string_view keyword, std::string_view reason, std::string_view second = "") {
    const auto rule = out_->AddObject();
    out_->Append("operatorName", keyword);
    SpecifiedAs(keyword, second);
    out_->Append("reason", reason);
    out_->Append("consideredValue", v_);
  }
  void TypeRule() {
    const std::string_view keyword = schema_.source.Has("bsonType") ? "bsonType" : "type";
    const auto rule = out_->AddObject();
    out_->Append("operatorName", keyword);
    SpecifiedAs(keyword);
    out_->Append("reason", "type did not match");
    out_->Append("consideredValue", v_);
    out_->Append("consideredType", bson::TypeName(v_.type()));
  }

  // Does the value break the schema made of these fields of this one alone?
  bool Breaks(std::string_view keyword, std::string_view second = "") const {
    if (!schema_.source.Has(keyword)) {
      return false;
    }
    DocBuilder part;
    part.Append(keyword, schema_.source[keyword]);
    if (!second.empty()) {
      part.Append(second, schema_.source[second]);
    }
    const std::string bytes = part.Finish();
    auto parsed = ParseSchema(DocView(bytes));
    return parsed.ok() && !(*parsed)->Matches(v_);
  }

  void Numbers() {
    if (!v_.is_number()) {
      return;
    }
    if (Breaks("minimum", "exclusiveMinimum")) {
      Simple("minimum", "comparison failed", "exclusiveMinimum");
    }
    if (Breaks("maximum", "exclusiveMaximum")) {
      Simple("maximum", "comparison failed", "exclusiveMaximum");
    }
    if (Breaks("multipleOf")) {
      Simple("multipleOf", "considered value is not a multiple of the specified value");
    }
  }

  void Strings() {
    if (!v_.is_string()) {
      return;
    }
    const int64_t length = CodePoints(v_.AsString());
    if (schema_.min_length && length < *schema_.min_length) {
      Simple("minLength", "specified string length was not satisfied");
    }
    if (schema_.max_length && length > *schema_.max_length) {
      Simple("maxLength", "specified string length was not satisfied");
    }
    if (schema_.pattern != nullptr && !schema_.pattern->Match(v_.AsString())) {
      Simple("pattern", "regular expression did not match");
    }
  }

  void Counts(int64_t count, const std::optional<int64_t>& min, const std::optional<int64_t>& max,
              std::string_view min_name, std::string_view max_name, std::string_view reason) {
    if (min && count < *min) {
      Simple(min_name, reason);
    }
    if (max && count > *max) {
      Simple(max_name, reason);
    }
  }

  void Object(DocView doc) {
    Counts(doc.CountFields(), schema_.min_properties, schema_.max_properties, "minProperties",
           "maxProperties", "specified number of properties was not satisfied");
    Properties(doc);
    Required(doc);
    AdditionalProperties(doc);
    PatternProperties(doc);
    Dependencies(doc);
  }

  void Details(const Schema& schema, ValueView v) {
    const auto details = out_->Array("details");
    ExplainSchema(schema, v, out_);
  }

  void Properties(DocView doc) {
    const auto broken = [doc](const Schema::Property& p) {
      const ValueView v = doc.Find(p.name);
      return !v.missing() && !p.schema->Matches(v);
    };
    if (std::none_of(schema_.properties.begin(), schema_.properties.end(), broken)) {
      return;
    }
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "properties");
    const auto list = out_->Array("propertiesNotSatisfied");
    for (const Schema::Property& p : schema_.properties) {
      if (broken(p)) {
        const auto property = out_->AddObject();
        out_->Append("propertyName", p.name);
        Details(*p.schema, doc.Find(p.name));
      }
    }
  }

  void Missing(const std::vector<std::string_view>& names, DocView doc) {
    const auto list = out_->Array("missingProperties");
    for (const std::string_view name : names) {
      if (!doc.Has(name)) {
        out_->Add(name);
      }
    }
  }
  static bool HasAll(const std::vector<std::string_view>& names, DocView doc) {
    return std::all_of(names.begin(), names.end(),
                       [doc](std::string_view name) { return doc.Has(name); });
  }

  void Required(DocView doc) {
    if (HasAll(schema_.required, doc)) {
      return;
    }
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "required");
    SpecifiedAs("required");
    Missing(schema_.required, doc);
  }

  bool IsAdditional(std::string_view name) const {
    return std::none_of(schema_.properties.begin(), schema_.properties.end(),
                        [name](const Schema::Property& p) { return p.name == name; }) &&
           std::none_of(
               schema_.pattern_properties.begin(), schema_.pattern_properties.end(),
               [name](const Schema::PatternProperty& p) { return p.pattern->Match(name); });
  }

  void AdditionalProperties(DocView doc) {
    std::vector<ElementView> broken;
    for (const ElementView e : doc) {
      const bool bad = !schema_.allow_additional_properties ||
                       (schema_.additional_properties != nullptr &&
                        !schema_.additional_properties->Matches(e.value()));
      if (bad && IsAdditional(e.name())) {
        broken.push_back(e);
      }
    }
    if (broken.empty()) {
      return;
    }
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "additionalProperties");
    if (!schema_.allow_additional_properties) {
      SpecifiedAs("additionalProperties");
      const auto names = out_->Array("additionalProperties");
      for (const ElementView e : broken) {
        out_->Add(e.name());
      }
      return;
    }
    out_->Append("reason", "at least one additional property did not match the subschema");
    out_->Append("failingProperty", broken[0].name());
    Details(*schema_.additional_properties, broken[0].value());
  }

  void PatternProperties(DocView doc) {
    const auto broken = [](const Schema::PatternProperty& p, ElementView e) {
      return p.pattern->Match(e.name()) && !p.schema->Matches(e.value());
    };
    bool open = false;
    for (const Schema::PatternProperty& p : schema_.pattern_properties) {
      for (const ElementView e : doc) {
        if (!broken(p, e)) {
          continue;
        }
        if (!open) {
          open = true;
          out_->OpenObject(out_->NextIndex());
          out_->Append("operatorName", "patternProperties");
          out_->OpenArray("details");
        }
        const auto property = out_->AddObject();
        out_->Append("propertyName", e.name());
        out_->Append("regexMatched", p.pattern->pattern());
        Details(*p.schema, e.value());
      }
    }
    if (open) {
      out_->Close();
      out_->Close();
    }
  }

  void Dependencies(DocView doc) {
    const auto broken = [&](const Schema::Dependency& d) {
      return doc.Has(d.name) &&
             (!HasAll(d.required, doc) || (d.schema != nullptr && !d.schema->Matches(v_)));
    };
    if (std::none_of(schema_.dependencies.begin(), schema_.dependencies.end(), broken)) {
      return;
    }
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "dependencies");
    const auto list = out_->Array("failingDependencies");
    for (const Schema::Dependency& d : schema_.dependencies) {
      if (!broken(d)) {
        continue;
      }
      const auto dependency = out_->AddObject();
      out_->Append("conditionalProperty", d.name);
      if (d.schema != nullptr) {
        Details(*d.schema, v_);
      } else {
        Missing(d.required, doc);
      }
    }
  }

  void Array(DocView array) {
    Counts(array.CountFields(), schema_.min_items, schema_.max_items, "minItems", "maxItems",
           "array did not match specified length");
    Items(array);
    if (Breaks("uniqueItems")) {
      Duplicate(array);
    }
  }

  void Items(DocView array) {
    int index = 0;
    for (const ElementView e : array) {
      const auto at = static_cast<size_t>(index);
      const Schema* item = schema_.items.get();
      if (schema_.has_item_list) {
        item = at < schema_.item_list.size() ? schema_.item_list[at].get()
                                             : schema_.additional_items.get();
      }
      const bool listed = !schema_.has_item_list || at < schema_.item_list.size();
      if (item != nullptr && !item->Matches(e.value())) {
        const auto rule = out_->AddObject();
        out_->Append("operatorName", listed ? "items" : "additionalItems");
        out_->Append("reason", listed
                                   ? "At least one item did not match the sub-schema"
                                   : "At least one additional item did not match the sub-schema");
        out_->Append("itemIndex", index);
        Details(*item, e.value());
        return;
      }
      if (!listed && !schema_.allow_additional_items) {
        AdditionalItems(array);
        return;
      }
      ++index;
    }
  }

  void AdditionalItems(DocView array) {
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "additionalItems");
    SpecifiedAs("additionalItems");
    out_->Append("reason", "found additional items");
    const auto list = out_->Array("additionalItems");
    size_t index = 0;
    for (const ElementView e : array) {
      if (index++ >= schema_.item_list.size()) {
        out_->Add(e.value());
      }
    }
  }

  void Duplicate(DocView array) {
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "uniqueItems");
    SpecifiedAs("uniqueItems");
    out_->Append("reason", "found a duplicate item");
    out_->Append("consideredValue", v_);
    std::vector<ValueView> seen;
    for (const ElementView e : array) {
      const bool known = std::any_of(seen.begin(), seen.end(),
                                     [&](ValueView v) { return bson::Equal(v, e.value()); });
      if (known) {
        out_->Append("duplicatedValue", e.value());
        return;
      }
      seen.push_back(e.value());
    }
  }

  void SchemaList(std::string_view name, const std::vector<Schema::Ptr>& schemas) {
    const auto rule = out_->AddObject();
    out_->Append("operatorName", name);
    const auto list = out_->Array("schemasNotSatisfied");
    int index = 0;
    for (const Schema::Ptr& s : schemas) {
      if (!s->Matches(v_)) {
        const auto item = out_->AddObject();
        out_->Append("index", index);
        Details(*s, v_);
      }
      ++index;
    }
  }

  void Combined() {
    const auto matches = [this](const Schema::Ptr& s) { return s->Matches(v_); };
    if (!std::all_of(schema_.all_of.begin(), schema_.all_of.end(), matches)) {
      SchemaList("allOf", schema_.all_of);
    }
    if (schema_.has_any_of && std::none_of(schema_.any_of.begin(), schema_.any_of.end(), matches)) {
      SchemaList("anyOf", schema_.any_of);
    }
    if (schema_.has_one_of) {
      const auto count = std::count_if(schema_.one_of.begin(), schema_.one_of.end(), matches);
      if (count == 0) {
        SchemaList("oneOf", schema_.one_of);
      } else if (count > 1) {
        MoreThanOne();
      }
    }
    if (schema_.none_of != nullptr && schema_.none_of->Matches(v_)) {
      const auto rule = out_->AddObject();
      out_->Append("operatorName", "not");
      out_->Append("reason", "child expression matched");
    }
  }

  void MoreThanOne() {
    const auto rule = out_->AddObject();
    out_->Append("operatorName", "oneOf");
    out_->Append("reason", "more than one subschema matched");
    const auto list = out_->Array("matchingSchemaIndexes");
    int index = 0;
    for (const Schema::Ptr& s : schema_.one_of) {
      if (s->Matches(v_)) {
        out_->Add(index);
      }
      ++index;
    }
  }

  const Schema& schema_;
  ValueView v_;
  DocBuilder* out_;
};

}  // namespace

void ExplainSchema(const Schema& schema, ValueView v, DocBuilder* out) {
  SchemaExplainer(schema, v, out).Run();
}

}  // namespace septet::query
