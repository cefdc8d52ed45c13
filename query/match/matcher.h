// SPDX-License-Identifier: Apache-2.0
// The match language: {a: {$gt: 1}, $or: [...]}. Parsed once into a tree of MatchNode, normalised
// (nested $and flattened, $or of one and $in of one collapsed, children sorted, negations as kNot),
// and evaluated on document bytes. The planner reads the tree (node kinds, path, operand).
//
// A family of operators is one file with a constexpr table; registry.def lists the families.
// Thread rule: a Matcher is immutable and may be shared; Matches() needs the operation's
// EvalContext only for $expr.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/builder.h"
#include "bson/path.h"
#include "bson/view.h"

#include "base/status.h"
#include "query/expression/expression.h"

namespace septet::query {

enum class MatchKind {
  kAnd,
  kOr,
  kNor,
  kNot,
  kEq,
  kLt,
  kLte,
  kGt,
  kGte,
  kIn,
  kRegex,
  kMod,
  kExists,
  kType,
  kSize,
  kAll,
  kElemMatchObject,
  kElemMatchValue,
  kBitsAllSet,
  kBitsAllClear,
  kBitsAnySet,
  kBitsAnyClear,
  kExpr,
  kAlwaysTrue,
  kAlwaysFalse,
  kJsonSchema,
  kWhere,
  kText,
  kGeo,
  kGeoNear,
  kOther,
};

// Details of a successful match that a projection or update needs.
struct MatchDetails {
  // Index of the array element that matched, in the outermost array on the path of the predicate
  // that was tested last, for the positional `$`; -1 none. $or, $nor and $not give none.
  int64_t array_index = -1;
};

// What one evaluation carries; the first error stops it and makes every test false.
struct MatchState {
  EvalContext* ctx = nullptr;
  MatchDetails* details = nullptr;
  Status error;
};

class MatchNode {
 public:
  virtual ~MatchNode() = default;
  MatchKind kind() const { return kind_; }
  // Dotted path of a leaf; empty for logical nodes and $expr.
  const bson::FieldPath& path() const { return path_; }
  // Operand of a comparison (kEq..kGte), of $size, $mod, $type and, as a regex value, of kRegex;
  // valid as long as the Matcher.
  virtual ValueView operand() const { return {}; }
  // Operands of $in (regexes apart), sorted and without duplicates.
  virtual const std::vector<ValueView>* in_list() const { return nullptr; }
  // The regexes among the operands of $in.
  virtual const std::vector<ValueView>* in_regexes() const { return nullptr; }
  // The expression of kExpr.
  virtual const Expression* expression() const { return nullptr; }
  // kAnd, kOr, kNor, kElemMatchValue: the parts; kNot, kElemMatchObject: the one below.
  const std::vector<std::unique_ptr<MatchNode>>& children() const { return children_; }

  StatusOr<bool> Matches(DocView doc, EvalContext* ctx, MatchDetails* details) const {
    MatchState state{ctx, details, {}};
    const bool matched = Test(doc, &state);
    if (!state.error.ok()) [[unlikely]] {
      return std::move(state.error);
    }
    return matched;
  }
  // Whether a single value (an element of an array, as $elemMatch uses it) matches; a leaf looks at
  // the value itself whatever its path, and does not look into an array.
  StatusOr<bool> MatchesValue(ValueView v, EvalContext* ctx) const {
    MatchState state{ctx, nullptr, {}};
    const bool matched = TestValue(v, &state);
    if (!state.error.ok()) [[unlikely]] {
      return std::move(state.error);
    }
    return matched;
  }
  virtual bool Test(DocView doc, MatchState* state) const = 0;
  virtual bool TestValue(ValueView v, MatchState* state) const = 0;

  // Appends the normalised form explain prints (parsedQuery): {path: {$op: operand}} or {$and:
  // [...]}.
  virtual void Serialize(bson::DocBuilder* out) const = 0;
  // Appends $op: operand without the path, as it stands inside $not and $elemMatch.
  virtual void SerializeOperator(bson::DocBuilder* out) const = 0;
  // Adds the paths read, or sets *whole_document.
  virtual void Dependencies(std::vector<std::string>* paths, bool* whole_document) const;

 protected:
  explicit MatchNode(MatchKind kind) : kind_(kind) {}
  MatchKind kind_;
  bson::FieldPath path_;
  std::vector<std::unique_ptr<MatchNode>> children_;
};

struct MatchOptions {
  const bson::StringComparator* collator = nullptr;
  ParseContext* variables = nullptr;  // for $expr; null: none but the built-in
  bool allow_text = true;
  bool allow_geo_near = true;
  bool allow_where = true;
  bool allow_expr = true;
};

class Matcher {
 public:
  // Copies `filter`. Errors: BadValue (2), FailedToParse (9), 51091 ... with a server's texts.
  static StatusOr<std::unique_ptr<const Matcher>> Parse(DocView filter,
                                                        const MatchOptions& options);

  StatusOr<bool> Matches(DocView doc, EvalContext* ctx, MatchDetails* details = nullptr) const {
    return root_->Matches(doc, ctx, details);
  }
  const MatchNode& root() const { return *root_; }
  DocView filter() const { return DocView(bytes_); }
  bool always_true() const {
    return root_->kind() == MatchKind::kAlwaysTrue ||
           (root_->kind() == MatchKind::kAnd && root_->children().empty());
  }
  void Serialize(bson::DocBuilder* out) const { root_->Serialize(out); }
  // Field paths read, or *whole_document.
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
    root_->Dependencies(paths, whole_document);
  }
  // Why a document that does not match does not: {operatorName, specifiedAs, reason, consideredValue,
  // clausesNotSatisfied, schemaRulesNotSatisfied, ...}, the details of a DocumentValidationFailure.
  std::string ExplainFailure(DocView doc, EvalContext* ctx) const;

 private:
  Matcher() = default;
  std::string bytes_;
  std::unique_ptr<MatchNode> root_;
};

}  // namespace septet::query
