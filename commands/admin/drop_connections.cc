// SPDX-License-Identifier: Apache-2.0
// {dropConnections: 1, hostAndPort: ["host:port", ...]}: closes outgoing connections to those hosts. S02-108.
// Connections between members are single and are made again on the next heartbeat, so that there is no
// pool to empty; the arguments are checked.
#include "commands/command.h"
#include "commands/parse.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request& request, bson::DocBuilder*) {
  ArrayView hosts;
  const Status status =
      ParseFields("dropConnections", request.body, {{"hostAndPort", &hosts, true}});
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  for (const bson::ElementView& e : hosts.doc) {
    if (!e.value().is_string()) {
      return Outcome::Fail(
          WrongType("dropConnections.hostAndPort", e.name(), e.value().type(), "string"));
    }
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kDropConnectionsCommand;
const CommandSpec kDropConnectionsCommand = {
    .name = "dropConnections",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "drop egress connections",
    .fields = {"hostAndPort"},
    .run = Run,
};

}  // namespace septet::commands
