// SPDX-License-Identifier: Apache-2.0
// Sessions that write: one record per lsid with its newest transaction number and executed statements.
// An operation of a retryable write takes its session for itself; catalog::WriteUnit then writes the
// session's record in the batch of the change, through the session's SessionSink.
// What is kept in memory is only a copy of config.transactions; it is read again after every change of
// this member's role.
// Thread rule: thread-safe.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"
#include "catalog/op.h"
#include "txn/retryable.h"

namespace septet::txn {

class SessionCatalog {
 public:
  explicit SessionCatalog(catalog::Catalog* catalog);
  ~SessionCatalog();
  SessionCatalog(const SessionCatalog&) = delete;
  SessionCatalog& operator=(const SessionCatalog&) = delete;

  // Creates the session tables if they are missing (a new primary, before it takes writes).
  Status OnStepUp(catalog::Op* op);

  // The beginning of a retryable write under op->session: takes the session for this operation until
  // EndRetryableWrite and returns the statements executed under that number before. Waits while
  // another operation of the session runs. Errors: IllegalOperation (20) on a standalone,
  // NotWritablePrimary, TransactionTooOld (225) for a smaller number than the newest,
  // IncompleteTransactionHistory (217), WouldBlock() on an I/O thread.
  StatusOr<std::vector<StatementResult>> BeginRetryableWrite(catalog::Op* op);
  void EndRetryableWrite(catalog::Op* op);

  // Drops what is in memory of sessions that nobody uses now (step-down, rollback); records are read
  // again when asked for.
  void Clear();
  // Removes the records of sessions that wrote last before `before_millis`. Every member does that for
  // itself. Returns how many.
  StatusOr<int64_t> ReapExpired(catalog::Op* op, int64_t before_millis);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "<uuid> - <uid in base64>", as error texts name a session.
std::string SessionText(bson::DocView lsid);

}  // namespace septet::txn
