// SPDX-License-Identifier: Apache-2.0
// The tree an operator update is compiled to. All operators' paths are merged into one tree: object
// nodes with children by field name (names that are numbers in numeric order, others by their
// bytes), array nodes for $[] and $[id], and a leaf per operator. Applying a node to a value gives
// an Edit; the parent splices the edits of its children into its bytes and writes the replication
// diff beside. Thread rule: nodes are immutable after parsing; an UpdateRun belongs to one Apply.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bson/value.h"

#include "query/match/matcher.h"

namespace septet::query {

// One step on the way from the root to the value being changed; lives on the stack of the walk.
struct PathFrame {
  std::string_view name;
  const PathFrame* parent = nullptr;
  ValueView current;         // the value there, missing if it is to be created
  bool in_array = false;     // an element of an array
  std::string Text() const;  // "a.0.b"
  std::string_view root() const {
    const PathFrame* f = this;
    while (f->parent != nullptr) {
      f = f->parent;
    }
    return f->name;
  }
};

// What applying gives for one value.
struct Edit {
  enum class Kind : uint8_t {
    kKeep,    // unchanged, or not created
    kSet,     // the value is replaced (or created) as a whole
    kRemove,  // the field goes away
    kModify,  // the value is a changed object or array, `diff` says how
  };
  Kind kind = Kind::kKeep;
  ValueView value;  // kSet, kModify: in the arena, the update's bytes or the document
  DocView diff;     // kModify: in the arena
};

// Where a path cannot go on: `at` is neither an object nor an array with that element.
struct Barrier {
  std::string_view name;  // of the element that stops the path; empty for the root
  ValueView at;
};

struct UpdateRun {
  DocView doc;  // the document before
  const MatchDetails* match = nullptr;
  EvalContext* ctx = nullptr;
  bson::Arena* arena = nullptr;
  bool is_insert = false;
  bool guard_id = false;  // below an _id that must not change

  // "{_id: 1}" and "_id: 1" for error texts.
  std::string IdText() const;
};

class UpdateNode {
 public:
  enum class Kind { kObject, kArray, kLeaf };
  virtual ~UpdateNode() = default;
  Kind kind() const { return kind_; }
  // `frame.current` is the value to change, or missing.
  virtual Status Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const = 0;
  // The path is blocked above this node: `first_part` is the part that cannot be reached (empty:
  // this node's own child), `frame` the place this node would have. Leaves fail or do nothing.
  virtual Status Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
                       std::string_view first_part) const = 0;

 protected:
  explicit UpdateNode(Kind kind) : kind_(kind) {}

 private:
  Kind kind_;
};

// How a leaf answers a path that cannot be reached.
enum class Blocked { kCannotCreate, kCannotTraverse, kIgnore };

// An operator at the end of a path.
class UpdateLeaf : public UpdateNode {
 public:
  Status Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const final;
  Status Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
               std::string_view first_part) const final;

 protected:
  explicit UpdateLeaf(Blocked blocked) : UpdateNode(Kind::kLeaf), blocked_(blocked) {}
  // frame.current is present.
  virtual Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const = 0;
  // The field is missing; leaving `edit` alone creates nothing.
  virtual Status Create(UpdateRun* run, const PathFrame& frame, Edit* edit) const = 0;
  // A last chance to do nothing about a blocked path.
  virtual Status OnBlocked(const UpdateRun& run, bool* ignore) const;

 private:
  Blocked blocked_;
};

class NodeMerger;

class ObjectUpdateNode : public UpdateNode {
 public:
  struct Child {
    std::string name;
    const UpdateNode* node;
  };
  ObjectUpdateNode() : UpdateNode(Kind::kObject) {}
  Status Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const override;
  Status Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
               std::string_view first_part) const override;
  // The root: the new document goes to *out (if anything changed), its diff to *edit.
  Status ApplyToDocument(UpdateRun* run, Edit* edit, std::string* out) const;

  std::vector<Child> children;             // sorted by NameOrder
  const UpdateNode* positional = nullptr;  // below `$`; never at the root

 private:
  // This node with the child below `$` under the index that matched.
  StatusOr<const ObjectUpdateNode*> ResolvePositional(const UpdateRun& run, const PathFrame& frame,
                                                      NodeMerger* merger) const;
  Status ApplyToObject(UpdateRun* run, const PathFrame* frame, DocView doc, Edit* edit,
                       std::string* out) const;
  Status ApplyToArray(UpdateRun* run, const PathFrame& frame, Edit* edit) const;
};

// Order of field names in an update: both numbers by value, else by bytes.
bool NameOrder(std::string_view a, std::string_view b);

// An array filter: {"id.k": 2} names the elements $[id] stands for.
struct ArrayFilter {
  std::string id;
  std::unique_ptr<const Matcher> matcher;
  bool used = false;  // while parsing
};

class ArrayUpdateNode : public UpdateNode {
 public:
  struct Child {
    const ArrayFilter* filter;  // null: $[]
    const UpdateNode* node;
  };
  ArrayUpdateNode() : UpdateNode(Kind::kArray) {}
  Status Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const override;
  Status Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
               std::string_view first_part) const override;

  std::vector<Child> children;
};

// Nodes merged while applying (an element that `$` and its own index name, or several array
// filters); owns what it makes. Error: ConflictingUpdateOperators if a leaf meets anything.
class NodeMerger {
 public:
  StatusOr<const UpdateNode*> Merge(const UpdateNode* a, const UpdateNode* b,
                                    const PathFrame& frame);

 private:
  StatusOr<const UpdateNode*> MergeObjects(const ObjectUpdateNode& a, const ObjectUpdateNode& b,
                                           const PathFrame& frame);
  std::vector<std::unique_ptr<UpdateNode>> made_;
};

}  // namespace septet::query
