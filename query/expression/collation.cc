// SPDX-License-Identifier: Apache-2.0
#include "query/expression/collation.h"

#include <unicode/coll.h>
#include <unicode/locid.h>

#include <optional>

#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/expression/result.h"

namespace septet::query {

namespace {

using bson::DocView;
using bson::ValueView;

struct CollationOptions {
  std::string locale;
  bool case_level = false;
  std::string case_first = "off";
  int strength = 3;
  bool numeric_ordering = false;
  std::string alternate = "non-ignorable";
  std::string max_variable = "punct";
  std::optional<bool> normalization;
  std::optional<bool> backwards;
};

class IcuCollation final : public Collation {
 public:
  IcuCollation(std::unique_ptr<icu::Collator> collator, std::string spec)
      : collator_(std::move(collator)), spec_(std::move(spec)) {}

  int Compare(std::string_view a, std::string_view b) const override {
    UErrorCode error = U_ZERO_ERROR;
    const UCollationResult order =
        collator_->compareUTF8({a.data(), static_cast<int32_t>(a.size())},
                               {b.data(), static_cast<int32_t>(b.size())}, error);
    return static_cast<int>(order);
  }

  std::string SortKey(std::string_view s) const override {
    const icu::UnicodeString text =
        icu::UnicodeString::fromUTF8({s.data(), static_cast<int32_t>(s.size())});
    uint8_t on_stack[256];
    const int32_t size = collator_->getSortKey(text, on_stack, sizeof(on_stack));
    if (size <= static_cast<int32_t>(sizeof(on_stack))) {
      // The terminating zero byte of ICU is not part of the key.
      return {reinterpret_cast<const char*>(on_stack), static_cast<size_t>(size - 1)};
    }
    std::string key(static_cast<size_t>(size), '\0');
    collator_->getSortKey(text, reinterpret_cast<uint8_t*>(key.data()), size);
    key.pop_back();
    return key;
  }

  const std::string& spec() const override { return spec_; }

