// SPDX-License-Identifier: Apache-2.0
// May this command run here and now? The checks that do not depend on what it does: database, member
// state, session and transaction fields, concerns. In a server's order, with its texts.
// Thread rule: pure.
#pragma once

#include "base/status.h"
#include "commands/command.h"
#include "commands/generic_args.h"
#include "commands/replication_info.h"

namespace septet::server {

struct AdmissionFacts {
  const commands::CommandSpec* spec = nullptr;
  const commands::Generic* generic = nullptr;
  const commands::Request* request = nullptr;
  const commands::ReplicationSnapshot* replication = nullptr;
  bool require_api_version = false;
  bool accept_api_version_2 = false;
};

// Errors: Unauthorized (13, admin only), NotWritablePrimary (10107), NotPrimaryNoSecondaryOk (13435),
// NotPrimaryOrSecondary (13436), InvalidOptions (72), IllegalOperation (20), 50768, 50889, 263, 322.
Status Admit(const AdmissionFacts& facts);

// "not primary" for clients that said helloOk, else "not master" (S01-049).
Status NotPrimaryError(const commands::Request& request);

}  // namespace septet::server
