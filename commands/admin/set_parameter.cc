// SPDX-License-Identifier: Apache-2.0
// {setParameter: 1, name: value, ...} -> {was: <old value of the last one>}. S02-097.
// Errors: InvalidOptions (72) for nothing to set or an unknown name, IllegalOperation (20) for parameters
// of the start, BadValue for bounds and types.
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/parameters.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  bool first = true;
  int set = 0;
  for (const bson::ElementView& e : request.body) {
    if (first || IsGenericArgument(e.name())) {
      first = false;
      continue;
    }
    bson::DocBuilder was;
    const Status status = services.parameters->Set(e.name(), e.value(), &was);
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
    if (set++ == 0) {
      reply->AppendAll(bson::DocView(was.Finish()));
    }
  }
  if (set == 0) {
    return Outcome::Fail(Error(ErrorCode::kInvalidOptions,
                               "no option found to set, use help:true to see options "));
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kSetParameterCommand;
const CommandSpec kSetParameterCommand = {
    .name = "setParameter",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "set administrative option(s)",
    .run = Run,
};

}  // namespace septet::commands
