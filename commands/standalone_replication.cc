// SPDX-License-Identifier: Apache-2.0
#include "commands/standalone_replication.h"

#include "bson/view.h"

namespace septet::commands {

using Kind = repl::WriteConcern::Kind;
using Journal = repl::WriteConcern::Journal;

StandaloneReplication::StandaloneReplication(repl::Positions* positions,
                                             repl::Sequencer* sequencer)
    : positions_(positions), sequencer_(sequencer) {
  auto snapshot = std::make_shared<ReplicationSnapshot>();
  snapshot->process_id = bson::ObjectId::Generate();
  snapshot->default_write_concern.concern.kind = Kind::kNumber;
  Publish(std::move(snapshot));
}

Status StandaloneReplication::CheckWriteConcern(const WriteConcern&) { return OkStatus(); }

Status StandaloneReplication::ValidateWriteConcern(const WriteConcern& wc) {
  if (wc.concern.kind == Kind::kNumber && wc.concern.w > 1) {
    return Error(ErrorCode::kBadValue, "cannot use 'w' > 1 when a host is not replicated");
  }
  if (wc.concern.kind == Kind::kMode) {
    return Error(ErrorCode::kBadValue,
                 "cannot use non-majority 'w' mode " + wc.concern.mode +
                     " when a host is not a member of a replica set");
  }
  return OkStatus();
}

bool StandaloneReplication::IsSatisfied(const WriteConcern& wc, const repl::OpTime& optime) {
  if (wc.concern.journal != Journal::kYes || positions_ == nullptr) {
    return true;
  }
  return positions_->durable().optime >= optime;
}

ReplicationInfo::WaiterId StandaloneReplication::WaitForWriteConcern(
    const WriteConcern&, const repl::OpTime& optime, std::function<void(Status)> done) {
  const WaiterId id = positions_->WaitFor(repl::Positions::Which::kDurable, optime,
                                          [done = std::move(done)] { done(OkStatus()); });
  if (sequencer_ != nullptr) {
    sequencer_->RequestSync();
  }
  return id;
}

void StandaloneReplication::CancelWriteConcernWait(WaiterId id) {
  if (positions_ != nullptr) {
    positions_->CancelWait(id);
  }
}

}  // namespace septet::commands
