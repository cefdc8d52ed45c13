// SPDX-License-Identifier: Apache-2.0
// Who waits for which write concern, and who is satisfied now.
//
// Waiters are grouped by what they ask for ({w, j} seldom takes more than a few values). For each group
// the furthest position that satisfies it is computed once per change, then waiters are popped in order:
// a change costs O(groups * members), not O(waiters).
// A waiter's position must be of the current term; on step-down FailAll answers all with 189.
// Source: replication.md 6.3.
// Thread rule: owned by one thread (the driver guards it with its lock).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "replication/core/optime.h"
#include "replication/core/progress.h"

namespace septet::repl {

// A tagged mode of settings.getLastErrorModes: for each tag key, how many distinct values.
struct TagMode {
  std::string name;
  std::vector<std::pair<std::string, int>> pattern;
  bool operator==(const TagMode&) const = default;
};

struct WriteConcern {
  enum class Kind { kNumber, kMajority, kMode };
  Kind kind = Kind::kMajority;
  int w = 1;            // kNumber; 0 is satisfied at once
  std::string mode;     // kMode
  // j: unset means "durable" for majority iff writeConcernMajorityJournalDefault, else "written".
  enum class Journal { kUnset, kNo, kYes };
  Journal journal = Journal::kUnset;
};

class WriteConcernQueue {
 public:
  using WaiterId = uint64_t;

  // A config was installed. Waiters whose mode is gone, or whose w is now more than the set has, stay
  // until their deadline, as their write is done already.
  void Configure(std::vector<TagMode> modes, bool majority_journal_default);

  // Whether the set could ever satisfy it. Errors: UnsatisfiableWriteConcern (100),
  // UnknownReplWriteConcern (79), both to be reported as writeConcernError.
  Status CheckSatisfiable(const WriteConcern& concern, const Progress& progress) const;

  // Is `optime` covered now?
  bool IsSatisfied(const WriteConcern& concern, const OpTime& optime, const Progress& progress,
                   const OpTime& commit_point) const;
  // Ids are the caller's and unique.
  void Add(WaiterId id, const WriteConcern& concern, const OpTime& optime);
  void Remove(WaiterId id);

  // Call after every change of progress or commit point: moves the ids of waiters that are satisfied to
  // `*done`. majority = the commit point reached the position; that a majority read sees it is for the
  // caller to wait for (Positions, kCommitted).
  void TakeSatisfied(const Progress& progress, const OpTime& commit_point,
                     std::vector<WaiterId>* done);
  // Step-down: all waiters leave; answer them PrimarySteppedDown (189).
  void TakeAll(std::vector<WaiterId>* all);

  size_t size() const { return by_id_.size(); }

 private:
  // What a waiter asks for, in comparable form.
  struct Group {
    WriteConcern::Kind kind = WriteConcern::Kind::kMajority;
    int w = 0;
    std::string mode;
    bool durable = false;
    auto operator<=>(const Group&) const = default;
  };
  Group GroupOf(const WriteConcern& concern) const;
  OpTime Reached(const Group& group, const Progress& progress, const OpTime& commit_point) const;
  const TagMode* FindMode(std::string_view name) const;

  std::vector<TagMode> modes_;
  bool majority_journal_default_ = true;
  std::map<Group, std::map<std::pair<OpTime, WaiterId>, char>> groups_;
  std::map<WaiterId, std::pair<Group, OpTime>> by_id_;
};

}  // namespace septet::repl
