// SPDX-License-Identifier: Apache-2.0
#include "index/special_spec.h"

#include <algorithm>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "bson/number.h"

namespace septet::index {
namespace {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

constexpr double kMaxTextWeight = 100'000;

Status CannotCreate(std::string_view text) { return Error(ErrorCode::kCannotCreateIndex, text); }

bool IsWildcardName(std::string_view name) { return name == "$**" || name.ends_with(".$**"); }
bool IsWildcard(ElementView e) { return IsWildcardName(e.name()) && !e.value().is_string(); }

bool IsType(ElementView e, std::string_view type) {
  return e.value().is_string() && e.value().AsString() == type;
}

// "text", "2dsphere", "2d" or "wildcard": the first in the pattern; empty: none of them.
std::string_view SpecialType(DocView key) {
  for (const ElementView e : key) {
    if (IsWildcard(e)) {
      return "wildcard";
    }
    for (const std::string_view type : {"text", "2dsphere", "2d"}) {
      if (IsType(e, type)) {
        return type;
      }
    }
  }
  return {};
}

// Inclusions and exclusions may not be mixed, but for _id.
Status CheckProjection(ValueView v, DocView key) {
  if (v.missing()) {
    return OkStatus();
  }
  const bool whole = key.CountFields() == 1 && key.FirstElement().name() == "$**";
  if (!whole) {
    return Error(ErrorCode::kFailedToParse, "The field 'wildcardProjection' is only allowed when 'key' "
                                            "is {\"$**\": \u00b11}");
  }
  if (v.AsDoc().empty()) {
    return Error(ErrorCode::kFailedToParse,
                 "The 'wildcardProjection' field can't be an empty object");
  }
  std::optional<bool> inclusion;
  for (const ElementView e : v.AsDoc()) {
    if (e.name() == "_id" || (!e.value().is_number() && e.value().type() != bson::Type::kBool)) {
      continue;
    }
    const bool includes = e.value().Truthy();
    if (inclusion && *inclusion != includes) {
      return Error(includes ? 31253 : 31254,
                   StrCat("Failed to parse: wildcardProjection :: caused by :: Cannot do ",
                          includes ? "inclusion" : "exclusion", " on field ", e.name(), " in ",
                          includes ? "exclusion" : "inclusion", " projection"));
    }
    inclusion = includes;
  }
  return OkStatus();
}

Status CheckWildcard(DocView spec) {
  if (spec.Find("sparse").Truthy()) {
    return CannotCreate("Index type 'wildcard' does not support the sparse option");
  }
  if (spec.Find("unique").Truthy()) {
    return CannotCreate("Index type 'wildcard' does not support the unique option");
  }
  return spec.Has("expireAfterSeconds") ? CannotCreate("Index type 'wildcard' cannot be a TTL index")
                                        : OkStatus();
}

Status CheckText(DocView spec, DocView key) {
  const ValueView weights = spec.Find("weights");
  if (weights.is_object()) {
    for (const ElementView e : weights.AsDoc()) {
      const double weight = e.value().is_number() ? bson::ToDouble(e.value()) : 0;
      if (e.value().is_number() && (weight <= 0 || weight >= kMaxTextWeight)) {
        return CannotCreate(StrCat("text index weight must be in the exclusive interval (0,",
                                   static_cast<int64_t>(kMaxTextWeight), ") but found: ",
                                   bson::ToShellText(e.value())));
      }
    }
  }
  const ValueView language = spec.Find("default_language");
  if (!language.missing() && !language.is_string()) {
    return CannotCreate("default_language needs a string type");
  }
  bool seen = false;
  bool ended = false;
  for (const ElementView e : key) {
    const bool text = IsType(e, "text");
    if (text && ended) {
      return CannotCreate("'text' fields in index must all be adjacent");
    }
    ended = seen && !text;
    seen = seen || text;
  }
  return OkStatus();
}

Status CheckSphere(DocView spec) {
  const ValueView version = spec.Find("2dsphereIndexVersion");
  if (!version.is_number()) {
    return OkStatus();
  }
  const double v = bson::ToDouble(version);
  if (v == 1 || v == 2 || v == 3) {
    return OkStatus();
  }
  return CannotCreate(StrCat("unsupported geo index version { 2dsphereIndexVersion : "
                             "2dsphereIndexVersion: ",
                             bson::ToShellText(version), " }, only versions: [1,2,3] are supported"));
}

// Neither knows how to compare by a collation.
Status CheckCollation(std::string_view type, ValueView full) {
  return full.missing() || (type != "text" && type != "2d")
             ? OkStatus()
             : CannotCreate(StrCat("Index type '", type, "' does not support collation: ",
                                   bson::ToShellText(full)));
}

// The specification as a server completes it: with v, the collation in full and last.
std::string Completed(DocView spec, const Extensions* extensions) {
  bson::DocBuilder b;
  for (const ElementView e : spec) {
    if (e.name() != "collation") {
      b.Append(e);
    }
  }
  if (!spec.Has("v")) {
    b.Append("v", 2);
  }
  const ValueView collation = spec.Find("collation");
  if (collation.is_object() && extensions != nullptr) {
    const auto made = extensions->MakeCollation(collation.AsDoc());
    if (made.ok() && !made->full_spec.empty()) {
      b.Append("collation", DocView(made->full_spec));
    }
  }
  return b.Finish();
}

Status InSpecification(DocView spec, const Status& status) {
  return Prefixed(StrCat("Error in specification ", bson::ToShellText(spec), " :: caused by :: "),
                  status);
}

}  // namespace

bool IsSpecialKey(DocView key) { return !SpecialType(key).empty(); }

Status RefuseSpecialSpec(DocView spec, const Extensions* extensions) {
  const DocView key = spec.Find("key").AsDoc();
  const std::string_view type = SpecialType(key);
  Status status = CheckProjection(spec.Find("wildcardProjection"), key);
  if (!status.ok()) {
    return InSpecification(spec, status);
  }
  const std::string completed = Completed(spec, extensions);
  status = type == "wildcard"   ? CheckWildcard(spec)
           : type == "text"     ? CheckText(spec, key)
           : type == "2dsphere" ? CheckSphere(spec)
                                : OkStatus();
  if (status.ok()) {
    status = CheckCollation(type, DocView(completed).Find("collation"));
  }
  if (!status.ok()) {
    return InSpecification(DocView(completed), status);
  }
  return InSpecification(
      spec, CannotCreate(StrCat("Index type '", type, "' is not supported by this server")));
}

}  // namespace septet::index