 private:
  const std::unique_ptr<icu::Collator> collator_;
  const std::string spec_;
};

Status WrongType(std::string_view field, ValueView v, std::string_view expected) {
  return Error(ErrorCode::kTypeMismatch, StrCat("\"", field, "\" had the wrong type. Expected ",
                                                expected, ", found ", bson::TypeName(v.type())));
}

Status BadChoice(std::string_view field, std::string_view must, ValueView v) {
  return Error(ErrorCode::kFailedToParse,
               StrCat("Field '", field, "' must be ", must,
                      ". Got: ", v.is_string() ? std::string(v.AsString()) : ValueText(v)));
}

Status ReadBool(std::string_view field, ValueView v, bool* out) {
  if (v.type() != bson::Type::kBool && !v.is_number()) {
    return WrongType(field, v, "bool");
  }
  *out = v.Truthy();
  return OkStatus();
}

Status ReadChoice(std::string_view field, ValueView v,
                  std::initializer_list<std::string_view> allowed, std::string_view must,
                  std::string* out) {
  if (!v.is_string()) {
    return WrongType(field, v, "string");
  }
  for (const std::string_view value : allowed) {
    if (value == v.AsString()) {
      *out = value;
      return OkStatus();
    }
  }
  return BadChoice(field, must, v);
}

Status ReadStrength(ValueView v, int* out) {
  if (!v.is_number()) {
    return WrongType("strength", v, "number");
  }
  const std::optional<int64_t> n = bson::ExactInt64(v);
  if (!n.has_value() || *n < 1 || *n > 5) {
    return BadChoice("strength", "an integer 1 through 5", v);
  }
  *out = static_cast<int>(*n);
  return OkStatus();
}

Status ReadField(DocView spec, bson::ElementView e, CollationOptions* options) {
  const std::string_view name = e.name();
  const ValueView v = e.value();
  if (name == "locale") {
    if (!v.is_string()) {
      return WrongType(name, v, "string");
    }
    options->locale = v.AsString();
    return OkStatus();
  }
  if (name == "caseLevel") {
    return ReadBool(name, v, &options->case_level);
  }
  if (name == "caseFirst") {
    return ReadChoice(name, v, {"off", "upper", "lower"}, "'upper', 'lower', or 'off'",
                      &options->case_first);
  }
  if (name == "strength") {
    return ReadStrength(v, &options->strength);
  }
  if (name == "numericOrdering") {
    return ReadBool(name, v, &options->numeric_ordering);
  }
  if (name == "alternate") {
    return ReadChoice(name, v, {"non-ignorable", "shifted"}, "'non-ignorable' or 'shifted'",
                      &options->alternate);
  }
  if (name == "maxVariable") {
    return ReadChoice(name, v, {"punct", "space"}, "'punct' or 'space'", &options->max_variable);
  }
  if (name == "normalization" || name == "backwards") {
    bool on = false;
    RETURN_IF_ERROR(ReadBool(name, v, &on));
    (name == "backwards" ? options->backwards : options->normalization) = on;
    return OkStatus();
  }
  if (name == "version") {
    // Written by servers into what they store.
    return v.is_string() ? OkStatus() : WrongType(name, v, "string");
  }
  return Error(
      ErrorCode::kFailedToParse,
      StrCat("Collation spec contains unknown field. Collation spec: ", bson::ToShellText(spec)));
}

StatusOr<std::unique_ptr<icu::Collator>> MakeCollator(DocView spec,
                                                      const CollationOptions& options) {
  const icu::Locale locale(options.locale.c_str());
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<icu::Collator> collator;
  if (!locale.isBogus() && !options.locale.empty() &&
      options.locale.find('\0') == std::string::npos) {
    collator.reset(icu::Collator::createInstance(locale, error));
  }
  // For a language it does not know ICU falls back to the root, which a server refuses.
  if (collator == nullptr || U_FAILURE(error) ||
      std::string_view(collator->getLocale(ULOC_VALID_LOCALE, error).getLanguage()) !=
          locale.getLanguage()) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Field 'locale' is invalid in: ", bson::ToShellText(spec)));
  }
  return collator;
}

void SetAttribute(icu::Collator* collator, UColAttribute attribute, UColAttributeValue value,
                  UErrorCode* error) {
  collator->setAttribute(attribute, value, *error);
}

Status Apply(DocView spec, const CollationOptions& options, icu::Collator* collator) {
  if (options.backwards.value_or(false) && options.strength == 1) {
    return Error(ErrorCode::kBadValue, StrCat("'backwards' is invalid with 'strength' of 1 in: ",
                                              bson::ToShellText(spec)));
  }
  if (options.case_first != "off" && !options.case_level && options.strength < 3) {
    return Error(ErrorCode::kBadValue,
                 StrCat("'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater "
                        "than 2 in: ",
                        bson::ToShellText(spec)));
  }
  constexpr UColAttributeValue kStrengths[] = {UCOL_PRIMARY, UCOL_SECONDARY, UCOL_TERTIARY,
                                               UCOL_QUATERNARY, UCOL_IDENTICAL};
  UErrorCode error = U_ZERO_ERROR;
  SetAttribute(collator, UCOL_STRENGTH, kStrengths[options.strength - 1], &error);
  SetAttribute(collator, UCOL_CASE_LEVEL, options.case_level ? UCOL_ON : UCOL_OFF, &error);
  SetAttribute(collator, UCOL_CASE_FIRST,
               options.case_first == "upper"   ? UCOL_UPPER_FIRST
               : options.case_first == "lower" ? UCOL_LOWER_FIRST
                                               : UCOL_OFF,
               &error);
  SetAttribute(collator, UCOL_NUMERIC_COLLATION, options.numeric_ordering ? UCOL_ON : UCOL_OFF,
               &error);
  SetAttribute(collator, UCOL_ALTERNATE_HANDLING,
               options.alternate == "shifted" ? UCOL_SHIFTED : UCOL_NON_IGNORABLE, &error);
  collator->setMaxVariable(
      options.max_variable == "space" ? UCOL_REORDER_CODE_SPACE : UCOL_REORDER_CODE_PUNCTUATION,
      error);
  if (options.normalization.has_value()) {
    SetAttribute(collator, UCOL_NORMALIZATION_MODE, *options.normalization ? UCOL_ON : UCOL_OFF,
                 &error);
  }
  if (options.backwards.has_value()) {
    SetAttribute(collator, UCOL_FRENCH_COLLATION, *options.backwards ? UCOL_ON : UCOL_OFF, &error);
  }
  if (U_FAILURE(error)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Failed to set collation attributes: ", u_errorName(error)));
  }
  return OkStatus();
}

std::string FullSpec(const CollationOptions& options, const icu::Collator& collator) {
  UErrorCode error = U_ZERO_ERROR;
  const auto on = [&](UColAttribute attribute) {
    return collator.getAttribute(attribute, error) == UCOL_ON;
  };
  bson::DocBuilder out;
  out.Append("locale", options.locale);
  out.Append("caseLevel", options.case_level);
  out.Append("caseFirst", options.case_first);
  out.Append("strength", options.strength);
  out.Append("numericOrdering", options.numeric_ordering);
  out.Append("alternate", options.alternate);
  out.Append("maxVariable", options.max_variable);
  out.Append("normalization", options.normalization.value_or(on(UCOL_NORMALIZATION_MODE)));
  out.Append("backwards", options.backwards.value_or(on(UCOL_FRENCH_COLLATION)));
  out.Append("version", "57.1");
  return out.Finish();
}

}  // namespace

StatusOr<std::shared_ptr<const Collation>> ParseCollation(DocView spec) {
  if (spec.empty()) {
    return std::shared_ptr<const Collation>();
  }
  CollationOptions options;
  for (const bson::ElementView e : spec) {
    RETURN_IF_ERROR(ReadField(spec, e, &options));
  }
  if (!spec.Has("locale")) {
    return Error(ErrorCode::kNoSuchKey, "Missing expected field \"locale\"");
  }
  if (options.locale == "simple") {
    if (spec.CountFields() > 1) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("If 'locale' is 'simple', no other fields should be present in: ",
                          bson::ToShellText(spec)));
    }
    return std::shared_ptr<const Collation>();
  }
  ASSIGN_OR_RETURN(std::unique_ptr<icu::Collator> collator, MakeCollator(spec, options));
  RETURN_IF_ERROR(Apply(spec, options, collator.get()));
  std::string full = FullSpec(options, *collator);
  return std::shared_ptr<const Collation>(
      std::make_shared<IcuCollation>(std::move(collator), std::move(full)));
}

}  // namespace septet::query
