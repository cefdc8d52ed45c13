// SPDX-License-Identifier: Apache-2.0
#include "query/match/parser.h"

#include <unordered_map>

#include "base/strings.h"

namespace septet::query {

#define P_MATCH_FAMILY(function) MatchFamily function();
#include "query/match/registry.def"
#undef P_MATCH_FAMILY

namespace {

// All rows by name; made on first use, immutable after.
struct OperatorTable {
  std::unordered_map<std::string_view, const PathOperatorRow*> path;
  std::unordered_map<std::string_view, const TopOperatorRow*> top;

  void Add(const MatchFamily& family) {
    for (const PathOperatorRow& row : family.path_operators) {
      path.emplace(row.name, &row);
    }
    for (const TopOperatorRow& row : family.top_operators) {
      top.emplace(row.name, &row);
    }
  }
};

const OperatorTable& Operators() {
  static const OperatorTable table = [] {
    OperatorTable t;
#define P_MATCH_FAMILY(function) t.Add(function());
#include "query/match/registry.def"
#undef P_MATCH_FAMILY
    return t;
  }();
  return table;
}

// How many nodes of a kind a tree has.
int CountOf(const MatchNode& node, MatchKind kind) {
  int count = node.kind() == kind ? 1 : 0;
  for (const auto& child : node.children()) {
    count += CountOf(*child, kind);
  }
  return count;
}

// $text and $near may stand once, $near only at the root or in the $and there.
Status CheckPlaces(const MatchNode& root) {
  if (CountOf(root, MatchKind::kText) > 1) {
    return Error(ErrorCode::kBadValue, "Too many text expressions");
  }
  const int near = CountOf(root, MatchKind::kGeoNear);
  if (near == 0) {
    return OkStatus();
  }
  if (near > 1) {
    return Error(ErrorCode::kBadValue, "Too many geoNear expressions");
  }
  if (CountOf(root, MatchKind::kText) > 0) {
    return Error(ErrorCode::kBadValue, "text and geoNear not allowed in same query");
  }
  int at_top = root.kind() == MatchKind::kGeoNear ? 1 : 0;
  if (root.kind() == MatchKind::kAnd) {
    for (const auto& child : root.children()) {
      at_top += child->kind() == MatchKind::kGeoNear ? 1 : 0;
    }
  }
  return at_top == 1 ? OkStatus()
                     : Error(ErrorCode::kBadValue, "geoNear must be top-level expr");
}

}  // namespace

bool IsDBRef(DocView doc, bool incomplete) {
  if (doc.empty()) {
    return false;
  }
  const bson::ElementView first = doc.FirstElement();
  if (incomplete) {
    return first.name() == "$ref" || first.name() == "$id" || first.name() == "$db";
  }
  if (first.name() != "$ref" || !first.value().is_string()) {
    return false;
  }
  auto it = doc.begin();
  ++it;
  return it != doc.end() && it->name() == "$id";
}

bool IsOperatorObject(ValueView v, bool allow_incomplete_dbref) {
  if (!v.is_object() || v.AsDoc().empty()) {
    return false;
  }
  return v.AsDoc().FirstElement().name().starts_with('$') &&
         !IsDBRef(v.AsDoc(), allow_incomplete_dbref);
}

Status MatchParser::ParseOperators(std::string_view path, DocView operators,
                                   std::vector<MatchNodePtr>* parts) {
  for (const bson::ElementView element : operators) {
    const auto row = Operators().path.find(element.name());
    if (row == Operators().path.end()) {
      return Error(ErrorCode::kBadValue, StrCat("unknown operator: ", element.name()));
    }
    ASSIGN_OR_RETURN(MatchNodePtr node, row->second->parse({path, element, operators}, this));
    if (node != nullptr) {
      parts->push_back(std::move(node));
    }
  }
  return OkStatus();
}

Status MatchParser::ParsePath(std::string_view path, ValueView value,
                              std::vector<MatchNodePtr>* parts) {
  if (IsOperatorObject(value, false)) {
    return ParseOperators(path, value.AsDoc(), parts);
  }
  if (value.type() == bson::Type::kRegex) {
    ASSIGN_OR_RETURN(MatchNodePtr node, MakeRegex(path, value.AsRegex()));
    parts->push_back(std::move(node));
    return OkStatus();
  }
  if (value.type() == bson::Type::kUndefined) {
    return Error(ErrorCode::kBadValue, "cannot compare to undefined");
  }
  parts->push_back(MakeComparison(MatchKind::kEq, path, value, collator()));
  return OkStatus();
}

StatusOr<MatchNodePtr> MatchParser::ParseFilter(DocView filter, MatchLevel level) {
  std::vector<MatchNodePtr> parts;
  for (const bson::ElementView element : filter) {
    if (!element.name().starts_with('$')) {
      RETURN_IF_ERROR(ParsePath(element.name(), element.value(), &parts));
      continue;
    }
    const auto row = Operators().top.find(element.name());
    if (row == Operators().top.end()) {
      return Error(ErrorCode::kBadValue, StrCat("unknown top level operator: ", element.name()));
    }
    ASSIGN_OR_RETURN(MatchNodePtr node, row->second->parse(element, level, this));
    if (node != nullptr) {
      parts.push_back(std::move(node));
    }
  }
  return MakeAnd(std::move(parts));
}

StatusOr<std::unique_ptr<const Matcher>> Matcher::Parse(DocView filter,
                                                        const MatchOptions& options) {
  std::unique_ptr<Matcher> matcher(new Matcher());
  matcher->bytes_ = filter.ToBytes();
  ParseContext own;
  own.collator = options.collator;
  MatchParser parser(options, options.variables != nullptr ? options.variables : &own);
  ASSIGN_OR_RETURN(matcher->root_, parser.ParseFilter(matcher->filter(), MatchLevel::kTop));
  RETURN_IF_ERROR(CheckPlaces(*matcher->root_));
  return std::unique_ptr<const Matcher>(std::move(matcher));
}

}  // namespace septet::query
