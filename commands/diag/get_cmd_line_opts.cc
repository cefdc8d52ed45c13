// SPDX-License-Identifier: Apache-2.0
// {getCmdLineOpts: 1} -> {argv: [...], parsed: {net: {...}, storage: {...}, ...}}. S02-095.
#include "commands/command.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const ProcessFacts& facts = services.server->facts();
  {
    const auto argv = reply->Array("argv");
    for (const std::string& argument : facts.argv) {
      reply->Add(argument);
    }
  }
  reply->Append("parsed", facts.parsed_options.empty() ? bson::DocView()
                                                       : bson::DocView(facts.parsed_options));
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetCmdLineOptsCommand;
const CommandSpec kGetCmdLineOptsCommand = {
    .name = "getCmdLineOpts",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "get argv",
    .run = Run,
};

}  // namespace septet::commands
