// SPDX-License-Identifier: Apache-2.0
// Retried statements of a retryable write: those that were executed before are answered from the session
// record instead of being run again (surface 8.1).
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "bson/builder.h"
#include "commands/command.h"
#include "commands/services.h"
#include "txn/retryable.h"

namespace septet::commands {

class RetriedStatements {
 public:
  RetriedStatements() = default;
  RetriedStatements(const RetriedStatements&) = delete;
  ~RetriedStatements();  // gives the session back
  // Checks the session and transaction number of the request and loads what was executed under it.
  // Errors: TransactionTooOld (225), IllegalOperation (20) on a standalone. Nothing for plain writes.
  Status Load(catalog::Op* op, const Services& services, const Request& request);

  bool any() const { return !executed_.empty(); }
  // Counts the statement as retried if it was executed; null if it was not.
  const txn::StatementResult* Executed(int stmt_id);
  // {retriedStmtIds: [...]} if any statement was answered from the record.
  void AppendTo(bson::DocBuilder* reply) const;

 private:
  catalog::Op* op_ = nullptr;
  const Services* services_ = nullptr;
  std::unordered_map<int, txn::StatementResult> executed_;
  std::vector<int> retried_;
};

}  // namespace septet::commands
