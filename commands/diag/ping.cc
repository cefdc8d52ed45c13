// SPDX-License-Identifier: Apache-2.0
// {ping: 1} -> {ok: 1}. Any database, any member state, before authentication. S02-050.
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request&, bson::DocBuilder*) {
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kPingCommand;
const CommandSpec kPingCommand = {
    .name = "ping",
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk,
    .help = "a way to check that the server is alive. responds immediately even if server is in a db "
            "lock.",
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
