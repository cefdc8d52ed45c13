// SPDX-License-Identifier: Apache-2.0
// {listCommands: 1} -> {commands: {<name>: {help, requiresAuth, secondaryOk, adminOnly, apiVersions,
// deprecatedApiVersions}}}. S02-057.
#include "commands/command.h"
#include "commands/parameters.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

void Describe(const CommandSpec& spec, bson::DocBuilder* reply) {
  const auto object = reply->Object(spec.name);
  reply->Append("help", spec.help);
  reply->Append("requiresAuth", (spec.flags & kNoAuth) == 0);
  const bool needs_primary = (spec.flags & (kWrite | kReadData)) != 0;
  reply->Append("secondaryOk", !needs_primary);
  reply->Append("adminOnly", (spec.flags & kAdminOnly) != 0);
  if ((spec.flags & kReadData) != 0) {
    reply->Append("secondaryOverrideOk", true);
  }
  {
    const auto versions = reply->Array("apiVersions");
    if (!spec.api_version.empty()) {
      reply->Add(spec.api_version);
    }
  }
  const auto deprecated = reply->Array("deprecatedApiVersions");
  if (!spec.deprecated_api_version.empty()) {
    reply->Add(spec.deprecated_api_version);
  }
}

Outcome Run(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const bool tests = services.parameters->GetBool(ParameterName::k_enableTestCommands);
  const auto commands = reply->Object("commands");
  for (const CommandSpec* spec : AllCommands()) {
    if (tests || (spec->flags & kTestOnly) == 0) {
      Describe(*spec, reply);
    }
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kListCommandsCommand;
const CommandSpec kListCommandsCommand = {
    .name = "listCommands",
    .flags = kNoAuth | kMaintenanceOk | kTransactionOk,
    .help = "get a list of all db commands",
    .run = Run,
};

}  // namespace septet::commands
