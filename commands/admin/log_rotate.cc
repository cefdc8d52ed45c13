// SPDX-License-Identifier: Apache-2.0
// {logRotate: 1 | "server", comment?}: begins a new log file, as SIGUSR1 does. S02-106.
// {logApplicationMessage: "text"}: writes a line into the log. S02-102.
#include "base/log.h"
#include "base/strings.h"
#include "commands/command.h"
#include "commands/server_control.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

Outcome Rotate(catalog::Op*, const Services& services, const Request& request, bson::DocBuilder*) {
  const bson::ValueView target = request.body.FirstElement().value();
  if (target.is_string() && target.AsString() != "server") {
    return Outcome::Fail(Error(ErrorCode::kBadValue,
                               StrCat("Unknown log type '", target.AsString(), "'")));
  }
  return Outcome::Of(services.server->RotateLog());
}

Outcome LogMessage(catalog::Op*, const Services&, const Request& request, bson::DocBuilder*) {
  const bson::ValueView text = request.body.FirstElement().value();
  if (!text.is_string()) {
    return Outcome::Fail(Error(ErrorCode::kBadValue, "logApplicationMessage must be a string"));
  }
  P_LOG(kInfo, kCommand, 5060500, "Log message from an application", {"msg", text.AsString()});
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kLogRotateCommand;
const CommandSpec kLogRotateCommand = {
    .name = "logRotate",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "rotates log files",
    .run = Rotate,
};

extern const CommandSpec kLogApplicationMessageCommand;
const CommandSpec kLogApplicationMessageCommand = {
    .name = "logApplicationMessage",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "Insert a custom message into the server log",
    .run = LogMessage,
};

}  // namespace septet::commands
