// SPDX-License-Identifier: Apache-2.0
// ReplicationInfo of a member of a replica set: turns the election driver's snapshots into what hello and
// admission need, and answers for write concerns.
// Thread rule: thread-safe.
#pragma once

#include "commands/replication_info.h"
#include "replication/driver/replication_driver.h"
#include "replication/oplog/positions.h"
#include "replication/oplog/sequencer.h"

namespace septet::server {

class ReplicaSetInfo : public commands::ReplicationInfo {
 public:
  ReplicaSetInfo(std::string set_name, repl::Positions* positions, repl::Sequencer* sequencer);
  // Before the driver starts.
  void SetDriver(repl::ReplicationDriver* driver) { driver_ = driver; }
  void OnTopology(const repl::SnapshotPtr& snapshot);

  Status CheckWriteConcern(const commands::WriteConcern& wc) override;
  Status ValidateWriteConcern(const commands::WriteConcern& wc) override;
  bool IsSatisfied(const commands::WriteConcern& wc, const repl::OpTime& optime) override;
  WaiterId WaitForWriteConcern(const commands::WriteConcern& wc, const repl::OpTime& optime,
                               std::function<void(Status)> done) override;
  void CancelWriteConcernWait(WaiterId id) override;

 private:
  // {w: 1, j: true}: only this member's journal counts. Ids of those waits are odd, others even.
  static bool OwnJournalOnly(const commands::WriteConcern& wc);

  const std::string set_name_;
  const bson::ObjectId process_id_;
  repl::Positions* const positions_;
  repl::Sequencer* const sequencer_;
  repl::ReplicationDriver* driver_ = nullptr;
};

}  // namespace septet::server
