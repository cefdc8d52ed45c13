// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/insert_document.h"

#include <cstring>

#include "base/limits.h"
#include "base/strings.h"
#include "bson/builder.h"

namespace septet::commands {
namespace {

bool DeeperThan(bson::DocView doc, int levels) {
  if (levels == 0) {
    return true;
  }
  for (const bson::ElementView e : doc) {
    if ((e.value().is_object() || e.value().is_array()) &&
        DeeperThan(e.value().AsAnyDoc(), levels - 1)) {
      return true;
    }
  }
  return false;
}

// Field names inside _id may not start with '$'.
Status CheckIdNames(bson::DocView id) {
  for (const bson::ElementView e : id) {
    if (e.name().starts_with('$')) {
      return Error(ErrorCode::kDollarPrefixedFieldName,
                   StrCat(e.name(), " is not valid for storage."));
    }
    if (e.value().is_object()) {
      RETURN_IF_ERROR(CheckIdNames(e.value().AsDoc()));
    }
  }
  return OkStatus();
}

Status CheckId(bson::ValueView id) {
  switch (id.type()) {
    case bson::Type::kArray:
      return Error(ErrorCode::kBadValue, "can't use an array for _id");
    case bson::Type::kRegex:
      return Error(ErrorCode::kBadValue, "can't use a regex for _id");
    case bson::Type::kUndefined:
      return Error(ErrorCode::kBadValue, "can't use a undefined for _id");
    case bson::Type::kObject:
      return CheckIdNames(id.AsDoc());
    default:
      return OkStatus();
  }
}

}  // namespace

Status PrepareDocument(bson::DocView doc, const catalog::Catalog& catalog, std::string* out) {
  if (doc.size_bytes() > limits::kMaxBsonObjectSize) {
    return Error(ErrorCode::kBadValue,
                 StrCat("object to insert too large. size in bytes: ", doc.size_bytes(),
                        ", max size: ", limits::kMaxBsonObjectSize));
  }
  bool id_first = false;
  bool plain = true;  // nothing to rewrite
  bool nested = false;
  bson::ValueView id;
  bool first = true;
  for (const bson::ElementView e : doc) {
    const bson::Type type = e.type();
    if (e.name() == "_id") {
      id = e.value();
      id_first = first;
    } else if (type == bson::Type::kTimestamp && e.value().AsTimestamp().IsNull()) {
      plain = false;
    }
    nested = nested || type == bson::Type::kObject || type == bson::Type::kArray;
    first = false;
  }
  RETURN_IF_ERROR(CheckId(id));
  if (nested && DeeperThan(doc, limits::kMaxStoredBsonDepth)) {
    return Error(ErrorCode::kOverflow,
                 StrCat("cannot insert document because it exceeds ", limits::kMaxStoredBsonDepth,
                        " levels of nesting"));
  }
  if (plain && id_first) {
    out->append(doc.raw());
    return OkStatus();
  }
  bson::DocBuilder builder(out);
  if (id.missing()) {
    builder.Append("_id", bson::ObjectId::Generate());
  } else {
    builder.Append("_id", id);
  }
  for (const bson::ElementView e : doc) {
    if (e.name() == "_id") {
      continue;
    }
    if (e.type() == bson::Type::kTimestamp && e.value().AsTimestamp().IsNull()) {
      builder.Append(e.name(), catalog.positions()->Tick());
    } else {
      builder.Append(e);
    }
  }
  builder.Seal();
  return OkStatus();
}

}  // namespace septet::commands
