// SPDX-License-Identifier: Apache-2.0
#include "query/index_extensions.h"

#include "base/strings.h"
#include "bson/ejson.h"
#include "query/expression/collation.h"
#include "query/match/matcher.h"

namespace septet::query {
namespace {

class PartialFilter final : public index::DocumentFilter {
 public:
  explicit PartialFilter(std::unique_ptr<const Matcher> matcher) : matcher_(std::move(matcher)) {}
  bool Matches(bson::DocView doc) const override {
    EvalContext eval;  // the operators allowed below evaluate no expression
    const StatusOr<bool> matches = matcher_->Matches(doc, &eval);
    return matches.ok() && *matches;
  }

 private:
  std::unique_ptr<const Matcher> matcher_;
};

// The operators that a partial filter may have (manual, "Partial Indexes").
Status CheckAllowed(const MatchNode& node) {
  switch (node.kind()) {
    case MatchKind::kAnd:
    case MatchKind::kOr:
      for (const auto& child : node.children()) {
        RETURN_IF_ERROR(CheckAllowed(*child));
      }
      return OkStatus();
    case MatchKind::kEq:
    case MatchKind::kLt:
    case MatchKind::kLte:
    case MatchKind::kGt:
    case MatchKind::kGte:
    case MatchKind::kIn:
    case MatchKind::kExists:
    case MatchKind::kType:
    case MatchKind::kAlwaysTrue:
      return OkStatus();
    default: {
      bson::DocBuilder text;
      node.Serialize(&text);
      return Error(ErrorCode::kCannotCreateIndex,
                   StrCat("Expression not supported in partial index: ",
                          bson::ToShellText(bson::DocView(text.Finish()))));
    }
  }
}

}  // namespace

StatusOr<index::Extensions::Collation> IndexExtensions::MakeCollation(bson::DocView spec) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const query::Collation> collation, ParseCollation(spec));
  Collation out;
  if (collation != nullptr) {
    out.full_spec = collation->spec();
    out.comparator = collation;
  }
  return out;
}

StatusOr<std::shared_ptr<const index::DocumentFilter>> IndexExtensions::CompilePartialFilter(
    bson::DocView filter, const bson::StringComparator* collator) const {
  MatchOptions options;
  options.collator = collator;
  options.allow_text = false;
  options.allow_geo_near = false;
  options.allow_where = false;
  ASSIGN_OR_RETURN(std::unique_ptr<const Matcher> matcher, Matcher::Parse(filter, options));
  RETURN_IF_ERROR(CheckAllowed(matcher->root()));
  return std::shared_ptr<const index::DocumentFilter>(
      std::make_shared<PartialFilter>(std::move(matcher)));
}

}  // namespace septet::query
