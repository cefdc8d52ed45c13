// SPDX-License-Identifier: Apache-2.0
#include "index/spec.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "index/special_spec.h"

namespace septet::index {
namespace {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

constexpr int64_t kMaxExpireAfterSecs = std::numeric_limits<int32_t>::max();

// Option names of all index types; those of types that are not offered are known but useless.
constexpr std::string_view kOptionNames[] = {
    "2dsphereIndexVersion", "_id", "background", "bits", "bucketSize", "clustered",
    "coarsestIndexedLevel", "collation", "default_language", "dropDups", "expireAfterSeconds",
    "finestIndexedLevel", "hidden", "key", "language_override", "max", "min", "name", "ns",
    "originalSpec", "partialFilterExpression", "prepareUnique", "safe", "sparse", "storageEngine",
    "textIndexVersion", "unique", "v", "weights", "wildcardProjection"};
// Accepted from old tools, never stored.
constexpr std::string_view kDroppedNames[] = {"_id", "dropDups", "ns", "safe"};
constexpr std::string_view kIdOptionNames[] = {"_id", "collation", "key", "name", "ns", "v"};

template <size_t N>
bool Contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Status InSpecification(DocView spec, const Status& status) {
  return Prefixed(StrCat("Error in specification ", bson::ToShellText(spec), " :: caused by :: "),
                  status);
}

Status CannotCreate(std::string_view text) { return Error(ErrorCode::kCannotCreateIndex, text); }

Status WrongType(std::string_view field, std::string_view expected, ValueView v) {
  return Error(ErrorCode::kTypeMismatch, StrCat("The field '", field, "' must be ", expected,
                                                ", but got ", bson::TypeName(v.type())));
}

bool IsIdPattern(DocView key) {
  if (key.empty() || key.CountFields() != 1) {
    return false;
  }
  const ElementView e = key.FirstElement();
  return e.name() == "_id" && e.value().is_number() && bson::ToDouble(e.value()) > 0;
}

Status CheckPath(std::string_view path) {
  if (path.empty()) {
    return CannotCreate("Index keys cannot be an empty field.");
  }
  size_t start = 0;
  while (true) {
    const size_t dot = path.find('.', start);
    const std::string_view part = path.substr(start, dot - start);
    if (part.empty()) {
      return CannotCreate("Index keys cannot contain an empty field.");
    }
    // DBRef's fields may be indexed below another field.
    const bool dbref = start != 0 && (part == "$id" || part == "$ref" || part == "$db");
    if (part[0] == '$' && !dbref) {
      return CannotCreate("Index key contains an illegal field name: field name starts with '$'.");
    }
    if (dot == std::string_view::npos) {
      return OkStatus();
    }
    start = dot + 1;
  }
}

Status CheckKeyValue(ValueView v) {
  if (v.is_number()) {
    if (bson::IsNaN(v)) {
      return CannotCreate("Values in the index key pattern cannot be NaN.");
    }
    if (bson::ToDouble(v) == 0) {
      return CannotCreate("Values in the index key pattern cannot be 0.");
    }
    return OkStatus();
  }
  if (!v.is_string()) {
    return CannotCreate(StrCat("Values in v:2 index key pattern cannot be of type ",
                               bson::TypeName(v.type()),
                               ". Only numbers > 0, numbers < 0, and strings are allowed."));
  }
  const std::string_view type = v.AsString();
  if (type.empty()) {
    return CannotCreate("Values in the index key pattern cannot be empty strings");
  }
  return type == "hashed" ? OkStatus()
                          : CannotCreate(StrCat("Unknown index plugin '", type, "'"));
}

Status ParseKey(DocView key, Spec* out) {
  if (key.empty()) {
    return CannotCreate("Index keys cannot be empty.");
  }
  int hashed = 0;
  for (const ElementView e : key) {
    RETURN_IF_ERROR(CheckKeyValue(e.value()));
    RETURN_IF_ERROR(CheckPath(e.name()));
    if (out->fields.size() == limits::kMaxCompoundIndexFields) {
      return Error(13103, "too many compound keys");
    }
    KeyField field;
    field.path = bson::FieldPath(e.name());
    field.hashed = e.value().is_string();
    field.descending = !field.hashed && bson::ToDouble(e.value()) < 0;
    hashed += field.hashed ? 1 : 0;
    if (field.descending) {
      out->descending_mask |= uint64_t{1} << out->fields.size();
    }
    for (const KeyField& other : out->fields) {
      if (other.path.text() == field.path.text()) {
        return CannotCreate(StrCat("Index key contains duplicate field name: ", e.name()));
      }
    }
    out->fields.push_back(std::move(field));
  }
  if (hashed > 1) {
    return Error(31303, StrCat("A maximum of one index field is allowed to be hashed but found ",
                               hashed, " for 'key' ", bson::ToShellText(key)));
  }
  out->type = hashed == 1 ? Type::kHashed : Type::kBtree;
  out->key_pattern = key.ToBytes();
  out->is_id = IsIdPattern(key);
  return OkStatus();
}

Status CheckVersion(DocView spec, ValueView v) {
  if (!v.is_number()) {
    return WrongType("v", "a number", v);
  }
  const auto exact = bson::ExactInt64(v);
  if (!exact.has_value() || (*exact != 1 && *exact != 2)) {
    return CannotCreate(StrCat("Invalid index specification ", bson::ToShellText(spec),
                               "; cannot create an index with v=",
                               exact.has_value() ? StrCat(*exact) : StrCat(bson::ToDouble(v))));
  }
  return OkStatus();
}

// First pass: names and types of all fields.
Status CheckFields(DocView spec, bool ignore_unknown) {
  bool has_key = false;
  bool has_name = false;
  for (const ElementView e : spec) {
    const std::string_view name = e.name();
    const ValueView v = e.value();
    if (name == "key") {
      has_key = true;
      if (!v.is_object()) {
        return WrongType(name, "an object", v);
      }
    } else if (name == "name") {
      has_name = true;
      if (!v.is_string()) {
        return WrongType(name, "a string", v);
      }
    } else if (name == "v") {
      RETURN_IF_ERROR(CheckVersion(spec, v));
    } else if (name == "hidden" || name == "prepareUnique") {
      if (v.type() != bson::Type::kBool) {
        return WrongType(name, "a bool", v);
      }
    } else if (name == "collation" || name == "partialFilterExpression" ||
               name == "storageEngine" || name == "weights" || name == "wildcardProjection") {
      if (!v.is_object()) {
        return WrongType(name, "an object", v);
      }
      if (name == "collation" && v.AsDoc().empty()) {
        return Error(ErrorCode::kBadValue, "The field 'collation' cannot be an empty object.");
      }
    } else if (!Contains(kOptionNames, name) && !ignore_unknown) {
      return Error(ErrorCode::kInvalidIndexSpecificationOption,
                   StrCat("The field '", name,
                          "' is not valid for an index specification. Specification: ",
                          bson::ToShellText(spec)));
    }
  }
  if (!has_key) {
    return Error(ErrorCode::kFailedToParse,
                 "The 'key' field is a required property of an index specification");
  }
  if (!has_name) {
    return Error(ErrorCode::kFailedToParse,
                 "The 'name' field is a required property of an index specification");
  }
  return OkStatus();
}

// Not wrapped in "Error in specification": the text names the whole spec itself.
Status CheckExpiry(DocView spec, size_t field_count, int64_t* out) {
  const ValueView v = spec.Find("expireAfterSeconds");
  if (v.missing()) {
    return OkStatus();
  }
  const auto fail = [&](std::string_view text) {
    return CannotCreate(StrCat(text, ". Index spec: ", bson::ToShellText(spec)));
  };
  if (!v.is_number()) {
    return fail(StrCat("TTL index 'expireAfterSeconds' option must be numeric, but received a type "
                       "of '",
                       bson::TypeName(v.type()), "'"));
  }
  // A server of this generation reads NaN as "never within a lifetime".
  const int64_t secs = bson::IsNaN(v) ? kMaxExpireAfterSecs : bson::ToInt64Clamped(v);
  if (secs < 0) {
    return fail("TTL index 'expireAfterSeconds' option cannot be less than 0");
  }
  if (secs > kMaxExpireAfterSecs) {
    return fail(
        "TTL index 'expireAfterSeconds' option must be within an acceptable range, try a lower "
        "number");
  }
  if (field_count > 1) {
    return fail("TTL indexes are single-field indexes, compound indexes do not support TTL");
  }
  *out = secs;
  return OkStatus();
}

Status CheckIdSpec(DocView spec) {
  for (const ElementView e : spec) {
    if (!Contains(kIdOptionNames, e.name())) {
      return Error(ErrorCode::kInvalidIndexSpecificationOption,
                   StrCat("The field '", e.name(),
                          "' is not valid for an _id index specification. Specification: ",
                          bson::ToShellText(spec)));
    }
  }
  return OkStatus();
}

// Second pass: rules between the fields. `spec` has its v.
Status CheckRules(DocView spec, const Spec& parsed) {
  if (parsed.name.empty()) {
    return CannotCreate("index name cannot be empty");
  }
  if (parsed.name.find('\0') != std::string::npos) {
    return CannotCreate("index name cannot contain NUL bytes");
  }
  const ValueView storage = spec.Find("storageEngine");
  if (!storage.missing()) {
    for (const ElementView e : storage.AsDoc()) {
      if (e.name() != "wiredTiger") {
        return Error(ErrorCode::kInvalidOptions,
                     StrCat(e.name(), " is not a registered storage engine for this server"));
      }
    }
  }
  if (!parsed.partial_filter.empty() && parsed.sparse) {
    return CannotCreate("cannot mix \"partialFilterExpression\" and \"sparse\" options");
  }
  if (parsed.type == Type::kHashed) {
    if (parsed.unique) {
      return Error(16764, "Currently hashed indexes cannot guarantee uniqueness. Use a regular index.");
    }
    if (!parsed.collation.empty()) {
      return CannotCreate(StrCat("Index type 'hashed' does not support collation: ",
                                 bson::ToShellText(DocView(parsed.collation))));
    }
  }
  return OkStatus();
}

// Normal form: v, unique, key, name, then the rest as given.
std::string NormalDocument(DocView spec, const Spec& parsed, bool ignore_unknown) {
  bson::DocBuilder b;
  const ValueView v = spec.Find("v");
  b.Append("v", v.missing() ? 2 : static_cast<int32_t>(bson::ToInt64Clamped(v)));
  if (parsed.unique) {
    b.Append("unique", true);
  }
  b.Append("key", DocView(parsed.key_pattern));
  b.Append("name", parsed.name);
  for (const ElementView e : spec) {
    const std::string_view name = e.name();
    if (name == "v" || name == "unique" || name == "key" || name == "name" ||
        Contains(kDroppedNames, name) || (ignore_unknown && !Contains(kOptionNames, name))) {
      continue;
    }
    if (name == "collation") {
      if (!parsed.collation.empty()) {
        b.Append("collation", DocView(parsed.collation));
      }
      continue;
    }
    b.Append(e);
  }
  return b.Finish();
}

Status ParseExtensions(DocView spec, const Extensions* extensions, Spec* out) {
  const ValueView collation = spec.Find("collation");
  if (!collation.missing()) {
    const ValueView locale = collation.AsDoc().Find("locale");
    if (extensions != nullptr) {
      auto made = extensions->MakeCollation(collation.AsDoc());
      if (!made.ok()) {
        return Prefixed(
            StrCat("failed to add collation information to index spec for index creation: ",
                   bson::ToShellText(spec), " :: caused by :: "),
            made.status());
      }
      out->collation = std::move(made->full_spec);
      out->collator = std::move(made->comparator);
    } else if (!locale.is_string() || locale.AsString() != "simple") {
      return CannotCreate("collation is not available here");
    }
  }
  const ValueView filter = spec.Find("partialFilterExpression");
  if (!filter.missing()) {
    if (extensions == nullptr) {
      return InSpecification(spec, CannotCreate("partial filters are not available here"));
    }
    out->partial_filter = filter.AsDoc().ToBytes();
    auto compiled = extensions->CompilePartialFilter(filter.AsDoc(), out->collator.get());
    if (!compiled.ok()) {
      return InSpecification(spec, compiled.status());
    }
    out->filter = *std::move(compiled);
  }
  return OkStatus();
}

}  // namespace

StatusOr<Spec> ParseSpec(DocView spec, bool ignore_unknown, const Extensions* extensions) {
  Spec out;
  if (Status s = CheckFields(spec, ignore_unknown); !s.ok()) {
    return InSpecification(spec, s);
  }
  const DocView key = spec.Find("key").AsDoc();
  if (IsSpecialKey(key)) {
    return RefuseSpecialSpec(spec, extensions);
  }
  if (Status s = ParseKey(key, &out); !s.ok()) {
    return InSpecification(spec, s);
  }
  RETURN_IF_ERROR(CheckExpiry(spec, out.fields.size(), &out.expire_after_secs));
  out.name = std::string(spec.Find("name").AsString());
  if (out.name == "*") {
    return Error(ErrorCode::kBadValue, "The index name '*' is not valid.");
  }
  std::string with_version;
  if (!spec.Has("v")) {
    bson::DocBuilder b(&with_version);
    b.AppendAll(spec);
    b.Append("v", 2);
    b.Finish();
    spec = DocView(with_version);
  }
  if (out.is_id) {
    RETURN_IF_ERROR(CheckIdSpec(spec));
    out.name = "_id_";
  }
  out.unique = out.is_id || spec.Find("unique").Truthy();
  out.sparse = spec.Find("sparse").Truthy();
  out.hidden = spec.Find("hidden").Truthy();
  out.prepare_unique = spec.Find("prepareUnique").Truthy();
  RETURN_IF_ERROR(ParseExtensions(spec, extensions, &out));
  if (Status s = CheckRules(spec, out); !s.ok()) {
    return InSpecification(spec, s);
  }
  Spec shown = out;
  shown.unique = out.unique && !out.is_id;
  out.document = NormalDocument(spec, shown, ignore_unknown);
  return out;
}

Spec IdIndexSpec(const Extensions::Collation* collation) {
  Spec out;
  out.name = "_id_";
  out.key_pattern = bson::MakeDoc("_id", 1);
  KeyField field;
  field.path = bson::FieldPath("_id");
  out.fields.push_back(std::move(field));
  out.is_id = true;
  out.unique = true;
  bson::DocBuilder b;
  b.Append("v", 2);
  b.Append("key", DocView(out.key_pattern));
  b.Append("name", out.name);
  if (collation != nullptr && !collation->full_spec.empty()) {
    out.collation = collation->full_spec;
    out.collator = collation->comparator;
    b.Append("collation", DocView(out.collation));
  }
  out.document = b.Finish();
  return out;
}

bool SameKeyPattern(const Spec& a, const Spec& b) {
  return bson::Compare(DocView(a.key_pattern), DocView(b.key_pattern)) == 0;
}

bool SameIdentity(const Spec& a, const Spec& b) {
  const auto same_doc = [](const std::string& x, const std::string& y) {
    return x.empty() == y.empty() && (x.empty() || bson::Compare(DocView(x), DocView(y)) == 0);
  };
  return SameKeyPattern(a, b) && same_doc(a.collation, b.collation) &&
         same_doc(a.partial_filter, b.partial_filter);
}

bool SameOptions(const Spec& a, const Spec& b) {
  return a.unique == b.unique && a.sparse == b.sparse &&
         a.expire_after_secs == b.expire_after_secs;
}

}  // namespace septet::index
