// SPDX-License-Identifier: Apache-2.0
// Projections of find, $project, $addFields/$set and $unset: one compiled tree for all, applied on
// bytes. Thread rule: immutable after Parse; may be shared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bson/builder.h"
#include "bson/view.h"

#include "base/status.h"
#include "query/expression/expression.h"
#include "query/match/matcher.h"

namespace septet::query {

enum class ProjectionPolicy {
  kFind,       // $slice, $elemMatch, positional `$` and $meta allowed
  kAggregate,  // $project
  kAddFields,  // $addFields, $set: everything is kept, every value is an expression
  kUnset,      // {a: 0, b: 0} made from $unset
};

class Projection {
 public:
  virtual ~Projection() = default;
  // Appends the projected document to `out` (a whole document). ctx->root is set by the caller.
  virtual Status Apply(DocView doc, EvalContext* ctx, const MatchDetails* match,
                       const RowMetadata* metadata, std::string* out) const = 0;
  virtual bool is_inclusion() const = 0;
  // Inclusion of plain top-level or dotted fields only, no expressions: may be covered by an index.
  virtual bool IsSimple() const = 0;
  // For a simple inclusion: the included paths (with "_id" if kept).
  virtual std::vector<std::string> IncludedPaths() const = 0;
  virtual bool NeedsMatchDetails() const = 0;  // positional `$`
  virtual void Dependencies(std::vector<std::string>* paths, bool* whole_document) const = 0;
  virtual void Serialize(bson::DocBuilder* out) const = 0;  // as explain's transformBy / stage
};

// `matcher` is needed for the positional operator's checks (51246); may be null. Errors:
// 31249..31254, 31276, 31325, 31394, 31395, 51246, 51270, 16410, 40352 ... as a server answers.
StatusOr<std::unique_ptr<const Projection>> ParseProjection(DocView spec, ProjectionPolicy policy,
                                                            ParseContext* ctx,
                                                            const Matcher* matcher);

}  // namespace septet::query
