// SPDX-License-Identifier: Apache-2.0
// Sections of replSetGetStatus that stand by themselves.
#pragma once

#include "bson/builder.h"
#include "election/snapshot.h"
#include "replication/driver/sync_status.h"

namespace septet::commands {

// initialSyncStatus: while it runs, or always if `asked`.
void AppendInitialSync(const repl::InitialSyncStatus& status, bool asked, bson::DocBuilder* out);
// electionCandidateMetrics and electionParticipantMetrics.
void AppendElectionMetrics(const election::Snapshot& snapshot, bson::DocBuilder* out);

}  // namespace septet::commands
