// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "query/projection/tree.h"

namespace septet::query {
namespace {

using bson::DocBuilder;
using bson::ElementView;
using Kind = ProjectionField::Kind;

// One application of a tree to a document.
class Applier {
 public:
  Applier(ProjectionMode mode, DocView root, EvalContext* ctx, const MatchDetails* match,
          DocBuilder* out)
      : mode_(mode), root_(root), ctx_(ctx), match_(match), out_(out) {}

  Status Object(const ProjectionNode& node, DocView doc) {
    for (const ElementView e : doc) {
      const ProjectionField* field = node.Find(e.name());
      if (field != nullptr) {
        RETURN_IF_ERROR(Field(*field, e));
      } else if (mode_ != ProjectionMode::kInclude) {
        out_->Append(e);
      }
    }
    return node.has_computed ? AddComputed(node, doc) : OkStatus();
  }

  // The _id of an inclusion if it is computed: in front.
  Status ComputedId(const ProjectionNode& root) {
    const ProjectionField* id = root.Find("_id");
    return id != nullptr && id->kind == Kind::kComputed ? Compute(*id) : OkStatus();
  }

 private:
  bool drops_scalars(const ProjectionNode& node) const {
    return mode_ == ProjectionMode::kInclude && !node.has_computed;
  }
  bool is_front_id(const ProjectionNode& node, const ProjectionField& field) const {
    return mode_ == ProjectionMode::kInclude && field.name == "_id" && &node == front_;
  }

  Status Field(const ProjectionField& field, ElementView e) {
    switch (field.kind) {
      case Kind::kPlain:
        if (mode_ == ProjectionMode::kInclude) {
          return Included(field, e);
        }
        return OkStatus();
      case Kind::kBelow:
        return Below(field, e);
      case Kind::kComputed:
        return mode_ == ProjectionMode::kAdd ? Compute(field) : OkStatus();
      case Kind::kSlice:
        Slice(field, e);
        return OkStatus();
      case Kind::kElemMatch:
        return ElemMatch(field, e);
    }
    return OkStatus();
  }

  Status Included(const ProjectionField& field, ElementView e) {
    if (!field.positional || !e.value().is_array()) {
      out_->Append(e);
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const ValueView item, MatchedElement(e.value().AsArray()));
    const auto scope = out_->Array(e.name());
    out_->Add(item);
    return OkStatus();
  }

  StatusOr<ValueView> MatchedElement(DocView array) const {
    if (match_ == nullptr || match_->array_index < 0) {
      return Error(51246, "positional operator '.$' couldn't find a matching element in the array");
    }
    int64_t i = 0;
    for (const ElementView e : array) {
      if (i++ == match_->array_index) {
        return e.value();
      }
    }
    return Error(51247, "positional operator '.$' element mismatch");
  }

  Status Below(const ProjectionField& field, ElementView e) {
    const ProjectionNode& node = *field.below;
    const ValueView v = e.value();
    if (v.is_object()) {
      const auto scope = out_->Object(e.name());
      return Object(node, v.AsDoc());
    }
    if (v.is_array()) {
      const auto scope = out_->Array(e.name());
      if (field.positional) {
        ASSIGN_OR_RETURN(const ValueView item, MatchedElement(v.AsArray()));
        return Item(node, item);
      }
      return Items(node, v.AsArray());
    }
    if (mode_ == ProjectionMode::kExclude) {
      out_->Append(e);
    } else if (!drops_scalars(node)) {
      const auto scope = out_->Object(e.name());
      return Object(node, DocView());
    }
    return OkStatus();
  }

  Status Items(const ProjectionNode& node, DocView array) {
    for (const ElementView e : array) {
      RETURN_IF_ERROR(Item(node, e.value()));
    }
    return OkStatus();
  }

  Status Item(const ProjectionNode& node, ValueView v) {
    if (v.is_object()) {
      const auto scope = out_->AddObject();
      return Object(node, v.AsDoc());
    }
    if (v.is_array()) {
      const auto scope = out_->AddArray();
      return Items(node, v.AsArray());
    }
    if (mode_ == ProjectionMode::kExclude) {
      out_->Add(v);
    } else if (!drops_scalars(node)) {
      const auto scope = out_->AddObject();
      return Object(node, DocView());
    }
    return OkStatus();
  }

  void Slice(const ProjectionField& field, ElementView e) {
    if (!e.value().is_array()) {
      out_->Append(e);
      return;
    }
    const DocView array = e.value().AsArray();
    const auto size = static_cast<int64_t>(array.CountFields());
    const int64_t first = field.skip < 0 ? std::max<int64_t>(0, size + field.skip) : field.skip;
    const int64_t end = std::min(size, first + field.limit);
    const auto scope = out_->Array(e.name());
    int64_t i = 0;
    for (const ElementView item : array) {
      if (i >= end) {
        break;
      }
      if (i >= first) {
        out_->Add(item.value());
      }
      ++i;
    }
  }

