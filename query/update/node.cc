// SPDX-License-Identifier: Apache-2.0
#include "query/update/node.h"

#include <algorithm>
#include <new>
#include <optional>
#include <span>

#include "bson/ejson.h"

#include "base/strings.h"
#include "query/update/splice.h"

namespace septet::query {
namespace {

constexpr int64_t kMaxPadding = 1'500'000;

// Room for `n` edits in the arena.
std::span<FieldEdit> NewEdits(bson::Arena* arena, size_t n) {
  static_assert(std::is_trivially_destructible_v<FieldEdit>);
  char* bytes = arena->Allocate(n * sizeof(FieldEdit));
  auto* edits = reinterpret_cast<FieldEdit*>(bytes);
  for (size_t i = 0; i < n; ++i) {
    new (edits + i) FieldEdit();
  }
  return {edits, n};
}

std::string_view NameOf(int64_t index, bson::Arena* arena) {
  return arena->Copy(std::to_string(index));
}

// A name that documents may not store: `$` in front, but for the fields of a DBRef.
bool IsForbiddenName(std::string_view name) {
  return name.starts_with('$') && name != "$ref" && name != "$id" && name != "$db";
}

// The element of that index, or one without bytes.
std::optional<bson::ElementView> ElementAt(DocView array, int64_t index) {
  int64_t i = 0;
  for (const bson::ElementView e : array) {
    if (i++ == index) {
      return e;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string PathFrame::Text() const {
  return parent == nullptr ? std::string(name) : StrCat(parent->Text(), ".", name);
}

std::string UpdateRun::IdText() const {
  const ValueView id = doc["_id"];
  return id.missing() ? std::string("no id") : StrCat("_id: ", bson::ToShellText(id));
}

bool NameOrder(std::string_view a, std::string_view b) {
  const int64_t left = bson::ArrayIndex(a);
  const int64_t right = bson::ArrayIndex(b);
  return left >= 0 && right >= 0 ? left < right : a < b;
}

Status UpdateLeaf::Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const {
  RETURN_IF_ERROR(frame.current.missing() ? Create(run, frame, edit) : Change(run, frame, edit));
  if (run->guard_id && edit->kind != Edit::Kind::kKeep) [[unlikely]] {
    return Error(ErrorCode::kImmutableField,
                 StrCat("Performing an update on the path '", frame.Text(),
                        "' would modify the immutable field '_id'"));
  }
  return OkStatus();
}

Status UpdateLeaf::OnBlocked(const UpdateRun&, bool*) const {
  return OkStatus();
}

Status UpdateLeaf::Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
                         std::string_view first_part) const {
  bool ignore = blocked_ == Blocked::kIgnore;
  if (!ignore) {
    RETURN_IF_ERROR(OnBlocked(*run, &ignore));
  }
  if (ignore) {
    return OkStatus();
  }
  const std::string element = StrCat("{", barrier.name, ": ", bson::ToShellText(barrier.at), "}");
  if (blocked_ == Blocked::kCannotCreate) {
    return Error(ErrorCode::kPathNotViable,
                 StrCat("Cannot create field '", first_part, "' in element ", element));
  }
  return Error(ErrorCode::kPathNotViable,
               StrCat("Cannot use the part (", first_part, ") of (", frame.Text(),
                      ") to traverse the element (", element, ")"));
}

StatusOr<const ObjectUpdateNode*> ObjectUpdateNode::ResolvePositional(const UpdateRun& run,
                                                                      const PathFrame& frame,
                                                                      NodeMerger* merger) const {
  if (run.match == nullptr || run.match->array_index < 0) {
    return Error(ErrorCode::kBadValue,
                 "The positional operator did not find the match needed from the query.");
  }
  ObjectUpdateNode named;
  named.children.push_back({std::to_string(run.match->array_index), positional});
  ObjectUpdateNode plain;
  plain.children = children;
  ASSIGN_OR_RETURN(const UpdateNode* merged, merger->Merge(&plain, &named, frame));
  return static_cast<const ObjectUpdateNode*>(merged);
}

Status ObjectUpdateNode::Block(UpdateRun* run, const PathFrame& frame, const Barrier& barrier,
                               std::string_view first_part) const {
  if (positional != nullptr) [[unlikely]] {
    NodeMerger merger;
    ASSIGN_OR_RETURN(const ObjectUpdateNode* node, ResolvePositional(*run, frame, &merger));
    return node->Block(run, frame, barrier, first_part);
  }
  for (const Child& child : children) {
    const PathFrame below{child.name, &frame, {}, false};
    RETURN_IF_ERROR(child.node->Block(
        run, below, barrier, first_part.empty() ? std::string_view(child.name) : first_part));
  }
  return OkStatus();
}

Status ObjectUpdateNode::ApplyToDocument(UpdateRun* run, Edit* edit, std::string* out) const {
  return ApplyToObject(run, nullptr, run->doc, edit, out);
}

Status ObjectUpdateNode::Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const {
  if (positional != nullptr) [[unlikely]] {
    NodeMerger merger;
    ASSIGN_OR_RETURN(const ObjectUpdateNode* node, ResolvePositional(*run, frame, &merger));
    // The names of the merged node must outlive the merger: the edit holds copies only.
    return node->Apply(run, frame, edit);
  }
  if (frame.current.is_object()) {
    return ApplyToObject(run, &frame, frame.current.AsDoc(), edit, nullptr);
  }
  if (frame.current.is_array()) {
    return ApplyToArray(run, frame, edit);
  }
  if (frame.current.missing()) {
    RETURN_IF_ERROR(ApplyToObject(run, &frame, DocView(), edit, nullptr));
    if (edit->kind != Edit::Kind::kKeep) {
      edit->kind = Edit::Kind::kSet;
    }
    return OkStatus();
  }
  return Block(run, frame, {frame.name, frame.current}, "");
}

Status ObjectUpdateNode::ApplyToObject(UpdateRun* run, const PathFrame* frame, DocView doc,
                                       Edit* edit, std::string* out) const {
  const std::span<FieldEdit> edits = NewEdits(run->arena, children.size());
  size_t n = 0;
  for (const Child& child : children) {
    FieldEdit& e = edits[n++];
    e.name = child.name;
    e.current = doc.Find(child.name);
    const bool guard = frame == nullptr && child.name == "_id" && !e.current.missing();
    run->guard_id = run->guard_id || guard;
    RETURN_IF_ERROR(child.node->Apply(run, {child.name, frame, e.current, false}, &e.edit));
    run->guard_id = run->guard_id && !guard;
    if (e.current.missing() && e.edit.kind == Edit::Kind::kSet && IsForbiddenName(child.name))
        [[unlikely]] {
      const std::string path = PathFrame{child.name, frame, {}, false}.Text();
      return Error(ErrorCode::kDollarPrefixedFieldName,
                   StrCat("The dollar ($) prefixed field '", child.name, "' in '", path,
                          "' is not valid for storage."));
    }
  }
  if (!AnyChange(edits)) {
    return OkStatus();
  }
  edit->kind = Edit::Kind::kModify;
  edit->value = ValueView(bson::Type::kObject, SpliceObject(doc, edits, run->arena, out).data());
  edit->diff = ObjectDiff(edits, run->arena);
  return OkStatus();
}

Status ObjectUpdateNode::ApplyToArray(UpdateRun* run, const PathFrame& frame, Edit* edit) const {
  const DocView array = frame.current.AsArray();
  const int64_t size = array.CountFields();
  const std::span<FieldEdit> edits = NewEdits(run->arena, children.size());
  size_t n = 0;
  for (const Child& child : children) {
    const int64_t index = bson::ArrayIndex(child.name);
    if (index < 0) {
      const PathFrame below{child.name, &frame, {}, false};
      RETURN_IF_ERROR(child.node->Block(run, below, {frame.name, frame.current}, child.name));
      continue;
    }
    FieldEdit& e = edits[n++];
    const std::optional<bson::ElementView> element = ElementAt(array, index);
    e.name = element ? element->name() : std::string_view(child.name);
    e.index = index;
    e.current = element ? element->value() : ValueView();
    RETURN_IF_ERROR(child.node->Apply(run, {child.name, &frame, e.current, true}, &e.edit));
    if (e.current.missing() && e.edit.kind == Edit::Kind::kSet && index - size > kMaxPadding) {
      return Error(ErrorCode::kCannotBackfillArray,
                   StrCat("can't backfill more than ", kMaxPadding, " elements"));
    }
  }
  const std::span<const FieldEdit> made = edits.first(n);
  if (!AnyChange(made)) {
    return OkStatus();
  }
  edit->kind = Edit::Kind::kModify;
  edit->value = ValueView(bson::Type::kArray, SpliceArray(array, size, made, run->arena).data());
  edit->diff = ArrayDiff(made, run->arena);
  return OkStatus();
}

Status ArrayUpdateNode::Block(UpdateRun*, const PathFrame& frame, const Barrier&,
                              std::string_view) const {
  return Error(ErrorCode::kBadValue,
               StrCat("The path '", frame.Text(),
                      "' must exist in the document in order to apply array updates."));
}

Status ArrayUpdateNode::Apply(UpdateRun* run, const PathFrame& frame, Edit* edit) const {
  if (frame.current.missing()) {
    return Block(run, frame, {}, "");
  }
  if (!frame.current.is_array()) {
    return Error(ErrorCode::kBadValue, StrCat("Cannot apply array updates to non-array element ",
                                              frame.name, ": ", bson::ToShellText(frame.current)));
  }
  const DocView array = frame.current.AsArray();
  const int64_t size = array.CountFields();
  const std::span<FieldEdit> edits = NewEdits(run->arena, static_cast<size_t>(size));
  NodeMerger merger;
  size_t n = 0;
  int64_t index = -1;
  for (const bson::ElementView element : array) {
    ++index;
    const PathFrame below{NameOf(index, run->arena), &frame, element.value(), true};
    const UpdateNode* node = nullptr;
    for (const Child& child : children) {
      if (child.filter != nullptr) {
        bson::DocBuilder wrapped;
        wrapped.Append(child.filter->id, element.value());
        const std::string doc = wrapped.Finish();
        ASSIGN_OR_RETURN(const bool matches,
                         child.filter->matcher->Matches(DocView(doc), run->ctx));
        if (!matches) {
          continue;
        }
      }
      ASSIGN_OR_RETURN(node, merger.Merge(node, child.node, below));
    }
    if (node == nullptr) {
      continue;
    }
    FieldEdit& e = edits[n++];
    e.name = element.name();
    e.index = index;
    e.current = element.value();
    RETURN_IF_ERROR(node->Apply(run, below, &e.edit));
  }
  const std::span<const FieldEdit> made = edits.first(n);
  if (!AnyChange(made)) {
    return OkStatus();
  }
  edit->kind = Edit::Kind::kModify;
  edit->value = ValueView(bson::Type::kArray, SpliceArray(array, size, made, run->arena).data());
  edit->diff = ArrayDiff(made, run->arena);
  return OkStatus();
}

StatusOr<const UpdateNode*> NodeMerger::Merge(const UpdateNode* a, const UpdateNode* b,
                                              const PathFrame& frame) {
  if (a == nullptr || b == nullptr) {
    return a == nullptr ? b : a;
  }
  if (a->kind() != b->kind() || a->kind() == UpdateNode::Kind::kLeaf) {
    const std::string path = frame.Text();
    return Error(ErrorCode::kConflictingUpdateOperators,
                 StrCat("Update created a conflict at '", path, "'"));
  }
  if (a->kind() == UpdateNode::Kind::kObject) {
    return MergeObjects(static_cast<const ObjectUpdateNode&>(*a),
                        static_cast<const ObjectUpdateNode&>(*b), frame);
  }
  auto merged = std::make_unique<ArrayUpdateNode>();
  merged->children = static_cast<const ArrayUpdateNode*>(a)->children;
  for (const ArrayUpdateNode::Child& child : static_cast<const ArrayUpdateNode*>(b)->children) {
    merged->children.push_back(child);
  }
  made_.push_back(std::move(merged));
  return made_.back().get();
}

StatusOr<const UpdateNode*> NodeMerger::MergeObjects(const ObjectUpdateNode& a,
                                                     const ObjectUpdateNode& b,
                                                     const PathFrame& frame) {
  auto merged = std::make_unique<ObjectUpdateNode>();
  merged->children = a.children;
  for (const ObjectUpdateNode::Child& child : b.children) {
    const auto at = std::lower_bound(
        merged->children.begin(), merged->children.end(), child.name,
        [](const ObjectUpdateNode::Child& c, std::string_view n) { return NameOrder(c.name, n); });
    if (at != merged->children.end() && at->name == child.name) {
      ASSIGN_OR_RETURN(at->node, Merge(at->node, child.node, {child.name, &frame, {}, false}));
    } else {
      merged->children.insert(at, child);
    }
  }
  ASSIGN_OR_RETURN(merged->positional, Merge(a.positional, b.positional, {"$", &frame, {}, false}));
  made_.push_back(std::move(merged));
  return made_.back().get();
}

}  // namespace septet::query
