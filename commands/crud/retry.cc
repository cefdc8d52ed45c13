// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/retry.h"

#include "commands/generic_args.h"
#include "commands/metrics.h"
#include "txn/session_catalog.h"

namespace septet::commands {

RetriedStatements::~RetriedStatements() {
  if (op_ != nullptr) {
    services_->transactions->EndRetryableWrite(op_);
  }
}

Status RetriedStatements::Load(catalog::Op* op, const Services& services, const Request& request) {
  if (request.generic == nullptr || !request.generic->IsRetryableWrite() || !op->session) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<txn::StatementResult> executed,
                   services.transactions->BeginRetryableWrite(op));
  op_ = op;
  services_ = &services;
  for (const txn::StatementResult& result : executed) {
    executed_.emplace(result.stmt_id, result);
  }
  return OkStatus();
}

const txn::StatementResult* RetriedStatements::Executed(int stmt_id) {
  if (executed_.empty() || stmt_id < 0) {
    return nullptr;
  }
  const auto it = executed_.find(stmt_id);
  if (it == executed_.end()) {
    return nullptr;
  }
  retried_.push_back(stmt_id);
  return &it->second;
}

void RetriedStatements::AppendTo(bson::DocBuilder* reply) const {
  if (retried_.empty()) {
    return;
  }
  const auto list = reply->Array("retriedStmtIds");
  for (const int id : retried_) {
    reply->Add(id);
  }
  services_->metrics->retried.commands.Add();
  services_->metrics->retried.statements.Add(static_cast<int64_t>(retried_.size()));
}

}  // namespace septet::commands
