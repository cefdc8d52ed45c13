// SPDX-License-Identifier: Apache-2.0
// Updates: operator documents, replacements and pipelines, compiled once and applied on bytes.
// Apply() gives the new document and the replication entry's "o": the {$v: 2, diff: {...}} form, or
// the whole document for replacements (replication.md 3.4; the format is that of a server 5.0 and
// later). Thread rule: an Update is immutable after Parse; Apply is re-entrant with its own
// context.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bson/view.h"

#include "base/status.h"
#include "query/expression/expression.h"
#include "query/match/matcher.h"

namespace septet::query {

struct UpdateResult {
  bool modified = false;     // false: nothing to write
  std::string document;      // the whole new document
  std::string log_entry;     // "o" of the oplog entry
  bool replacement = false;  // log_entry is a whole document
};

struct UpdateOptions {
  bool multi = false;
  bool upsert = false;
  const bson::StringComparator* collator = nullptr;
  ParseContext* variables = nullptr;  // let / c
};

class Update {
 public:
  virtual ~Update() = default;
  // `match` carries the positional index. `is_insert` applies $setOnInsert (upsert).
  virtual Status Apply(DocView doc, const MatchDetails* match, EvalContext* ctx, bool is_insert,
                       UpdateResult* result) const = 0;
  // The document an upsert inserts: equality fields of the query plus the update; _id is generated
  // if absent and put first.
  virtual StatusOr<std::string> MakeUpsertDocument(const Matcher& query,
                                                   EvalContext* ctx) const = 0;
  virtual bool is_replacement() const = 0;
  virtual bool NeedsMatchDetails() const = 0;
  // Paths that may change (the planner avoids walking an index on them), or *whole_document.
  virtual void ChangedPaths(std::vector<std::string>* paths, bool* whole_document) const = 0;
};

// `u` is a document or an array (pipeline); `array_filters` may be empty. Errors: FailedToParse
// (9), BadValue (2), ConflictingUpdateOperators (40), DollarPrefixedFieldName (52) ... with a
// server's texts.
StatusOr<std::unique_ptr<const Update>> ParseUpdate(ValueView u,
                                                    const std::vector<DocView>& array_filters,
                                                    const UpdateOptions& options);

// Applies an oplog diff ({$v: 2, diff: {...}}'s inner document) to a document. Idempotent.
// Errors: FailedToParse for a malformed diff.
StatusOr<std::string> ApplyDiff(DocView doc, DocView diff);
// The diff that turns `before` into `after`; empty string if a whole replacement is shorter.
std::string MakeDiff(DocView before, DocView after);

}  // namespace septet::query
