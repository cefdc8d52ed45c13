// SPDX-License-Identifier: Apache-2.0
// What the replica set's commands share.
#pragma once

#include <string>

#include "base/status.h"
#include "bson/builder.h"
#include "commands/repl/answer.h"
#include "commands/services.h"
#include "replication/driver/replication_driver.h"

namespace septet::commands {

struct AdminAnswer {
  Status status;
  std::string extra;  // fields of the reply (or of the error)
};

// NoReplicationEnabled (76): "not running with --replSet".
Status NoReplication();
Outcome FinishAdmin(const AdminAnswer& answer, bson::DocBuilder* reply);

// Feeds a command event to the election driver and answers when it does.
template <typename E>
Outcome RunAdmin(catalog::Op* op, const Services& services, E event, bson::DocBuilder* reply) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  repl::ElectionDriver* election = services.driver->election();
  return AwaitAnswer<AdminAnswer>(
      op,
      [election, event = std::move(event)](std::function<void(AdminAnswer)> done) {
        election->HandleAdmin(event, [done](Status status, std::string extra) {
          done({std::move(status), std::move(extra)});
        });
      },
      [reply](const AdminAnswer& answer) { return FinishAdmin(answer, reply); });
}

}  // namespace septet::commands
