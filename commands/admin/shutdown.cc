// SPDX-License-Identifier: Apache-2.0
// {shutdown: 1, force?: bool, timeoutSecs?: 15}: begins the clean end of the server; the connection is
// closed without an answer. S02-104. Errors: Unauthorized for clients that are not local.
#include "commands/command.h"
#include "commands/parse.h"
#include "commands/replication_info.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder*) {
  LooseBool force;
  int64_t timeout_secs = 15;
  const Status parsed = ParseFields("shutdown", request.body,
                                    {{"force", &force}, {"timeoutSecs", &timeout_secs}});
  if (!parsed.ok()) {
    return Outcome::Fail(parsed);
  }
  if (timeout_secs < 0) {
    return Outcome::Fail(Error(51024, "BSON field 'timeoutSecs' value must be >= 0"));
  }
  if (!request.client->local) {
    return Outcome::Fail(Error(ErrorCode::kUnauthorized,
                               "shutdown must run from localhost when running db without auth"));
  }
  // Without other members there is nobody to be sent elsewhere.
  const ReplicationSnapshotPtr replication = services.replication->Snapshot();
  const bool alone = !replication->replica_set ||
                     replication->hosts.size() + replication->passives.size() <= 1;
  services.server->RequestShutdown(alone || force.value ? std::chrono::milliseconds(0)
                                                        : std::chrono::seconds(timeout_secs));
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kShutdownCommand;
const CommandSpec kShutdownCommand = {
    .name = "shutdown",
    .flags = kAdminOnly | kMaintenanceOk | kNoReplyOnOk,
    .help = "Shuts down the database. Must be run against the admin database and from localhost.",
    .fields = {"force", "timeoutSecs"},
    .run = Run,
};

}  // namespace septet::commands
