// SPDX-License-Identifier: Apache-2.0
#include "server/client.h"

#include "base/strings.h"
#include "commands/services.h"
#include "server/dispatcher.h"
#include "server/operation.h"

namespace septet::server {
namespace {

commands::ClientInfo InfoOfConnection(const wire::ConnectionFacts& facts) {
  commands::ClientInfo info;
  info.connection_id = facts.id;
  info.remote = facts.remote;
  info.local = facts.is_loopback;
  return info;
}

}  // namespace

Client::Client(Dispatcher* dispatcher, wire::Connection* connection)
    : info(InfoOfConnection(connection->facts())),
      slot(&info, {}),
      dispatcher_(dispatcher),
      connection_(connection) {
  dispatcher_->services().operations->Add(&slot);
}

Client::~Client() { dispatcher_->services().operations->Remove(&slot); }

const commands::ReplicationSnapshot& Client::replication() {
  commands::ReplicationInfo* source = dispatcher_->services().replication;
  const uint64_t generation = source->generation();
  if (replication_ == nullptr || generation != replication_generation_) {
    replication_ = source->Snapshot();
    replication_generation_ = generation;
  }
  return *replication_;
}

const commands::CommandSpec* Client::FindCommand(std::string_view name) {
  if (last_spec_ != nullptr && name == last_name_) {
    return last_spec_;
  }
  const commands::CommandSpec* spec = commands::FindCommand(name);
  if (spec != nullptr) {
    last_name_ = name;
    last_spec_ = spec;
    last_counters_ = dispatcher_->services().metrics->ForCommand(spec);
  }
  return spec;
}

Operation& Client::operation() {
  if (operation_ == nullptr) {
    operation_ = std::make_unique<Operation>(dispatcher_, this, connection_);
  }
  return *operation_;
}

}  // namespace septet::server
