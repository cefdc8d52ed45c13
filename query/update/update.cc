// SPDX-License-Identifier: Apache-2.0
#include "query/update/update.h"

#include "bson/compare.h"
#include "bson/ejson.h"

#include "base/limits.h"
#include "base/strings.h"
#include "query/update/forms.h"

namespace septet::query {

Status CheckSize(DocView doc) {
  if (doc.size_bytes() > limits::kMaxBsonObjectSize) {
    return Error(17419, StrCat("Resulting document after update is larger than ",
                               limits::kMaxBsonObjectSize));
  }
  return OkStatus();
}

namespace {

bool DeeperThan(ValueView v, int levels) {
  if (!v.is_object() && !v.is_array()) {
    return false;
  }
  if (levels == 0) {
    return true;
  }
  for (const bson::ElementView e : v.AsAnyDoc()) {
    if (DeeperThan(e.value(), levels - 1)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status CheckDepth(ValueView v, int above) {
  if (above > limits::kMaxStoredBsonDepth || DeeperThan(v, limits::kMaxStoredBsonDepth - above)) {
    return Error(ErrorCode::kOverflow,
                 StrCat("Document exceeds maximum nesting depth of ", limits::kMaxStoredBsonDepth));
  }
  return OkStatus();
}

Status CheckSameId(DocView before, DocView after) {
  const ValueView old_id = before["_id"];
  const ValueView new_id = after["_id"];
  if (old_id.missing() || (!new_id.missing() && bson::Equal(old_id, new_id))) {
    return OkStatus();
  }
  return Error(ErrorCode::kImmutableField,
               StrCat("After applying the update, the (immutable) field '_id' was found to have "
                      "been altered to ",
                      new_id.missing() ? "no _id" : StrCat("_id: ", bson::ToShellText(new_id))));
}

StatusOr<std::unique_ptr<const Update>> ParseUpdate(ValueView u,
                                                    const std::vector<DocView>& array_filters,
                                                    const UpdateOptions& options) {
  if (u.is_array()) {
    if (!array_filters.empty()) {
      return Error(ErrorCode::kFailedToParse,
                   "arrayFilters may not be specified for pipeline-syle updates");
    }
    return ParsePipelineUpdate(u.AsArray(), options);
  }
  if (!u.is_object()) {
    return Error(ErrorCode::kFailedToParse, "Update argument must be either an object or an array");
  }
  if (!u.AsDoc().empty() && u.AsDoc().FirstElement().name().starts_with('$')) {
    return ParseOperatorUpdate(u.AsDoc(), array_filters, options);
  }
  if (!array_filters.empty()) {
    return Error(ErrorCode::kFailedToParse,
                 "arrayFilters may not be specified for replacement-style updates");
  }
  return ParseReplacementUpdate(u.AsDoc(), options);
}

}  // namespace septet::query
