// SPDX-License-Identifier: Apache-2.0
#include "query/update/parser.h"

#include <algorithm>
#include <unordered_map>

#include "bson/ejson.h"

#include "base/strings.h"
#include "query/update/forms.h"

namespace septet::query {

#define P_UPDATE_FAMILY(function) std::span<const UpdateOperatorRow> function();
#include "query/update/registry.def"
#undef P_UPDATE_FAMILY

namespace {

using OperatorTable = std::unordered_map<std::string_view, const UpdateOperatorRow*>;

// All rows by name; made on first use, immutable after.
const OperatorTable& Operators() {
  static const OperatorTable table = [] {
    OperatorTable t;
    const auto add = [&t](std::span<const UpdateOperatorRow> rows) {
      for (const UpdateOperatorRow& row : rows) {
        t.emplace(row.name, &row);
      }
    };
#define P_UPDATE_FAMILY(function) add(function());
#include "query/update/registry.def"
#undef P_UPDATE_FAMILY
    return t;
  }();
  return table;
}

bool IsArrayPart(std::string_view part) {
  return part.starts_with("$[") && part.ends_with(']');
}

std::string Conflict(std::string_view path, std::string_view at) {
  return StrCat("Updating the path '", path, "' would create a conflict at '", at, "'");
}

}  // namespace

bool UpdateParser::IsDynamic(std::string_view path) {
  const bson::FieldPath parts(path);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts.part(i) == "$" || IsArrayPart(parts.part(i))) {
      return true;
    }
  }
  return false;
}

Status UpdateParser::CheckPath(const bson::FieldPath& path) const {
  const std::string& text = path.text();
  if (text.empty()) {
    return Error(ErrorCode::kEmptyFieldName, "An empty update path is not valid.");
  }
  int positionals = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    const std::string_view part = path.part(i);
    if (part.empty()) {
      return Error(ErrorCode::kEmptyFieldName,
                   StrCat("The update path '", text,
                          "' contains an empty field name, which is not allowed."));
    }
    positionals += part == "$" ? 1 : 0;
    if (i == 0 && part == "$") {
      return Error(ErrorCode::kBadValue,
                   StrCat("Cannot have positional (i.e. '$') element in the first position in "
                          "path '",
                          text, "'"));
    }
    if (i == 0 && IsArrayPart(part)) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Cannot have array filter identifier (i.e. '$[<id>]') element in the "
                          "first position in path '",
                          text, "'"));
    }
  }
  if (positionals > 1) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Too many positional (i.e. '$') elements found in path '", text, "'"));
  }
  return OkStatus();
}

StatusOr<const ArrayFilter*> UpdateParser::FindFilter(std::string_view part,
                                                      std::string_view path) {
  const std::string_view id = part.substr(2, part.size() - 3);
  if (id.empty()) {
    return nullptr;
  }
  for (const auto& filter : tree_->filters) {
    if (filter->id == id) {
      filter->used = true;
      return filter.get();
    }
  }
  return Error(ErrorCode::kBadValue,
               StrCat("No array filter found for identifier '", id, "' in path '", path, "'"));
}

StatusOr<const UpdateNode**> UpdateParser::Slot(UpdateNode* node, std::string_view part,
                                                std::string_view path) {
  if (node->kind() == UpdateNode::Kind::kArray) {
    ASSIGN_OR_RETURN(const ArrayFilter* filter, FindFilter(part, path));
    auto& children = static_cast<ArrayUpdateNode*>(node)->children;
    for (ArrayUpdateNode::Child& child : children) {
      if (child.filter == filter) {
        return &child.node;
      }
    }
    children.push_back({filter, nullptr});
    return &children.back().node;
  }
  auto* object = static_cast<ObjectUpdateNode*>(node);
  if (part == "$") {
    tree_->positional = true;
    return &object->positional;
  }
  auto& children = object->children;
  const auto at = std::lower_bound(children.begin(), children.end(), part,
                                   [](const ObjectUpdateNode::Child& c, std::string_view name) {
                                     return NameOrder(c.name, name);
                                   });
  if (at != children.end() && at->name == part) {
    return &at->node;
  }
  return &children.insert(at, {std::string(part), nullptr})->node;
}

Status UpdateParser::AddLeaf(std::string_view text, std::unique_ptr<UpdateLeaf> leaf) {
  const bson::FieldPath path(text);
  RETURN_IF_ERROR(CheckPath(path));
  tree_->paths.emplace_back(text);
  UpdateNode* node = &tree_->root;
  std::string at;
  for (size_t i = 0; i < path.size(); ++i) {
    ASSIGN_OR_RETURN(const UpdateNode** slot, Slot(node, path.part(i), text));
    at = i == 0 ? std::string(path.part(0)) : StrCat(at, ".", path.part(i));
    const bool last = i + 1 == path.size();
    if (*slot == nullptr) {
      if (last) {
        *slot = Own(std::move(leaf));
      } else if (IsArrayPart(path.part(i + 1))) {
        *slot = Own(std::make_unique<ArrayUpdateNode>());
      } else {
        *slot = Own(std::make_unique<ObjectUpdateNode>());
      }
    } else {
      const UpdateNode::Kind wanted = last                            ? UpdateNode::Kind::kLeaf
                                      : IsArrayPart(path.part(i + 1)) ? UpdateNode::Kind::kArray
                                                                      : UpdateNode::Kind::kObject;
      if (last || (*slot)->kind() != wanted) {
        return Error(ErrorCode::kConflictingUpdateOperators, Conflict(text, at));
      }
    }
    node = const_cast<UpdateNode*>(*slot);  // made here, constant only once parsed
  }
  return OkStatus();
}

Status UpdateParser::Parse(DocView operators, const std::vector<DocView>& array_filters) {
  ASSIGN_OR_RETURN(tree_->filters, ParseArrayFilters(array_filters, options_));
  for (const bson::ElementView op : operators) {
    const auto row = Operators().find(op.name());
    if (row == Operators().end()) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("Unknown modifier: ", op.name(),
                          ". Expected a valid update modifier or pipeline-style update specified "
                          "as an array"));
    }
    if (!op.value().is_object()) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("Modifiers operate on fields but we found type ",
                          bson::TypeName(op.value().type()),
                          " instead. For example: {$mod: {<field>: ...}} not {", op.name(), ": ",
                          bson::ToShellText(op.value()), "}"));
    }
    for (const bson::ElementView element : op.value().AsDoc()) {
      const auto parts = std::count(element.name().begin(), element.name().end(), '.') + 1;
      RETURN_IF_ERROR(CheckDepth(element.value(), static_cast<int>(parts)));
      RETURN_IF_ERROR(row->second->parse(element, this));
    }
  }
  for (const auto& filter : tree_->filters) {
    if (!filter->used) {
      return Error(ErrorCode::kFailedToParse,
                   StrCat("The array filter for identifier '", filter->id,
                          "' was not used in the update ", bson::ToShellText(operators)));
    }
  }
  return OkStatus();
}

}  // namespace septet::query
