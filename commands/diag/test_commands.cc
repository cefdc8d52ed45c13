// SPDX-License-Identifier: Apache-2.0
// Commands for the tests of drivers, only with enableTestCommands (S02-118):
// {sleep: 1, millis? | secs? | seconds?} waits; {echo: ...} -> {echo: <the command>};
// {testVersion2: 1}, {testDeprecation: 1}, {testDeprecationInVersion2: 1}, {testRemoval: 1}
// answer ok and stand in the versions of the API that their names say.
#include "bson/number.h"
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Nothing(catalog::Op*, const Services&, const Request&, bson::DocBuilder*) {
  return Outcome::Ok();
}

Outcome Echo(catalog::Op*, const Services&, const Request& request, bson::DocBuilder* reply) {
  reply->Append("echo", request.body);
  return Outcome::Ok();
}

Outcome Sleep(catalog::Op* op, const Services&, const Request& request, bson::DocBuilder*) {
  int64_t millis = 10'000;
  for (const std::string_view field : {"millis", "secs", "seconds"}) {
    if (const bson::ValueView v = request.body[field]; v.is_number()) {
      millis = bson::ToInt64Clamped(v) * (field == "millis" ? 1 : 1000);
    }
  }
  return {Suspend{.wait = WaitBackoff{std::chrono::milliseconds(millis)},
                  .resume = [op](bool) { return Outcome::Of(op->interrupt.CheckNow()); }}};
}

}  // namespace

extern const CommandSpec kSleepCommand;
const CommandSpec kSleepCommand = {.name = "sleep",
                                   .flags = kAdminOnly | kMaintenanceOk | kTestOnly,
                                   .help = "internal testing command. Makes db block for some time",
                                   .run = Sleep};

extern const CommandSpec kEchoCommand;
const CommandSpec kEchoCommand = {.name = "echo",
                                  .flags = kMaintenanceOk | kTestOnly,
                                  .help = "a way to get back what was sent",
                                  .run = Echo};

extern const CommandSpec kTestDeprecationCommand;
const CommandSpec kTestDeprecationCommand = {.name = "testDeprecation",
                                             .flags = kMaintenanceOk | kTestOnly,
                                             .help = "in API Version 1, deprecated there",
                                             .api_version = "1",
                                             .deprecated_api_version = "1",
                                             .run = Nothing};

extern const CommandSpec kTestDeprecationInVersion2Command;
const CommandSpec kTestDeprecationInVersion2Command = {.name = "testDeprecationInVersion2",
                                                       .flags = kMaintenanceOk | kTestOnly,
                                                       .help = "deprecated in API Version 2",
                                                       .api_version = "2",
                                                       .deprecated_api_version = "2",
                                                       .run = Nothing};

extern const CommandSpec kTestRemovalCommand;
const CommandSpec kTestRemovalCommand = {.name = "testRemoval",
                                         .flags = kMaintenanceOk | kTestOnly,
                                         .help = "in API Version 1 only",
                                         .api_version = "1",
                                         .run = Nothing};

extern const CommandSpec kTestVersion2Command;
const CommandSpec kTestVersion2Command = {.name = "testVersion2",
                                          .flags = kMaintenanceOk | kTestOnly,
                                          .help = "in API Version 2 only",
                                          .api_version = "2",
                                          .run = Nothing};

}  // namespace septet::commands