  Status ElemMatch(const ProjectionField& field, ElementView e) {
    if (!e.value().is_array()) {
      return OkStatus();
    }
    MatchDetails details;
    ASSIGN_OR_RETURN(const bool matched, field.matcher->Matches(root_, ctx_, &details));
    if (!matched) {
      return OkStatus();
    }
    int64_t i = 0;
    for (const ElementView item : e.value().AsArray()) {
      if (i++ == details.array_index) {
        const auto scope = out_->Array(e.name());
        out_->Add(item.value());
        break;
      }
    }
    return OkStatus();
  }

  Status Compute(const ProjectionField& field) {
    ASSIGN_OR_RETURN(const ValueView v, field.expression->Evaluate(ctx_));
    out_->Append(field.name, v);
    return OkStatus();
  }

  // Computed fields that were not met in the document, in the order of the specification.
  Status AddComputed(const ProjectionNode& node, DocView doc) {
    for (const ProjectionField& field : node.fields) {
      if (field.kind == Kind::kComputed) {
        const bool done =
            is_front_id(node, field) || (mode_ == ProjectionMode::kAdd && doc.Has(field.name));
        if (!done) {
          RETURN_IF_ERROR(Compute(field));
        }
      } else if (field.below && field.below->has_computed && !doc.Has(field.name)) {
        const auto scope = out_->Object(field.name);
        RETURN_IF_ERROR(Object(*field.below, DocView()));
      }
    }
    return OkStatus();
  }

  ProjectionMode mode_;
  DocView root_;
  EvalContext* ctx_;
  const MatchDetails* match_;
  DocBuilder* out_;

 public:
  const ProjectionNode* front_ = nullptr;  // the root, whose computed _id stands in front
};

void AppendFlags(const ProjectionNode& node, bool include, DocBuilder* out) {
  for (const ProjectionField& field : node.fields) {
    switch (field.kind) {
      case Kind::kBelow: {
        const auto scope = out->Object(field.name);
        AppendFlags(*field.below, include, out);
        break;
      }
      case Kind::kComputed:
        field.expression->Serialize(field.name, out);
        break;
      default:
        out->Append(field.name, include);
        break;
    }
  }
}

void CollectPaths(const ProjectionNode& node, const std::string& prefix, bool plain_only,
                  std::vector<std::string>* paths, bool* whole_document) {
  for (const ProjectionField& field : node.fields) {
    const std::string path = prefix.empty() ? field.name : prefix + "." + field.name;
    if (field.below) {
      CollectPaths(*field.below, path, plain_only, paths, whole_document);
    } else if (field.kind == Kind::kComputed) {
      if (!plain_only) {
        field.expression->Dependencies(paths, whole_document);
      }
    } else {
      paths->push_back(path);
    }
  }
}

}  // namespace

Status TreeProjection::Apply(DocView doc, EvalContext* ctx, const MatchDetails* match,
                             const RowMetadata* metadata, std::string* out) const {
  DocBuilder builder(out);
  const RowMetadata* const outer = ctx != nullptr ? ctx->metadata : nullptr;
  if (metadata != nullptr && ctx != nullptr) {
    ctx->metadata = metadata;
  }
  Applier applier(tree_.mode, doc, ctx, match, &builder);
  Status status;
  if (tree_.mode == ProjectionMode::kInclude && tree_.root.has_computed) {
    applier.front_ = &tree_.root;
    status = applier.ComputedId(tree_.root);
  }
  if (status.ok()) {
    status = applier.Object(tree_.root, doc);
  }
  if (ctx != nullptr) {
    ctx->metadata = outer;
  }
  builder.Seal();
  return status;
}

bool TreeProjection::IsSimple() const {
  return tree_.mode != ProjectionMode::kAdd && !tree_.positional &&
         std::all_of(tree_.root.fields.begin(), tree_.root.fields.end(),
                     [](const ProjectionField& f) { return f.kind == Kind::kPlain; });
}

std::vector<std::string> TreeProjection::IncludedPaths() const {
  std::vector<std::string> paths;
  if (tree_.mode == ProjectionMode::kInclude) {
    bool whole = false;
    CollectPaths(tree_.root, "", true, &paths, &whole);
  }
  return paths;
}

void TreeProjection::Dependencies(std::vector<std::string>* paths, bool* whole_document) const {
  if (tree_.mode != ProjectionMode::kInclude) {
    *whole_document = true;
    return;
  }
  CollectPaths(tree_.root, "", false, paths, whole_document);
}

void TreeProjection::Serialize(DocBuilder* out) const {
  if (tree_.policy == ProjectionPolicy::kFind) {
    out->AppendAll(DocView(tree_.spec));
    return;
  }
  AppendFlags(tree_.root, tree_.mode == ProjectionMode::kInclude, out);
  if (tree_.mode == ProjectionMode::kInclude && tree_.id_excluded) {
    out->Append("_id", false);
  }
}

}  // namespace septet::query
