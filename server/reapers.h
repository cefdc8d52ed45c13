// SPDX-License-Identifier: Apache-2.0
// The standing background work: idle cursors, idle sessions, the oplog, expired documents.
// Thread rule: AddReapers before Background::Start.
#pragma once

#include "server/background.h"
#include "server/core.h"

namespace septet::server {

// Both outlive the background thread.
void AddReapers(Core* core, Background* background);

}  // namespace septet::server
