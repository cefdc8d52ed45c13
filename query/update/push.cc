// SPDX-License-Identifier: Apache-2.0
// $push with $each, $position, $sort, $slice, and $addToSet with $each. A missing field is an empty
// array. Errors: BadValue, TypeMismatch. Proved by recorded_update_test (S03-045, S03-046,
// S05-086).
#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "bson/compare.h"
#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/update/parser.h"
#include "query/update/splice.h"

namespace septet::query {
namespace {

using bson::Type;

// How $sort orders: whole elements, or by fields.
struct PushSort {
  struct Key {
    bson::FieldPath path;
    bool descending;
  };
  bool whole = false;
  bool descending = false;
  std::vector<Key> keys;

  bool Less(ValueView a, ValueView b, const bson::StringComparator* collator) const {
    if (whole) {
      const int order = bson::Compare(a, b, collator);
      return descending ? order > 0 : order < 0;
    }
    for (const Key& key : keys) {
      const int order = bson::Compare(Field(a, key.path), Field(b, key.path), collator);
      if (order != 0) {
        return key.descending ? order > 0 : order < 0;
      }
    }
    return false;
  }

 private:
  static ValueView Field(ValueView v, const bson::FieldPath& path) {
    const ValueView field = v.is_object() ? bson::FindPath(v.AsDoc(), path) : ValueView();
    return field.missing() ? ValueView(Type::kNull, "") : field;
  }
};

struct PushSpec {
  std::vector<ValueView> values;
  std::optional<int64_t> position;
  std::optional<int64_t> slice;
  std::optional<PushSort> sort;
};

ValueView KeepArray(const std::vector<ValueView>& items, bson::Arena* arena) {
  ArenaArray array(arena);
  for (const ValueView v : items) {
    array.Add(v);
  }
  return array.Keep();
}

// The array with `values` behind it, and the diff that says so.
void AppendTo(ValueView array, const std::vector<ValueView>& values, UpdateRun* run, Edit* edit) {
  const DocView old = array.AsArray();
  const int64_t size = old.CountFields();
  bson::Arena* arena = run->arena;
  std::vector<FieldEdit> edits(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    edits[i].index = size + static_cast<int64_t>(i);
    edits[i].name = arena->Copy(std::to_string(edits[i].index));
    edits[i].edit.kind = Edit::Kind::kSet;
    edits[i].edit.value = values[i];
  }
  edit->kind = Edit::Kind::kModify;
  edit->value = ValueView(Type::kArray, SpliceArray(old, size, edits, arena).data());
  edit->diff = ArrayDiff(edits, arena);
}

class PushLeaf : public UpdateLeaf {
 public:
  PushLeaf(PushSpec spec, const bson::StringComparator* collator)
      : UpdateLeaf(Blocked::kCannotCreate), spec_(std::move(spec)), collator_(collator) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    if (!frame.current.is_array()) {
      return Error(
          ErrorCode::kBadValue,
          StrCat("The field '", frame.Text(), "' must be an array but is of type ",
                 bson::TypeName(frame.current.type()), " in document {", run->IdText(), "}"));
    }
    if (!spec_.position && !spec_.slice && !spec_.sort) {
      if (!spec_.values.empty()) {
        AppendTo(frame.current, spec_.values, run, edit);
      }
      return OkStatus();
    }
    std::vector<ValueView> items;
    for (const bson::ElementView e : frame.current.AsArray()) {
      items.push_back(e.value());
    }
    const ValueView result = Push(std::move(items), run->arena);
    if (!bson::Identical(frame.current, result)) {
      edit->kind = Edit::Kind::kSet;
      edit->value = result;
    }
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kSet;
    edit->value = Push({}, run->arena);
    return OkStatus();
  }

 private:
  ValueView Push(std::vector<ValueView> items, bson::Arena* arena) const {
    const auto size = static_cast<int64_t>(items.size());
    int64_t at = spec_.position.value_or(size);
    at = at < 0 ? std::max<int64_t>(0, size + at) : std::min(at, size);
    items.insert(items.begin() + at, spec_.values.begin(), spec_.values.end());
    if (spec_.sort) {
      std::stable_sort(items.begin(), items.end(), [this](ValueView a, ValueView b) {
        return spec_.sort->Less(a, b, collator_);
      });
    }
    if (spec_.slice) {
      const auto grown = static_cast<int64_t>(items.size());
      const int64_t keep = *spec_.slice == std::numeric_limits<int64_t>::min()
                               ? grown
                               : std::min(grown, *spec_.slice < 0 ? -*spec_.slice : *spec_.slice);
      if (*spec_.slice < 0) {
        items.erase(items.begin(), items.begin() + (grown - keep));
      } else {
        items.resize(static_cast<size_t>(keep));
      }
    }
    return KeepArray(items, arena);
  }

  PushSpec spec_;
  const bson::StringComparator* collator_;
};

class AddToSetLeaf : public UpdateLeaf {
 public:
  AddToSetLeaf(std::vector<ValueView> values, const bson::StringComparator* collator)
      : UpdateLeaf(Blocked::kCannotCreate), values_(std::move(values)), collator_(collator) {}

