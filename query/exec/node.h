// SPDX-License-Identifier: Apache-2.0
// Executors: a tree of pull nodes. Each Next() gives one row, the end, or a yield (the time slice of the
// I/O thread is used up: the caller goes on in the worker pool; all state is kept).
// A row's document is valid until the next Next() of the same tree; a node that keeps rows copies them.
// Thread rule: an executor belongs to one running operation at a time; it may move between threads
// between calls.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"
#include "catalog/catalog.h"
#include "query/expression/expression.h"
#include "query/match/matcher.h"
#include "query/projection/projection.h"

namespace septet::query {

enum class Step { kRow, kDone, kYield };

struct Row {
  DocView doc;
  bool has_doc = false;
  catalog::RecordId rid = 0;
  // Index scans: the decoded key (names of the key pattern) while no document was fetched.
  DocView index_key;
  bool has_index_key = false;
  RowMetadata metadata;
  MatchDetails match;
};

// What every node of one executor shares.
struct ExecContext {
  catalog::Catalog* catalog = nullptr;
  catalog::Op* op = nullptr;                 // of the command that runs now (find, then each getMore)
  std::shared_ptr<const storage::Snapshot> snapshot;
  bson::Arena arena;                          // reset by the root per row
  EvalContext eval;                           // eval.arena = &arena
  Random random{0};                           // $rand, $sample; seeded per operation
  bool allow_disk_use = true;
  std::string temp_dir;                       // for spills
  int64_t memory_limit_bytes = limits::kBlockingStageMemoryBytes;  // of each blocking node
  int64_t work_budget = -1;                   // trial runs: units of work left; -1 = no limit
  bool measure_time = false;                  // explain executionStats
};

// Counts one unit of work of `ctx`; true = give kYield now (slice of the I/O thread or trial used up).
inline bool ShouldYield(ExecContext* ctx) {
  if (ctx->work_budget >= 0) [[unlikely]] {
    if (ctx->work_budget == 0) {
      return true;
    }
    --ctx->work_budget;
  }
  return ctx->op->interrupt.SliceUsed();
}

// Figures for explain, kept by every node.
struct NodeStats {
  int64_t works = 0;
  int64_t advanced = 0;
  int64_t need_time = 0;
  int64_t need_yield = 0;
  bool is_eof = false;
  int64_t keys_examined = 0;
  int64_t docs_examined = 0;
  int64_t seeks = 0;
  int64_t nanos = 0;   // only when explain asks
};

class Node {
 public:
  virtual ~Node() = default;
  virtual StatusOr<Step> Next(ExecContext* ctx, Row* row) = 0;
  // "IXSCAN", "FETCH", ... and the fields explain shows (without stats).
  virtual std::string_view stage_name() const = 0;
  virtual void Explain(bson::DocBuilder* out, bool with_stats) const = 0;
  virtual const std::vector<std::unique_ptr<Node>>& children() const = 0;
  NodeStats& stats() { return stats_; }
  const NodeStats& stats() const { return stats_; }

 protected:
  NodeStats stats_;
};
using NodePtr = std::unique_ptr<Node>;

}  // namespace septet::query
