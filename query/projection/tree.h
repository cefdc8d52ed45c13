// SPDX-License-Identifier: Apache-2.0
// A compiled projection: a tree of fields by name and what becomes of each. Used by parse.cc and
// apply.cc. Thread rule: immutable after parsing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/projection/projection.h"

namespace septet::query {

enum class ProjectionMode {
  kInclude,  // what is not named goes away
  kExclude,  // what is not named stays, plain fields go away
  kAdd,      // all stays, computed fields are set
};

struct ProjectionNode;

struct ProjectionField {
  enum class Kind {
    kPlain,      // included or excluded
    kBelow,      // fields below it are named
    kComputed,   // an expression
    kSlice,      // find's {$slice: ...}
    kElemMatch,  // find's {$elemMatch: ...}
  };
  std::string name;
  Kind kind = Kind::kPlain;
  bool positional = false;  // on the path of `$`: of the first array only the matched element stays
  std::unique_ptr<ProjectionNode> below;
  ExpressionPtr expression;
  bool is_meta = false;  // the expression is {$meta: ...}
  int64_t skip = 0;      // kSlice; negative: from the end
  int64_t limit = 0;
  std::unique_ptr<const Matcher> matcher;  // kElemMatch: {name: {$elemMatch: ...}}
};

struct ProjectionNode {
  std::vector<ProjectionField> fields;  // in the order of the specification
  bool has_computed = false;            // here or below

  const ProjectionField* Find(std::string_view name) const {
    for (const ProjectionField& field : fields) {
      if (field.name == name) {
        return &field;
      }
    }
    return nullptr;
  }
};

struct ProjectionTree {
  ProjectionMode mode = ProjectionMode::kExclude;
  ProjectionPolicy policy = ProjectionPolicy::kFind;
  ProjectionNode root;
  bool positional = false;
  bool id_excluded = false;
  std::string spec;  // as given, for explain of find
};

// Parses into a tree; see ParseProjection for the errors.
StatusOr<ProjectionTree> ParseProjectionTree(DocView spec, ProjectionPolicy policy,
                                             ParseContext* ctx);

// Applies a tree.
class TreeProjection final : public Projection {
 public:
  explicit TreeProjection(ProjectionTree tree) : tree_(std::move(tree)) {}
  Status Apply(DocView doc, EvalContext* ctx, const MatchDetails* match,
               const RowMetadata* metadata, std::string* out) const override;
  bool is_inclusion() const override { return tree_.mode == ProjectionMode::kInclude; }
  bool IsSimple() const override;
  std::vector<std::string> IncludedPaths() const override;
  bool NeedsMatchDetails() const override { return tree_.positional; }
  void Dependencies(std::vector<std::string>* paths, bool* whole_document) const override;
  void Serialize(bson::DocBuilder* out) const override;

 private:
  ProjectionTree tree_;
};

}  // namespace septet::query
