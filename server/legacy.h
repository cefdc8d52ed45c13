// SPDX-License-Identifier: Apache-2.0
// The opcodes of wire version 0: OP_QUERY on collections, OP_GET_MORE, OP_KILL_CURSORS, OP_INSERT,
// OP_UPDATE, OP_DELETE. Each becomes the command of today that does the same; its reply becomes an
// OP_REPLY, or what getLastError will tell. Surface 1.4 (S01-038..S01-045).
// Thread rule: the connection's I/O thread.
#pragma once

#include <memory>

#include "server/client.h"
#include "wire/net/handler.h"

namespace septet::server {

class Dispatcher;

void HandleLegacy(Dispatcher* dispatcher, const std::shared_ptr<wire::Connection>& connection,
                  Client* client, wire::Request&& request);

}  // namespace septet::server
