// SPDX-License-Identifier: Apache-2.0
// {serverStatus: 1, <section>: 0 | 1, ...} -> {host, version, process, pid, uptime, ..., <sections>}.
// S02-089; sections: surface 11.8 (S11-068..S11-088), in server_status_sections.cc.
#include "commands/diag/server_status.h"

#include "base/clock.h"
#include "commands/command.h"
#include "commands/server_control.h"
#include "commands/version.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const ProcessFacts& facts = services.server->facts();
  const int64_t up_millis = (MonotonicMicros() - facts.start_monotonic_micros) / 1000;
  reply->Append("host", facts.host).Append("version", kCompatibleVersion);
  reply->Append("process", "mongod").Append("pid", facts.pid);
  reply->Append("uptime", static_cast<double>(up_millis / 1000));
  reply->Append("uptimeMillis", up_millis).Append("uptimeEstimate", up_millis / 1000);
  reply->AppendDate("localTime", WallMillis());
  for (const StatusSection& section : StatusSections()) {
    const bson::ValueView wish = request.body[section.name];
    if (wish.missing() ? section.on_by_default : wish.Truthy()) {
      section.append(section.name, services, reply);
    }
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kServerStatusCommand;
const CommandSpec kServerStatusCommand = {
    .name = "serverStatus",
    .flags = kMaintenanceOk,
    .help = "returns lots of administrative server statistics",
    .run = Run,
};

}  // namespace septet::commands
