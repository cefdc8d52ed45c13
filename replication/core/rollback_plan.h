// SPDX-License-Identifier: Apache-2.0
// What must be undone to join another member's branch of history: walks both logs from their newest
// entries back to the newest position they share.
//
// Invariant: a plan never passes the commit point this member knows; such a log cannot be joined, and the
// member must stop (UnrecoverableRollbackError). Source: replication.md 5.1, 10.3 (12).
// Thread rule: a pure function; it blocks as long as its readers do.
#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "replication/core/optime.h"

namespace septet::repl {

// A log read from its newest entry towards its oldest.
class LogBackwardReader {
 public:
  virtual ~LogBackwardReader() = default;
  // The next older entry's position; nullopt at the oldest one kept. Errors: whatever the reader meets
  // (network, killed cursor); the plan fails with it and may be tried again.
  virtual StatusOr<std::optional<OpTimeAndWall>> Next() = 0;
};

struct RollbackLimits {
  OpTime commit_point;                       // known to this member; null if none
  int64_t max_span_millis = 86'400'000;      // rollbackTimeLimitSecs, of the branch rolled back
};

struct RollbackPlan {
  OpTimeAndWall common_point;  // the newest entry that stays
  int64_t entries = 0;         // how many of mine go
  OpTimeAndWall first_undone;  // the oldest of them; null if none
  OpTimeAndWall last_undone;   // the newest of them; null if none
};

// Errors: UnrecoverableRollbackError (127) if there is no common point, if it is older than the commit
// point, or if the branch spans more wall time than allowed.
StatusOr<RollbackPlan> MakeRollbackPlan(LogBackwardReader* mine, LogBackwardReader* theirs,
                                        const RollbackLimits& limits);

}  // namespace septet::repl
