// SPDX-License-Identifier: Apache-2.0
// What each member of the set has of the log, as far as this member knows.
//
// Invariant: for another member, a known position never goes back while the member keeps its _id and
// host: a position counts only for the term it was written in, and a member that voted in a later term
// says so (the term travels with the position), so a stale higher position of the same term is harmless.
// This member's own position may go back (rollback).
// Source: replication.md 1.8, 4.4, 6.1; the progress tracker of a Raft leader for the idea.
// Thread rule: owned by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replication/core/optime.h"

namespace septet::repl {

using Tags = std::vector<std::pair<std::string, std::string>>;  // in the config's order

// The part of a member's configuration that counting needs.
struct MemberSpec {
  int id = 0;
  std::string host;
  bool voter = true;        // votes: 1 and not newly added
  bool bears_data = true;   // not an arbiter
  Tags tags;
};

struct MemberProgress {
  MemberSpec spec;
  OpTimeAndWall written;    // = applied: an entry and its data are written at once
  OpTimeAndWall durable;    // after fsync
  int64_t term = kUninitializedTerm;  // the member's own current term when it said so
  std::optional<TimePoint> alive_at;  // the last sign of life, direct or forwarded
};

class Progress {
 public:
  enum class Which { kWritten, kDurable };

  // Installs a config. Members that keep id and host keep what is known of them.
  void Configure(std::vector<MemberSpec> specs, int self_id);

  // This member's own position; may go back.
  void SetSelf(const OpTimeAndWall& written, const OpTimeAndWall& durable);
  // Another member's position, from a heartbeat or a (forwarded) position report. Returns true if a
  // position moved. Unknown ids are ignored.
  bool Advance(int id, const OpTimeAndWall& written, const OpTimeAndWall& durable, int64_t term);
  // The member starts from nothing (initial sync): it must not help a write concern.
  void Forget(int id);
  void MarkAlive(int id, TimePoint when);

  const std::vector<MemberProgress>& members() const { return members_; }  // in the config's order
  const MemberProgress* Find(int id) const;
  int self_id() const { return self_id_; }

  int voters() const { return voters_; }
  int arbiters() const { return voting_arbiters_; }
  int data_members() const { return data_members_; }
  int majority_votes() const { return voters_ / 2 + 1; }
  int writable_voters() const { return voters_ - voting_arbiters_; }
  // How many data-bearing voters make a write "majority".
  int write_majority() const {
    return majority_votes() < writable_voters() ? majority_votes() : writable_voters();
  }

  // The newest position that at least `count` members have; null if fewer exist. Cheap: at most 50
  // members, no allocation.
  OpTimeAndWall ReachedBy(int count, Which which, bool voters_only) const;
  // The newest position at which, for each (tag key, n), the members that have it show at least n
  // distinct values of the key.
  OpTime ReachedByTags(const std::vector<std::pair<std::string, int>>& pattern, Which which) const;

 private:
  MemberProgress* FindMutable(int id);

  std::vector<MemberProgress> members_;
  int self_id_ = -1;
  int voters_ = 0;
  int voting_arbiters_ = 0;
  int data_members_ = 0;
};

inline const OpTimeAndWall& PositionOf(const MemberProgress& m, Progress::Which which) {
  return which == Progress::Which::kWritten ? m.written : m.durable;
}

}  // namespace septet::repl
