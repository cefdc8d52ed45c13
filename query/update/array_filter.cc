// SPDX-License-Identifier: Apache-2.0
// arrayFilters: [{e: {$gt: 1}}, {"f.k": 2}]. Each filter stands for one identifier, the first part
// of all its paths. Errors: FailedToParse, BadValue with "Error parsing array filter :: caused by
// :: ". Proved by recorded_update_test (S03-052).
#include "base/strings.h"
#include "query/update/parser.h"

namespace septet::query {
namespace {

constexpr std::string_view kPrefix = "Error parsing array filter :: caused by :: ";

bool IsIdentifier(std::string_view id) {
  if (id.empty() || id[0] < 'a' || id[0] > 'z') {
    return false;
  }
  for (const char c : id) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum) {
      return false;
    }
  }
  return true;
}

// The names paths start with, in the order of the filter.
void CollectRoots(DocView filter, std::vector<std::string_view>* roots) {
  for (const bson::ElementView e : filter) {
    const std::string_view name = e.name();
    if (!name.starts_with('$')) {
      roots->push_back(name.substr(0, name.find('.')));
    } else if (e.value().is_array()) {
      for (const bson::ElementView item : e.value().AsArray()) {
        if (item.value().is_object()) {
          CollectRoots(item.value().AsDoc(), roots);
        }
      }
    }
  }
}

StatusOr<std::unique_ptr<ArrayFilter>> ParseOne(DocView filter, const UpdateOptions& options) {
  MatchOptions match;
  match.collator = options.collator;
  match.variables = options.variables;
  match.allow_text = false;
  match.allow_geo_near = false;
  match.allow_where = false;
  auto out = std::make_unique<ArrayFilter>();
  auto matcher = Matcher::Parse(filter, match);
  if (!matcher.ok()) {
    return Prefixed(kPrefix, matcher.status());
  }
  out->matcher = *std::move(matcher);
  std::vector<std::string_view> roots;
  CollectRoots(filter, &roots);
  if (roots.empty()) {
    return Error(ErrorCode::kFailedToParse,
                 "Cannot use an expression without a top-level field name in arrayFilters");
  }
  for (const std::string_view root : roots) {
    if (root != roots[0]) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat(kPrefix, "Expected a single top-level field name, found '", roots[0],
                          "' and '", root, "'"));
    }
  }
  if (!IsIdentifier(roots[0])) {
    return Error(ErrorCode::kBadValue,
                 StrCat(kPrefix,
                        "The top-level field name must be an alphanumeric string beginning with a "
                        "lowercase letter, found '",
                        roots[0], "'"));
  }
  out->id = roots[0];
  return out;
}

}  // namespace

StatusOr<std::vector<std::unique_ptr<ArrayFilter>>> ParseArrayFilters(
    const std::vector<DocView>& filters, const UpdateOptions& options) {
  std::vector<std::unique_ptr<ArrayFilter>> out;
  for (const DocView filter : filters) {
    ASSIGN_OR_RETURN(auto parsed, ParseOne(filter, options));
    for (const auto& other : out) {
      if (other->id == parsed->id) {
        return Error(
            ErrorCode::kFailedToParse,
            StrCat("Found multiple array filters with the same top-level field name ", parsed->id));
      }
    }
    out.push_back(std::move(parsed));
  }
  return out;
}

}  // namespace septet::query
