// SPDX-License-Identifier: Apache-2.0
// {getDefaultRWConcern: 1, inMemory?} -> {defaultReadConcern: {level}, defaultWriteConcern: {w, wtimeout},
// defaultReadConcernSource, defaultWriteConcernSource, localUpdateWallClockTime}. S02-087.
#include "base/clock.h"
#include "commands/command.h"
#include "commands/replication_info.h"
#include "commands/services.h"
#include "commands/write_concern.h"

namespace septet::commands {
namespace {

Outcome Run(catalog::Op*, const Services& services, const Request&, bson::DocBuilder* reply) {
  const ReplicationSnapshotPtr replication = services.replication->Snapshot();
  const WriteConcern& wc = replication->default_write_concern;
  {
    const auto read = reply->Object("defaultReadConcern");
    reply->Append("level", "local");
  }
  AppendWriteConcern("defaultWriteConcern", wc, /*with_provenance=*/false, reply);
  reply->Append("defaultWriteConcernSource",
                wc.provenance == WriteConcern::Provenance::kCustomDefault ? "global" : "implicit");
  reply->Append("defaultReadConcernSource", "implicit");
  reply->AppendDate("localUpdateWallClockTime", WallMillis());
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kGetDefaultRwConcernCommand;
const CommandSpec kGetDefaultRwConcernCommand = {
    .name = "getDefaultRWConcern",
    .flags = kAdminOnly | kMaintenanceOk,
    .help = "get the cluster-wide default read and write concern",
    .fields = {"inMemory"},
    .run = Run,
};

}  // namespace septet::commands
