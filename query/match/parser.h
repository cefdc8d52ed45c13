// SPDX-License-Identifier: Apache-2.0
// The frame of the match parser: walks a filter and hands each operator to its row. A family of
// operators is one file that defines the function registry.def names; it gives the family's two
// tables.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "query/match/node.h"

namespace septet::query {

// Where a filter document stands: some operators are allowed in the outermost one only.
enum class MatchLevel {
  kTop,       // the filter itself and what $and, $or, $nor hold
  kEmbedded,  // the object of $elemMatch
};

class MatchParser;

// {path: {op: operand}} with its neighbours in the same operator document ($regex and $options).
struct PathOperator {
  std::string_view path;
  bson::ElementView element;
  DocView siblings;
  std::string_view name() const { return element.name(); }
  ValueView operand() const { return element.value(); }
};

// A row of operators that stand below a path. parse may return null: nothing to add.
struct PathOperatorRow {
  std::string_view name;
  StatusOr<MatchNodePtr> (*parse)(const PathOperator& op, MatchParser* parser);
};
// A row of operators that stand beside paths ($and, $expr, ...).
struct TopOperatorRow {
  std::string_view name;
  StatusOr<MatchNodePtr> (*parse)(bson::ElementView element, MatchLevel level, MatchParser* parser);
};
struct MatchFamily {
  std::span<const PathOperatorRow> path_operators;
  std::span<const TopOperatorRow> top_operators;
};

class MatchParser {
 public:
  MatchParser(const MatchOptions& options, ParseContext* variables)
      : options_(options), variables_(variables) {}

  const MatchOptions& options() const { return options_; }
  const bson::StringComparator* collator() const { return options_.collator; }
  ParseContext* variables() const { return variables_; }

  // A filter document as one normalised node.
  StatusOr<MatchNodePtr> ParseFilter(DocView filter, MatchLevel level);
  // {path: value}: operators, a regex, or equality; appended to `parts`.
  Status ParsePath(std::string_view path, ValueView value, std::vector<MatchNodePtr>* parts);
  // {path: {$op: ..., ...}}: every field must be an operator.
  Status ParseOperators(std::string_view path, DocView operators, std::vector<MatchNodePtr>* parts);

 private:
  const MatchOptions& options_;
  ParseContext* variables_;
};

// Is this the fields of a DBRef? With `incomplete`, one of $ref, $id, $db in front is enough.
bool IsDBRef(DocView doc, bool incomplete);
// Does the value stand for operators: an object whose first field starts with `$` and is no DBRef?
bool IsOperatorObject(ValueView v, bool allow_incomplete_dbref);

}  // namespace septet::query
