// SPDX-License-Identifier: Apache-2.0
// $regex with $options, and regex literals: {a: {$regex: "^x", $options: "i"}}, {a: /^x/i}. Matches
// strings and symbols the pattern matches, and regex values with the same pattern and flags.
// Errors: BadValue, 51074/51075 flags given twice, 51091 bad pattern, 51108 bad flag. Proved by
// recorded_filter_test (S03-008, S05-069).
#include "query/expression/regex.h"

#include "bson/value.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

class RegexNode : public LeafNode {
 public:
  RegexNode(std::string_view path, std::unique_ptr<const CompiledRegex> regex)
      : LeafNode(MatchKind::kRegex, path), regex_(std::move(regex)) {
    bson::DocBuilder b;
    b.Append("", bson::Regex{regex_->pattern(), regex_->flags()});
    const std::string doc = b.Finish();
    value_.Assign(DocView(doc).FirstElement().value());
  }
  ValueView operand() const override { return value_.view(); }

  bool TestValue(ValueView v, MatchState*) const override {
    switch (v.type()) {
      case bson::Type::kString:
      case bson::Type::kSymbol:
        return regex_->Match(v.AsString());
      case bson::Type::kRegex:
        return v.AsRegex().pattern == regex_->pattern() && v.AsRegex().options == regex_->flags();
      default:
        return false;
    }
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    out->Append("$regex", regex_->pattern());
    if (!regex_->flags().empty()) {
      out->Append("$options", regex_->flags());
    }
  }

 private:
  std::unique_ptr<const CompiledRegex> regex_;
  bson::Value value_;
};

StatusOr<MatchNodePtr> ParseRegex(const PathOperator& op, MatchParser*) {
  bson::Regex regex;
  const ValueView pattern = op.operand();
  if (pattern.is_string()) {
    regex.pattern = pattern.AsString();
  } else if (pattern.type() == bson::Type::kRegex) {
    regex = pattern.AsRegex();
  } else {
    return Error(ErrorCode::kBadValue, "$regex has to be a string");
  }
  for (const bson::ElementView element : op.siblings) {
    if (element.name() != "$options") {
      continue;
    }
    if (!element.value().is_string()) {
      return Error(ErrorCode::kBadValue, "$options has to be a string");
    }
    if (!regex.options.empty()) {
      const bool options_first = element.start() < op.element.start();
      return Error(options_first ? 51074 : 51075, "options set in both $regex and $options");
    }
    regex.options = element.value().AsString();
  }
  return MakeRegex(op.path, regex);
}

StatusOr<MatchNodePtr> ParseOptions(const PathOperator& op, MatchParser*) {
  if (!op.siblings.Has("$regex")) {
    return Error(ErrorCode::kBadValue, "$options needs a $regex");
  }
  return MatchNodePtr();
}

constexpr PathOperatorRow kPathOperators[] = {{"$options", ParseOptions}, {"$regex", ParseRegex}};

}  // namespace

StatusOr<MatchNodePtr> MakeRegex(std::string_view path, bson::Regex regex) {
  ASSIGN_OR_RETURN(auto compiled, CompiledRegex::Compile(regex.pattern, regex.options));
  return std::make_unique<RegexNode>(path, std::move(compiled));
}

MatchFamily RegexFamily() {
  return {kPathOperators, {}};
}

}  // namespace septet::query
