// SPDX-License-Identifier: Apache-2.0
// The three forms of an update, and what they share: making the document an upsert inserts, and the
// checks of a new document.
// Thread rule: immutable after parsing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/update/parser.h"
#include "query/update/update.h"

namespace septet::query {

using UpdatePtr = std::unique_ptr<const Update>;

// {$set: ..., ...}
StatusOr<UpdatePtr> ParseOperatorUpdate(DocView u, const std::vector<DocView>& array_filters,
                                        const UpdateOptions& options);
// A whole document.
StatusOr<UpdatePtr> ParseReplacementUpdate(DocView u, const UpdateOptions& options);
// [{$set: ...}, ...]
StatusOr<UpdatePtr> ParsePipelineUpdate(DocView stages, const UpdateOptions& options);

// The document made of the equality fields of a query (`id_only`: of _id alone). Errors:
// NotSingleValueField if a path is matched twice, QueryFeatureNotAllowed for $expr.
StatusOr<std::string> EqualityFields(const Matcher& query, bool id_only, EvalContext* ctx);
// `doc` with _id in front, generated if it has none. Error: InvalidIdField.
StatusOr<std::string> WithIdFirst(DocView doc);
// Error 17419 if the document is larger than a document may be.
Status CheckSize(DocView doc);
// Error Overflow if objects and arrays nest deeper than in a stored document; `above` levels stand
// above.
Status CheckDepth(ValueView v, int above);
// Fails with ImmutableField if the new document's _id is another value than the old one's.
Status CheckSameId(DocView before, DocView after);

// A leaf that sets a value. `v` outlives it.
std::unique_ptr<UpdateLeaf> MakeSetLeaf(ValueView v);

}  // namespace septet::query
