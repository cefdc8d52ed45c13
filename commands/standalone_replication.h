// SPDX-License-Identifier: Apache-2.0
// ReplicationInfo of a server without a set name: always writable; a write concern asks at most for the
// journal. Source: the manual's page "Write Concern", section "Standalone" (S08-044).
// Thread rule: thread-safe.
#pragma once

#include "commands/replication_info.h"
#include "replication/oplog/positions.h"
#include "replication/oplog/sequencer.h"

namespace septet::commands {

class StandaloneReplication : public ReplicationInfo {
 public:
  // Both may be null: a server without data.
  StandaloneReplication(repl::Positions* positions, repl::Sequencer* sequencer);

  Status CheckWriteConcern(const WriteConcern& wc) override;
  Status ValidateWriteConcern(const WriteConcern& wc) override;
  bool IsSatisfied(const WriteConcern& wc, const repl::OpTime& optime) override;
  WaiterId WaitForWriteConcern(const WriteConcern& wc, const repl::OpTime& optime,
                               std::function<void(Status)> done) override;
  void CancelWriteConcernWait(WaiterId id) override;

 private:
  repl::Positions* const positions_;
  repl::Sequencer* const sequencer_;
};

}  // namespace septet::commands
