// SPDX-License-Identifier: Apache-2.0
// One statement of update, delete or findAndModify: finds documents, locks each, reads it again in its
// newest state, changes it in one WriteUnit. A document that changed meanwhile is matched again.
// A runner is resumable: Run() gives kYield when the time slice is used up (call again in the pool).
// Thread rule: owned by one operation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bson/value.h"
#include "catalog/write_unit.h"
#include "query/plan/planner.h"
#include "query/update/update.h"

namespace septet::query {

struct WriteStatement {
  catalog::Namespace ns;
  std::shared_ptr<FindQuery> query;          // want_rid is set by the runner
  std::unique_ptr<const Update> update;      // null: delete
  bool multi = false;
  bool upsert = false;
  int stmt_id = -1;
  bool want_before = false;                  // findAndModify: old document
  bool want_after = false;
  bool keep_image = false;                   // retryable findAndModify
  // Called with the document before (empty for an upsert) and after; an error stops the statement.
  std::function<Status(DocView before, DocView after)> check;
};

struct WriteResult {
  int64_t matched = 0;
  int64_t modified = 0;                      // deletes: removed
  bson::Value upserted_id;                   // missing: no upsert
  std::string before;                        // document, empty if none
  std::string after;
};

class WriteRunner {
 public:
  // `statement` outlives the runner; `cache` may be null.
  WriteRunner(catalog::Catalog* catalog, PlanCache* cache, PlannerOptions options,
              const WriteStatement* statement);
  ~WriteRunner();
  // kDone or kYield. Errors: those of the plan, of the update, DuplicateKey, WouldBlock.
  StatusOr<Step> Run(catalog::Op* op);
  const WriteResult& result() const { return result_; }

 private:
  StatusOr<Step> RunRounds(catalog::Op* op);
  StatusOr<Step> RunPlan(catalog::Op* op);
  StatusOr<bool> RunById(catalog::Op* op);
  Status ChangeOne(catalog::Op* op, catalog::RecordId rid, DocView seen, const MatchDetails& details,
                   bool* changed);
  Status ChangeLocked(catalog::Op* op, catalog::WriteUnit* unit, catalog::RecordId rid,
                      DocView current, const MatchDetails& details);
  Status Upsert(catalog::Op* op, bool* retry);
  bool IsIdStatement() const;

  catalog::Catalog* catalog_;
  PlanCache* cache_;
  PlannerOptions options_;
  const WriteStatement* statement_;
  WriteResult result_;
  catalog::CollectionPtr collection_;
  std::optional<Plan> plan_;
  bool lost_a_row_ = false;   // a row seen did not match any more: a single statement looks again
  int rounds_ = 0;
  bson::Arena arena_;
  EvalContext eval_;
  Random random_{0};
  UpdateResult update_result_;
  storage::PinnedValue record_;
};

}  // namespace septet::query
