// SPDX-License-Identifier: Apache-2.0
// The fail point failCommand: what a request has to suffer because a driver's test asked for it.
// Data: {failCommands: [name...], errorCode, errorLabels, errorExtraInfo, writeConcernError, closeConnection,
// blockConnection, blockTimeMS, appName, namespace, failInternalCommands, failLocalClients}.
// Source: the drivers' "Fail Point" documentation; S02-115.
// Thread rule: pure apart from the fail point's own counters.
#pragma once

#include <string>

#include "base/failpoint.h"
#include "commands/command.h"

namespace septet::server {

struct FailCommandDecision {
  bool hit = false;
  bool close_connection = false;
  int error_code = 0;               // 0 = run the command
  int64_t block_millis = 0;
  bool has_labels = false;
  std::string labels;               // encoded array, replaces the server's labels
  std::string extra_info;           // encoded document merged into the error
  std::string write_concern_error;  // encoded document for the reply
};

FailCommandDecision DecideFailCommand(FailPoints* points, const commands::CommandSpec& spec,
                                      const commands::Request& request);

}  // namespace septet::server
