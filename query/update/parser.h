// SPDX-License-Identifier: Apache-2.0
// The frame of the parser of operator updates: merges the paths of all operators into one tree and
// hands each {path: operand} to the operator's row. A family of operators is one file that defines
// the function registry.def names.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/update/node.h"
#include "query/update/update.h"

namespace septet::query {

class UpdateParser;

struct UpdateOperatorRow {
  std::string_view name;
  // Adds the leaves of {path: operand}. `element` lives as long as the update.
  Status (*parse)(bson::ElementView element, UpdateParser* parser);
};

// What parsing an operator document gives.
struct UpdateTree {
  ObjectUpdateNode root;
  std::vector<std::unique_ptr<UpdateNode>> nodes;
  std::vector<std::unique_ptr<ArrayFilter>> filters;
  std::vector<std::string> paths;  // of all leaves
  bool positional = false;
};

class UpdateParser {
 public:
  UpdateParser(const UpdateOptions& options, UpdateTree* tree) : options_(options), tree_(tree) {}

  const UpdateOptions& options() const { return options_; }
  const bson::StringComparator* collator() const { return options_.collator; }

  // {$set: {...}, ...}. Errors: FailedToParse, EmptyFieldName, ConflictingUpdateOperators, ...
  Status Parse(DocView operators, const std::vector<DocView>& array_filters);
  // Puts a leaf at the end of a path.
  Status AddLeaf(std::string_view path, std::unique_ptr<UpdateLeaf> leaf);
  // `$`, $[] or $[id] in the path?
  static bool IsDynamic(std::string_view path);

 private:
  Status CheckPath(const bson::FieldPath& path) const;
  StatusOr<const ArrayFilter*> FindFilter(std::string_view part, std::string_view path);
  // The slot of one part below `node`, made if it is not there.
  StatusOr<const UpdateNode**> Slot(UpdateNode* node, std::string_view part, std::string_view path);
  template <typename T>
  T* Own(std::unique_ptr<T> node) {
    T* raw = node.get();
    tree_->nodes.push_back(std::move(node));
    return raw;
  }

  const UpdateOptions& options_;
  UpdateTree* tree_;
};

// Array filters: each names one identifier. Errors: FailedToParse, BadValue.
StatusOr<std::vector<std::unique_ptr<ArrayFilter>>> ParseArrayFilters(
    const std::vector<DocView>& filters, const UpdateOptions& options);

}  // namespace septet::query
