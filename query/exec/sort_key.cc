// SPDX-License-Identifier: Apache-2.0
#include "query/exec/sort_key.h"

#include "base/limits.h"
#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "query/expression/field_path.h"
#include "storage/key.h"

namespace septet::query {

using bson::ValueView;

namespace {

// {$meta: "textScore"} and its kin.
Status CheckMeta(bson::DocView meta) {
  const ValueView what = meta.Find("$meta");
  if (what.missing()) {
    return Error(17312, "$meta is the only expression supported by $sort right now");
  }
  if (meta.CountFields() != 1) {
    return Error(ErrorCode::kFailedToParse, "Cannot have additional keys in a $meta sort specification");
  }
  if (!what.is_string() || (what.AsString() != "textScore" && what.AsString() != "randVal")) {
    return Error(31138, StrCat("Illegal $meta sort: $meta: ", bson::ToShellText(what)));
  }
  return Error(ErrorCode::kIndexNotFound, "text index required for $meta textScore sort");
}

// 1 or -1, checked as a server does.
StatusOr<int> ParseDirection(bson::ElementView e) {
  const ValueView v = e.value();
  if (v.is_object()) {
    RETURN_IF_ERROR(CheckMeta(v.AsDoc()));
  }
  if (!v.is_number()) {
    return Error(15974, StrCat("Illegal key in $sort specification: ", e.name(), ": ",
                               bson::ToShellText(v)));
  }
  const double d = bson::ToDouble(v);
  if (d != 1 && d != -1) {
    return Error(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
  }
  return d > 0 ? 1 : -1;
}

}  // namespace

Status ValidateSortPattern(bson::DocView pattern) {
  return SortKey::Parse(pattern, nullptr).status();
}

StatusOr<SortKey> SortKey::Parse(bson::DocView pattern, const bson::StringComparator* collator) {
  SortKey out;
  out.collator_ = collator;
  for (const bson::ElementView e : pattern) {
    ASSIGN_OR_RETURN(const int direction, ParseDirection(e));
    RETURN_IF_ERROR(ValidateFieldPath(e.name()));
    if (direction < 0) {
      out.spec_.descending_mask |= uint64_t{1} << out.spec_.fields.size();
    }
    out.spec_.fields.push_back({bson::FieldPath(e.name()), direction < 0});
    if (out.spec_.fields.size() > static_cast<size_t>(limits::kMaxSortKeys)) {
      return Error(13103, "too many compound keys");
    }
  }
  // A non-owning reference: the collator outlives the sort.
  if (collator != nullptr) {
    out.spec_.collator = std::shared_ptr<const bson::StringComparator>(
        std::shared_ptr<void>(), collator);
  }
  return out;
}

bool SortKey::SimpleKey(bson::DocView doc, std::string* key) const {
  storage::KeyBuilder builder(0, spec_.descending_mask);
  for (const index::KeyField& field : spec_.fields) {
    ValueView v(bson::Type::kObject, doc.data());
    for (size_t i = 0; i < field.path.size(); ++i) {
      if (!v.is_object()) {
        v = ValueView();
        break;
      }
      v = v.AsDoc().Find(field.path.part(i));
      if (v.is_array()) {
        return false;
      }
    }
    builder.Append(v, collator_);
  }
  *key = builder.TakeKey();
  return true;
}

StatusOr<index::KeySet> SortKey::Keys(bson::DocView doc) const {
  index::KeySet keys;
  const Status status = index::MakeKeys(spec_, 0, doc, &keys);
  if (!status.ok()) {
    return CodeOf(status) == ErrorCode::kCannotIndexParallelArrays
               ? Error(ErrorCode::kBadValue,
                       "cannot sort with keys that are parallel arrays")
               : status;
  }
  return keys;
}

Status SortKey::Make(bson::DocView doc, std::string* key) const {
  if (SimpleKey(doc, key)) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(index::KeySet keys, Keys(doc));
  *key = std::move(keys.keys.front().bytes);
  return OkStatus();
}

Status SortKey::AppendValues(bson::DocView doc, bson::DocBuilder* array) const {
  ASSIGN_OR_RETURN(const index::KeySet keys, Keys(doc));
  const index::KeySet::Key& least = keys.keys.front();
  bson::DocBuilder values;
  RETURN_IF_ERROR(storage::DecodeKey(least.bytes, least.type_bits,
                                     static_cast<int>(spec_.fields.size()), spec_.descending_mask,
                                     &values));
  const std::string decoded = values.Finish();
  for (const bson::ElementView e : bson::DocView(decoded)) {
    array->Add(e.value());
  }
  return OkStatus();
}

}  // namespace septet::query
