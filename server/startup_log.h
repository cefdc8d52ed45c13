// SPDX-License-Identifier: Apache-2.0
// What the log says at the start: the lines tools look for (S11-049) and the warnings shown by shells
// (S11-044).
// Thread rule: main thread.
#pragma once

#include "commands/server_control.h"
#include "server/options.h"

namespace septet::server {

void LogStart(const ServerOptions& options, const commands::ProcessFacts& facts);
// None of the warnings about access when only this machine can reach the server: there they would only
// teach people to overlook them.
void LogStartupWarnings(const ServerOptions& options);
// Whether ::1 can be bound on this machine.
bool HasIpv6Loopback();

}  // namespace septet::server
