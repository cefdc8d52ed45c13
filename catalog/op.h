// SPDX-License-Identifier: Apache-2.0
// What one operation carries through the floors: a plain struct, made by the dispatcher.
// Thread rule: owned by the thread that runs the operation; only `interrupt` is touched by others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "replication/core/optime.h"
#include "storage/engine.h"

namespace septet::catalog {

// One executed statement of a retryable write, as its oplog entry tells it.
struct ExecutedStatement {
  int32_t stmt_id = -1;
  char op = 'i';             // i u d
  bool from_upsert = false;  // an insert that an update made
  std::string id;            // from_upsert: {_id: ...}
};
// findAndModify's image for its retry.
struct RetryImage {
  std::string document;      // encoded, or empty: none kept
  bool is_post_image = false;
  repl::OpTime at;           // of its entry
};

// Where a session's record is kept (txn/session.h). Its functions run on the leader of a commit group,
// in commit order, while the session is checked out by the operation.
class SessionSink {
 public:
  virtual ~SessionSink() = default;
  // Position of the session's last entry, for prevOpTime. On the operation's thread.
  virtual repl::OpTime last_write() const = 0;
  // Puts the session's record with these statements into the batch. If the record belonged to another
  // txnNumber, *undo gets the document before ("" if there was none) and the return value is true.
  virtual bool OnSequenced(const std::vector<ExecutedStatement>& statements, const RetryImage& image,
                           const repl::OpTime& last, int64_t wall_millis, storage::WriteBatch* out,
                           std::string* undo, std::string* image_undo, bool* has_image_undo) = 0;
  virtual void OnWritten() = 0;
  virtual void OnAborted() = 0;
};

// Retryable write: the session and statement a change belongs to. Written into the oplog entry and the
// session record in the same batch.
struct WriteSession {
  std::string lsid;          // encoded document {id: UUID, uid: BinData}
  int64_t txn_number = -1;
  SessionSink* sink = nullptr;  // of the checked-out session; null: not a retryable write
};

struct OpCounters {
  int64_t keys_examined = 0;
  int64_t docs_examined = 0;
  int64_t docs_returned = 0;
  int64_t write_conflicts = 0;
  // What writes did, for the slow log and the profiler.
  int64_t n_inserted = 0;
  int64_t n_matched = 0;
  int64_t n_modified = 0;
  int64_t n_upserted = 0;
  int64_t n_deleted = 0;
  int64_t keys_inserted = 0;
  int64_t keys_deleted = 0;
  bool has_sort_stage = false;
  bool used_disk = false;
};

// Facts about the running query that the slow log, the profiler and currentOp show.
struct OpDiagnostics {
  std::string plan_summary;         // "IXSCAN { a: 1 }", "COLLSCAN", empty: no query
  std::string originating_command;  // encoded, of a getMore's cursor
  int64_t cursor_id = 0;            // left open or read from
  int64_t cursor_position = 0;      // documents returned before this batch
  bool cursor_exhausted = false;
};

struct Op {
  Interrupt interrupt;
  uint64_t op_id = 0;
  int64_t now_millis = 0;  // wall clock at the start: $$NOW, $currentDate, "wall" of entries
  // Snapshot of the read concern (majority, snapshot); null = newest at acquisition.
  std::shared_ptr<const storage::Snapshot> read_snapshot;
  // Time of `read_snapshot` (cursor.atClusterTime); null without one.
  bson::Timestamp read_timestamp;
  std::optional<WriteSession> session;
  OpCounters counters;
  OpDiagnostics diagnostics;
  // aggregate or getMore of a pipeline with $changeStream: its errors get other labels.
  bool is_change_stream = false;
  // False on an I/O thread: what would block must return WouldBlock() and is run again in the pool.
  bool may_block = true;
  // OpTime of the last entry this operation wrote; null if none. Standalone: a position with term -1,
  // good for waiting for durability only.
  repl::OpTime last_write;
  std::string comment;  // encoded value document {comment: ...} or empty
};

// Status that asks the dispatcher to run the operation again in the worker pool.
Status WouldBlock();
bool IsWouldBlock(const Status& status);

}  // namespace septet::catalog
