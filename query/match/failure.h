// SPDX-License-Identifier: Apache-2.0
// Why a document does not match: the details of a DocumentValidationFailure. Works on the filter as
// it was given, and only after a match failed, so it may parse again what it looks at. Source:
// manual "View validation failure"; observed answers. Thread rule: pure functions.
#pragma once

#include <string>

#include "bson/builder.h"

#include "query/match/json_schema.h"
#include "query/match/matcher.h"

namespace septet::query {

// Appends the rules of `schema` that `v` breaks to an open array, as
// {operatorName, specifiedAs, reason, consideredValue, ...}.
void ExplainSchema(const Schema& schema, bson::ValueView v, bson::DocBuilder* out);

}  // namespace septet::query
