// SPDX-License-Identifier: Apache-2.0
// Open cursors: executors parked between find/aggregate and getMore, by id. A cursor in use is checked
// out by one operation; others get CursorInUse (143).
// Thread rule: CursorRegistry is thread-safe; a checked-out Cursor belongs to its operation.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "query/exec/node.h"
#include "query/plan/planner.h"

namespace septet::query {

struct Cursor {
  int64_t id = 0;
  std::string ns;                    // "db.coll" as replies name it
  Plan plan;
  std::shared_ptr<const void> keeps;  // what the plan points into (pipeline, variables)
  std::string command;               // the originating command, for currentOp and the log
  std::string session_id;            // 16 bytes of lsid.id, or empty
  int64_t txn_number = -1;
  bool no_timeout = false;
  bool tailable = false;
  bool await_data = false;
  bool error_prefix_aggregate = false;
  int64_t max_time_left_micros = 0;  // of maxTimeMS over find and getMores; 0 = none
  int64_t returned = 0;              // documents over all batches
  int64_t batches = 0;
  // Replies tell the record they ended at ($_requestResumeToken).
  bool resume_token = false;
  catalog::RecordId last_rid = 0;    // of the last document returned
  // A row that did not fit the last batch.
  std::string pending;
  catalog::RecordId pending_rid = 0;
  std::chrono::steady_clock::time_point last_used{};
  bool exhausted = false;
};

struct BatchLimits {
  int64_t max_documents = -1;        // -1: no limit
  int64_t max_bytes = limits::kMaxBsonObjectSize;
};

// Appends documents to the open array of `out` until the batch is full (kRow: more may come), the cursor
// is exhausted (kDone) or the slice is used up (kYield: call again). `*count` counts what was appended.
StatusOr<Step> FillBatch(Cursor* cursor, catalog::Op* op, const BatchLimits& limits,
                         bson::DocBuilder* out, int64_t* count);

class CursorRegistry {
 public:
  CursorRegistry();

  // Parks a new cursor and gives it an id.
  int64_t Add(std::unique_ptr<Cursor> cursor);
  // Errors: CursorNotFound (43), CursorInUse (143), Unauthorized (13) for another namespace,
  // QueryPlanKilled (175) if the collection was dropped.
  StatusOr<std::unique_ptr<Cursor>> Checkout(int64_t id, std::string_view ns);
  // Parks it again, unless it was killed meanwhile.
  void Return(std::unique_ptr<Cursor> cursor);
  // A checked-out cursor came to its end.
  void Forget(int64_t id);

  enum class KillResult { kKilled, kNotFound, kAlive };
  KillResult Kill(int64_t id);
  int KillSession(std::string_view session_id);
  // The collection is gone; who asks for more of an idle cursor is told QueryPlanKilled and `why`.
  int KillNamespace(std::string_view ns, std::string_view why);
  int KillAll();
  // Removes cursors idle for longer than `timeout`; returns how many.
  int Sweep(std::chrono::steady_clock::time_point now, std::chrono::milliseconds timeout);

  struct Figures {
    int64_t open = 0;
    int64_t pinned = 0;
    int64_t no_timeout = 0;
    int64_t timed_out = 0;
    int64_t total_opened = 0;
  };
  Figures figures() const;
  // Encoded documents for $currentOp {idleCursors: true}.
  std::vector<std::string> DescribeIdle() const;

 private:
  struct Slot {
    std::unique_ptr<Cursor> cursor;  // null while checked out
    std::string ns;
    std::string session_id;
    bool killed = false;
  };
  // What is left of an idle cursor on a dropped collection until somebody asks or the timeout.
  struct Remains {
    std::string why;
    std::chrono::steady_clock::time_point since;
  };
  int KillIf(bool (*matches)(const Slot&, std::string_view), std::string_view what);

  mutable std::mutex mutex_;
  std::unordered_map<int64_t, Slot> slots_;
  std::unordered_map<int64_t, Remains> remains_;
  Random random_;
  Figures totals_;
};

}  // namespace septet::query
