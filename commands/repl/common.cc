// SPDX-License-Identifier: Apache-2.0
#include "commands/repl/common.h"

namespace septet::commands {

Status NoReplication() {
  return Error(ErrorCode::kNoReplicationEnabled, "not running with --replSet");
}

Outcome FinishAdmin(const AdminAnswer& answer, bson::DocBuilder* reply) {
  if (!answer.status.ok()) {
    return Outcome::Fail(answer.extra.empty() ? answer.status
                                              : WithInfo(answer.status, answer.extra));
  }
  if (!answer.extra.empty()) {
    reply->AppendAll(bson::DocView(answer.extra));
  }
  return Outcome::Ok();
}

}  // namespace septet::commands
