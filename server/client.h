// SPDX-License-Identifier: Apache-2.0
// What the server keeps with a connection.
// Thread rule: owned by the connection's I/O thread, except `info`, which other threads read under the
// slot's lock (OperationRegistry::ForEach) and which is changed under it.
#pragma once

#include <memory>
#include <string>

#include "commands/command.h"
#include "commands/metrics.h"
#include "commands/operations.h"
#include "commands/replication_info.h"
#include "wire/net/handler.h"

namespace septet::server {

class Dispatcher;
class Operation;

class Client : public wire::ClientState {
 public:
  Client(Dispatcher* dispatcher, wire::Connection* connection);
  ~Client() override;

  // The newest snapshot; fetched again only when it changed.
  const commands::ReplicationSnapshot& replication();
  // The command of that name, or null. Remembers the last one.
  const commands::CommandSpec* FindCommand(std::string_view name);
  commands::CommandCounters* counters() const { return last_counters_; }

  Operation& operation();

  commands::ClientInfo info;
  commands::OperationSlot slot;
  commands::LastError last_error;
  bool has_metadata = false;

 private:
  Dispatcher* const dispatcher_;
  wire::Connection* const connection_;
  uint64_t replication_generation_ = 0;
  commands::ReplicationSnapshotPtr replication_;
  std::string last_name_;
  const commands::CommandSpec* last_spec_ = nullptr;
  commands::CommandCounters* last_counters_ = nullptr;
  std::unique_ptr<Operation> operation_;
};

}  // namespace septet::server
