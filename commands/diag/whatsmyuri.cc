// SPDX-License-Identifier: Apache-2.0
// {whatsmyuri: 1} -> {you: "ip:port"}. S02-058.
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request& request, bson::DocBuilder* reply) {
  reply->Append("you", request.client->remote);
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kWhatsMyUriCommand;
const CommandSpec kWhatsMyUriCommand = {
    .name = "whatsmyuri",
    .flags = kNoAuth | kMaintenanceOk,
    .help = "{whatsmyuri:1}",
    .run = Run,
};

}  // namespace septet::commands
