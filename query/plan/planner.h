// SPDX-License-Identifier: Apache-2.0
// From a find-shaped query to an executor: candidate plans from the match tree and the indexes, chosen by
// a trial run (selectivity), cached by query shape.
// Thread rule: PlanCache is thread-safe; everything else belongs to one operation.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"
#include "query/exec/node.h"
#include "query/expression/collation.h"

namespace septet::query {

// A find after parsing: what find, count, distinct, update, delete and an aggregate's first stages ask.
struct FindQuery {
  catalog::Namespace ns;
  std::unique_ptr<const Matcher> matcher;            // never null
  std::unique_ptr<const Projection> projection;      // null: whole documents
  std::string sort;                                  // encoded sort pattern, empty: none
  int64_t skip = 0;
  int64_t limit = 0;                                 // 0: none
  std::string hint_name;                             // index name, or empty
  std::string hint_key;                              // key pattern, or empty ({$natural: 1} too)
  std::string min_key, max_key;                      // index bounds, encoded
  std::shared_ptr<const Collation> collation;
  bool return_key = false;
  bool show_record_id = false;
  catalog::RecordId resume_after = 0;                // 0: scan from the start
  bool tailable = false;
  bool await_data = false;
  bool want_rid = false;                             // update, delete: rows need rid and document
  bool want_match_details = false;                   // positional update
  bool count_only = false;                           // count: one row {count: n}
  bool no_fields = false;                            // rows may come without a document
  unsigned meta_uses = 0;                            // MetaUse: what {$meta: ...} above will read
  ParseContext variables;
  std::vector<std::pair<VariableId, std::string>> let_values;  // encoded {v: value}
};

// Remembers which index won the trial for a query shape. One per server.
// Thread rule: thread-safe.
class PlanCache {
 public:
  struct Entry {
    std::string index_name;
    int64_t works = 0;
  };
  std::optional<Entry> Find(const std::string& key) const;
  void Put(const std::string& key, Entry entry);
  void Erase(const std::string& key);
  void Clear();
  size_t size() const;
  // Entries of one collection, by its uuid's 16 bytes, with which their keys begin.
  std::vector<Entry> Of(std::string_view uuid) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

struct Plan {
  std::unique_ptr<ExecContext> context;
  NodePtr root;
  // Kept alive for the nodes: the query the plan was made from.
  std::shared_ptr<const FindQuery> query;
  // For the slow log and the profiler: "IXSCAN { a: 1 }", "COLLSCAN", "IDHACK".
  std::string summary;
  std::vector<NodePtr> rejected;   // for explain
  bool from_cache = false;

  // Next row; the operation that runs now is given each time (find, then its getMores). Resets the arena.
  StatusOr<Step> Next(catalog::Op* op, Row* row) {
    context->op = op;
    context->eval.interrupt = &op->interrupt;
    context->arena.Reset();
    return root->Next(context.get(), row);
  }
};

struct PlannerOptions {
  bool for_explain = false;        // keep the rejected plans
  bool not_primary = false;
  std::string temp_dir;
  bool allow_disk_use = true;
};

// `collection` may be null (missing collection: EOF plan). `cache` may be null. Errors: BadValue for a
// bad hint, NoQueryExecutionPlans, ... The snapshot is catalog::ReadSnapshot(op).
StatusOr<Plan> MakePlan(catalog::Catalog* catalog, catalog::Op* op,
                        const catalog::CollectionPtr& collection,
                        std::shared_ptr<const FindQuery> query, PlanCache* cache,
                        const PlannerOptions& options = {});

}  // namespace septet::query
