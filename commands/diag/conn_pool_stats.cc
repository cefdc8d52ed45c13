// SPDX-License-Identifier: Apache-2.0
// {connPoolStats: 1}: connections from this server to others. S02-099. Those between members of a set are
// single, not pooled, so the pools are empty; the fields are those tools read.
#include "commands/command.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services&, const Request&, bson::DocBuilder* reply) {
  for (const std::string_view field :
       {"numClientConnections", "numAScopedConnections", "totalInUse", "totalAvailable",
        "totalLeased", "totalCreated", "totalRefreshing"}) {
    reply->Append(field, 0);
  }
  {
    const auto pools = reply->Object("pools");
  }
  {
    const auto hosts = reply->Object("hosts");
  }
  reply->Append("numReplicaSetMonitorsCreated", 0);
  const auto sets = reply->Object("replicaSets");
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kConnPoolStatsCommand;
const CommandSpec kConnPoolStatsCommand = {
    .name = "connPoolStats",
    .flags = kMaintenanceOk,
    .help = "stats about connections between servers in a replica set or sharded cluster.",
    .run = Run,
};

}  // namespace septet::commands
