// SPDX-License-Identifier: Apache-2.0
// The replication format of a change: an object's diff has the sections d (removed), u (changed in
// place), i (appended), s<name> (diff of an object or array below); an array's has a: true, l (new
// length), u<index>, s<index>. Applying a diff twice gives the same document. Source: docs,
// "Oplog"; observed on servers 5.0 and later.
#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "bson/builder.h"
#include "bson/compare.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/update/update.h"

namespace septet::query {
namespace {

using bson::DocBuilder;
using bson::ElementView;
using bson::Type;

Status Malformed(std::string_view what) {
  return Error(ErrorCode::kFailedToParse, StrCat("malformed update diff: ", what));
}

Status ApplyObject(DocView doc, DocView diff, DocBuilder* out);
Status ApplyArray(DocView array, DocView diff, DocBuilder* out);

bool IsArrayDiff(DocView diff) {
  return !diff.empty() && diff.FirstElement().name() == "a";
}

// Appends `current` under `name` with a diff applied; a value of another shape is replaced by what
// the diff makes of an empty one.
Status ApplyBelow(std::string_view name, ValueView current, DocView diff, DocBuilder* out) {
  if (IsArrayDiff(diff)) {
    const auto scope = out->Array(name);
    return ApplyArray(current.is_array() ? current.AsArray() : DocView(), diff, out);
  }
  const auto scope = out->Object(name);
  return ApplyObject(current.is_object() ? current.AsDoc() : DocView(), diff, out);
}

struct ObjectSections {
  DocView removed;
  DocView updated;
  DocView inserted;
  std::unordered_map<std::string_view, DocView> below;
};

Status ReadSections(DocView diff, ObjectSections* s) {
  for (const ElementView e : diff) {
    if (!e.value().is_object()) {
      return Malformed(StrCat("section '", e.name(), "' is no object"));
    }
    const DocView section = e.value().AsDoc();
    if (e.name() == "d") {
      s->removed = section;
    } else if (e.name() == "u") {
      s->updated = section;
    } else if (e.name() == "i") {
      s->inserted = section;
    } else if (e.name().starts_with('s')) {
      s->below.emplace(e.name().substr(1), section);
    } else {
      return Malformed(StrCat("unknown section '", e.name(), "'"));
    }
  }
  return OkStatus();
}

Status ApplyObject(DocView doc, DocView diff, DocBuilder* out) {
  ObjectSections s;
  RETURN_IF_ERROR(ReadSections(diff, &s));
  for (const ElementView e : doc) {
    const std::string_view name = e.name();
    if (s.removed.Has(name) || s.inserted.Has(name)) {
      continue;
    }
    if (const ValueView v = s.updated.Find(name); !v.missing()) {
      out->Append(name, v);
    } else if (const auto below = s.below.find(name); below != s.below.end()) {
      RETURN_IF_ERROR(ApplyBelow(name, e.value(), below->second, out));
    } else {
      out->Append(e);
    }
  }
  for (const ElementView e : s.updated) {
    if (!doc.Has(e.name())) {
      out->Append(e);
    }
  }
  for (const ElementView e : s.inserted) {
    out->Append(e);
  }
  return OkStatus();
}

struct ArrayChange {
  ValueView value;  // u<index>
  DocView diff;     // s<index>
  bool is_diff = false;
};

Status ReadArrayDiff(DocView diff, int64_t* length, std::map<int64_t, ArrayChange>* changes) {
  for (const ElementView e : diff) {
    const std::string_view name = e.name();
    if (name == "a") {
      continue;
    }
    if (name == "l") {
      *length = e.value().is_number() ? bson::ExactInt64(e.value()).value_or(-1) : -1;
      if (*length < 0) {
        return Malformed("array length");
      }
      continue;
    }
    const int64_t index = name.empty() ? -1 : bson::ArrayIndex(name.substr(1));
    if (index < 0 || (name[0] != 'u' && name[0] != 's')) {
      return Malformed(StrCat("array entry '", name, "'"));
    }
    ArrayChange& change = (*changes)[index];
    change.is_diff = name[0] == 's';
    if (!change.is_diff) {
      change.value = e.value();
    } else if (e.value().is_object()) {
      change.diff = e.value().AsDoc();
    } else {
      return Malformed(StrCat("array entry '", name, "'"));
    }
  }
  return OkStatus();
}

Status ApplyArray(DocView array, DocView diff, DocBuilder* out) {
  int64_t length = -1;
  std::map<int64_t, ArrayChange> changes;
  RETURN_IF_ERROR(ReadArrayDiff(diff, &length, &changes));
  int64_t index = 0;
  auto next = changes.begin();
  const auto add_change = [&](ValueView current) -> Status {
    const ArrayChange& change = (next++)->second;
    const std::string_view name = out->NextIndex();
    if (change.is_diff) {
      return ApplyBelow(name, current, change.diff, out);
    }
    out->Append(name, change.value);
    return OkStatus();
  };
  for (const ElementView e : array) {
    if (length >= 0 && index >= length) {
      break;
    }
    if (next != changes.end() && next->first == index) {
      RETURN_IF_ERROR(add_change(e.value()));
    } else {
      out->Add(e.value());
    }
    ++index;
  }
  while (next != changes.end() && (length < 0 || next->first < length)) {
    for (; index < next->first; ++index) {
      out->AppendNull(out->NextIndex());
    }
    RETURN_IF_ERROR(add_change(ValueView()));
    ++index;
  }
  return OkStatus();
}

bool DiffObjects(DocView before, DocView after, DocBuilder* out);
bool DiffArrays(DocView before, DocView after, DocBuilder* out);

// Appends s<name> if both are objects or both arrays, their diff exists and is the smaller form.
bool AppendBelow(std::string_view name, ValueView before, ValueView after, DocBuilder* out) {
  if (before.type() != after.type() || (!before.is_object() && !before.is_array())) {
    return false;
  }
  DocBuilder below;
  const bool made = before.is_object() ? DiffObjects(before.AsDoc(), after.AsDoc(), &below)
                                       : DiffArrays(before.AsArray(), after.AsArray(), &below);
  if (!made) {
    return false;
  }
  const std::string diff = below.Finish();
  if (static_cast<int32_t>(diff.size()) >= after.size_bytes()) {
    return false;
  }
  out->Append(StrCat("s", name), DocView(diff));
  return true;
}

// Fields of `after` that stay in the order of `before` are kept; where the order breaks, a field
// counts as removed and appended again. False if no diff can say the change (duplicate names).
bool DiffObjects(DocView before, DocView after, DocBuilder* out) {
  std::unordered_map<std::string_view, size_t> place;
  std::vector<ElementView> old;
  for (const ElementView e : before) {
    if (!place.emplace(e.name(), old.size()).second) {
      return false;
    }
    old.push_back(e);
  }
  DocBuilder updated;
  DocBuilder inserted;
  DocBuilder below;
  std::vector<bool> kept(old.size(), false);
  std::unordered_map<std::string_view, bool> seen;
  size_t next = 0;
  bool tail = false;  // from here on everything is appended
  for (const ElementView e : after) {
    if (!seen.emplace(e.name(), true).second) {
      return false;
    }
    const auto at = place.find(e.name());
    if (tail || at == place.end() || at->second < next) {
      tail = true;
      inserted.Append(e);
      continue;
    }
    next = at->second + 1;
    kept[at->second] = true;
    const ValueView was = old[at->second].value();
    if (!bson::Identical(was, e.value()) && !AppendBelow(e.name(), was, e.value(), &below)) {
      updated.Append(e);
    }
  }
  DocBuilder removed;
  for (size_t i = 0; i < old.size(); ++i) {
    // What is appended again moves by itself.
    if (!kept[i] && !seen.contains(old[i].name())) {
      removed.Append(old[i].name(), false);
    }
  }
  const auto append = [out](std::string_view name, DocBuilder* section) {
    const std::string bytes = section->Finish();
    if (!DocView(bytes).empty()) {
      out->Append(name, DocView(bytes));
    }
  };
  append("d", &removed);
  append("u", &updated);
  append("i", &inserted);
  const std::string below_bytes = below.Finish();
  out->AppendAll(DocView(below_bytes));
  return true;
}

bool DiffArrays(DocView before, DocView after, DocBuilder* out) {
  out->Append("a", true);
  const int old_size = before.CountFields();
  const int new_size = after.CountFields();
  if (new_size < old_size) {
    out->Append("l", new_size);
  }
  auto old = before.begin();
  int index = 0;
  for (const ElementView e : after) {
    const bool had = index < old_size;
    const std::string name = std::to_string(index);
    if (!had) {
      out->Append(StrCat("u", name), e.value());
    } else if (!bson::Identical(old->value(), e.value()) &&
               !AppendBelow(name, old->value(), e.value(), out)) {
      out->Append(StrCat("u", name), e.value());
    }
    if (had) {
      ++old;
    }
    ++index;
  }
  return true;
}

}  // namespace

StatusOr<std::string> ApplyDiff(DocView doc, DocView diff) {
  DocBuilder out;
  RETURN_IF_ERROR(ApplyObject(doc, diff, &out));
  return out.Finish();
}

std::string MakeDiff(DocView before, DocView after) {
  DocBuilder out;
  if (!DiffObjects(before, after, &out)) {
    return "";
  }
  std::string diff = out.Finish();
  return static_cast<int32_t>(diff.size()) >= after.size_bytes() ? std::string() : diff;
}

}  // namespace septet::query
