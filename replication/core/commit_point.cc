// SPDX-License-Identifier: Apache-2.0
#include "replication/core/commit_point.h"

namespace septet::repl {

bool CommitPoint::AdvanceAsLeader(const Progress& progress, Progress::Which which) {
  const OpTimeAndWall reached =
      progress.ReachedBy(progress.write_majority(), which, /*voters_only=*/true);
  if (own_term_rule_ && reached.optime < first_of_term_) {
    return false;
  }
  return MoveTo(reached);
}

bool CommitPoint::LearnFromSyncSource(const OpTimeAndWall& theirs, const OpTimeAndWall& my_written) {
  if (theirs.optime.term > my_written.optime.term) {
    return MoveTo(theirs.optime < my_written.optime ? theirs : my_written);
  }
  return MoveTo(theirs);
}

bool CommitPoint::LearnFromHeartbeat(const OpTimeAndWall& theirs, const OpTime& my_written) {
  return theirs.optime.term == my_written.term && MoveTo(theirs);
}

bool CommitPoint::LearnAsArbiter(const OpTimeAndWall& theirs) { return MoveTo(theirs); }

bool CommitPoint::MoveTo(const OpTimeAndWall& to) {
  if (to.optime.IsNull() || to.optime <= value_.optime) {
    return false;
  }
  value_ = to;
  return true;
}

}  // namespace septet::repl
