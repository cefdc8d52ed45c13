// SPDX-License-Identifier: Apache-2.0
// The commit point: the newest position that can no longer be rolled back.
//
// Invariants: it never goes back while the process lives; a leader moves it only to an entry of its own
// term (Raft's rule: an older entry on a majority may still be overwritten); a follower takes it over
// only when it is sure to be on the branch that contains it:
//   (a) from its sync source, after a batch: as it is if its term is not newer than my newest entry's,
//       else no further than what I have (my log is a prefix of the source's);
//   (b) from a heartbeat: only if its term is the term of my own newest entry;
//   (c) an arbiter, having no log: always.
// Breaking (a) or (b) lets a member on a stale branch learn a commit point it does not contain, and then
// roll back behind it. Source: replication.md 6.1.
// Thread rule: owned by one thread.
#pragma once

#include "replication/core/optime.h"
#include "replication/core/progress.h"

namespace septet::repl {

class CommitPoint {
 public:
  const OpTimeAndWall& value() const { return value_; }
  // The first position of the term this member leads; Max() until it may write.
  const OpTime& first_of_term() const { return first_of_term_; }

  // Won an election: nothing may be committed until the first entry of the own term is known.
  void OnElected() { first_of_term_ = OpTime::Max(); }
  void OnWritable(const OpTime& first_of_term) { first_of_term_ = first_of_term; }

  // Each returns true if the commit point moved.
  // Leader. `which`: durable, or written if writeConcernMajorityJournalDefault is false.
  bool AdvanceAsLeader(const Progress& progress, Progress::Which which);
  bool LearnFromSyncSource(const OpTimeAndWall& theirs, const OpTimeAndWall& my_written);
  bool LearnFromHeartbeat(const OpTimeAndWall& theirs, const OpTime& my_written);
  bool LearnAsArbiter(const OpTimeAndWall& theirs);

  // For the simulator's mutation run only, never called by the product: drops the own-term rule.
  void TestOnlyIgnoreOwnTermRule() { own_term_rule_ = false; }

 private:
  bool MoveTo(const OpTimeAndWall& to);

  OpTimeAndWall value_;
  OpTime first_of_term_ = OpTime::Max();
  bool own_term_rule_ = true;
};

}  // namespace septet::repl
