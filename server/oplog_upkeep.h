// SPDX-License-Identifier: Apache-2.0
// Keeps the oplog and what hangs on it within bounds: whole chunks go from its front when it is larger
// than its size and older than its retention; inverse records and dropped collections go when the commit
// point has passed them; an idle primary writes a no-op now and then, so that the cluster time, and with
// it causally consistent reads on secondaries, goes on.
// Source: manual, "Replica Set Oplog" (size, minimum retention period), "periodic noop".
// Thread rule: one thread at a time.
#pragma once

#include "server/core.h"

namespace septet::server {

// One round. Errors are logged and left to the next round.
void KeepOplog(Core* core);

// A primary whose newest entry is older than periodicNoopIntervalSecs writes {msg: "periodic noop"}.
void WritePeriodicNoop(Core* core);

}  // namespace septet::server