 protected:
  Status Change(UpdateRun* run, const PathFrame& frame, Edit* edit) const override {
    if (!frame.current.is_array()) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Cannot apply $addToSet to non-array field. Field named '", frame.name,
                          "' has non-array type ", bson::TypeName(frame.current.type())));
    }
    std::vector<ValueView> fresh;
    for (const ValueView v : values_) {
      if (!Contains(frame.current.AsArray(), v)) {
        fresh.push_back(v);
      }
    }
    if (!fresh.empty()) {
      AppendTo(frame.current, fresh, run, edit);
    }
    return OkStatus();
  }
  Status Create(UpdateRun* run, const PathFrame&, Edit* edit) const override {
    edit->kind = Edit::Kind::kSet;
    edit->value = KeepArray(values_, run->arena);
    return OkStatus();
  }

 private:
  bool Contains(DocView array, ValueView v) const {
    for (const bson::ElementView e : array) {
      if (bson::Equal(e.value(), v, collator_)) {
        return true;
      }
    }
    return false;
  }

  std::vector<ValueView> values_;  // without duplicates
  const bson::StringComparator* collator_;
};

StatusOr<bool> IsDescending(ValueView v, std::string_view error) {
  const auto direction = v.is_number() ? bson::ExactInt64(v) : std::nullopt;
  if (direction != 1 && direction != -1) {
    return Error(ErrorCode::kBadValue, error);
  }
  return *direction == -1;
}

StatusOr<PushSort> ParseSort(ValueView v) {
  PushSort sort;
  if (v.is_number()) {
    sort.whole = true;
    ASSIGN_OR_RETURN(sort.descending,
                     IsDescending(v, "The $sort element value must be either 1 or -1"));
    return sort;
  }
  if (!v.is_object()) {
    return Error(ErrorCode::kBadValue,
                 "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to "
                 "sort embedded fields");
  }
  if (v.AsDoc().empty()) {
    return Error(ErrorCode::kBadValue,
                 "The $sort pattern is empty when it should be a set of fields.");
  }
  for (const bson::ElementView e : v.AsDoc()) {
    if (e.name().empty()) {
      return Error(ErrorCode::kBadValue, "The $sort field cannot be empty");
    }
    const bson::FieldPath path(e.name());
    for (size_t i = 0; i < path.size(); ++i) {
      if (path.part(i).empty()) {
        return Error(ErrorCode::kBadValue,
                     StrCat("The $sort field is a dotted field but has an empty part: ", e.name()));
      }
    }
    ASSIGN_OR_RETURN(const bool descending,
                     IsDescending(e.value(), "The $sort element value must be either 1 or -1"));
    sort.keys.push_back({path, descending});
  }
  return sort;
}

Status ParseClause(bson::ElementView clause, PushSpec* spec) {
  const std::string_view name = clause.name();
  const ValueView v = clause.value();
  if (name == "$each") {
    if (!v.is_array()) {
      return Error(ErrorCode::kBadValue,
                   StrCat("The argument to $each in $push must be an array but it was of type: ",
                          bson::TypeName(v.type())));
    }
    for (const bson::ElementView e : v.AsArray()) {
      spec->values.push_back(e.value());
    }
    return OkStatus();
  }
  if (name == "$sort") {
    ASSIGN_OR_RETURN(spec->sort, ParseSort(v));
    return OkStatus();
  }
  const auto integer = v.is_number() ? bson::ExactInt64(v) : std::nullopt;
  if (name == "$slice") {
    if (!integer) {
      return Error(ErrorCode::kBadValue,
                   StrCat("The value for $slice must be an integer value but was given type: ",
                          bson::TypeName(v.type())));
    }
    spec->slice = integer;
    return OkStatus();
  }
  if (name == "$position") {
    if (!integer) {
      return Error(ErrorCode::kBadValue,
                   StrCat("The value for $position must be an integer value, not of type: ",
                          bson::TypeName(v.type())));
    }
    spec->position = integer;
    return OkStatus();
  }
  return Error(ErrorCode::kBadValue, StrCat("Unrecognized clause in $push: ", name));
}

Status ParsePush(bson::ElementView element, UpdateParser* parser) {
  PushSpec spec;
  const ValueView v = element.value();
  if (v.is_object() && v.AsDoc().Has("$each")) {
    for (const bson::ElementView clause : v.AsDoc()) {
      RETURN_IF_ERROR(ParseClause(clause, &spec));
    }
  } else {
    spec.values.push_back(v);
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<PushLeaf>(std::move(spec), parser->collator()));
}

Status ParseAddToSet(bson::ElementView element, UpdateParser* parser) {
  std::vector<ValueView> values;
  const auto add = [&](ValueView v) {
    for (const ValueView known : values) {
      if (bson::Equal(known, v, parser->collator())) {
        return;
      }
    }
    values.push_back(v);
  };
  const ValueView v = element.value();
  if (v.is_object() && !v.AsDoc().empty() && v.AsDoc().FirstElement().name() == "$each") {
    const ValueView each = v.AsDoc().FirstElement().value();
    if (!each.is_array()) {
      return Error(ErrorCode::kTypeMismatch,
                   StrCat("The argument to $each in $addToSet must be an array but it was of type ",
                          bson::TypeName(each.type())));
    }
    if (v.AsDoc().CountFields() > 1) {
      return Error(
          ErrorCode::kBadValue,
          StrCat("Found unexpected fields after $each in $addToSet: ", bson::ToShellText(v)));
    }
    for (const bson::ElementView e : each.AsArray()) {
      add(e.value());
    }
  } else {
    add(v);
  }
  return parser->AddLeaf(element.name(),
                         std::make_unique<AddToSetLeaf>(std::move(values), parser->collator()));
}

constexpr UpdateOperatorRow kRows[] = {{"$addToSet", ParseAddToSet}, {"$push", ParsePush}};

}  // namespace

std::span<const UpdateOperatorRow> PushUpdates() {
  return kRows;
}

}  // namespace septet::query
