// SPDX-License-Identifier: Apache-2.0
// Sessions that write: one record per lsid with its newest transaction number and executed statements.
// Thread rule: thread-safe.
#pragma once

#include <memory>
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

  // The beginning of a retryable write under op->session: takes the session for this operation until
  // EndRetryableWrite and returns the statements executed under that number before. Errors:
  // TransactionTooOld (225) for a smaller number than the newest, IncompleteTransactionHistory (217),
  // WriteConflict (112) if another operation of the same session runs right now.
  StatusOr<std::vector<StatementResult>> BeginRetryableWrite(catalog::Op* op);
  void EndRetryableWrite(catalog::Op* op);

  // Drops what is in memory (step-down, rollback); records are read again when asked for.
  void Clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace septet::txn
