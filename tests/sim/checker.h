// SPDX-License-Identifier: Apache-2.0
// What must hold after every step, whatever happens (replication.md 10.3; the numbers are its list's):
//  1 one leader per term            5 positions grow in a log       9 an acknowledgement is true
//  2 one vote per member and term   6 a leader writes its term only 10 the commit point never goes back,
//  3 terms never go back            7 a leader has all committed       and is on the member's branch
//  4 logs match                     8 no committed entry is undone  11 a leader commits its own term
//                                                                   12 rollback stops at the commit point
// The checker sees the truth (all logs, all disks); members see only messages. The first breach is kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "election/node.h"
#include "tests/sim/log.h"

namespace septet::sim {

class Checker {
 public:
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void Fail(std::string what) {
    if (failure_.empty()) {
      failure_ = std::move(what);
    }
  }

  // Before and after every Node::Step. `log` is the member's.
  void BeforeStep(int member, const election::Node& node);
  void OnStep(int member, const election::Node& node, const Log& log);
  void OnRestart(int member, const election::Node& node);
  // Its disk is lost: what it promised in a former life still binds it.
  void OnWipe(int member) { Of(member) = PerMember(); }
  void OnVote(int member, int64_t term, const std::string& candidate);
  void OnAppend(int member, const Log& log, bool as_leader, int64_t node_term);
  void OnDurable(int member, const Log& log, size_t from);
  void OnLeaderElect(int member, int64_t term, const Log& log);
  void OnCommitPoint(int member, const election::Node& node, const Log& log);
  void OnRollback(int member, const Log& before, const OpTime& common, const OpTime& known_commit);
  // The client was told that `optime` satisfies w: `count` members (0: majority).
  void OnAcknowledged(int member, const OpTime& optime, int count, bool durable, const Log& log);

  // Every majority-acknowledged entry is in the log.
  void CheckAcknowledged(int member, const Log& log);
  int64_t acknowledged() const { return static_cast<int64_t>(acknowledged_.size()); }
  int64_t elections() const { return static_cast<int64_t>(leader_of_term_.size()); }
  const OpTime& max_committed() const { return max_committed_; }

 private:
  struct PerMember {
    int64_t term = -1;
    int64_t voted_term = -1;
    OpTime commit_point;
    int64_t led_term = -1;   // before the current step; a step may commit and then step down
    election::LeaderMode mode = election::LeaderMode::kNotLeader;
  };
  PerMember& Of(int member);

  std::string failure_;
  std::vector<PerMember> members_;
  std::map<int64_t, int> leader_of_term_;
  std::map<std::pair<int, int64_t>, std::string> votes_;
  std::map<OpTime, uint64_t> chain_at_;       // 4: position -> hash of the prefix up to it
  std::map<OpTime, uint32_t> had_written_;    // members that ever had the entry, as bits
  std::map<OpTime, uint32_t> had_durable_;
  std::map<int64_t, OpTime> committed_by_term_;  // leader's term -> newest it committed
  OpTime max_committed_;
  std::map<OpTime, uint64_t> acknowledged_;   // majority-acknowledged -> chain
};

}  // namespace septet::sim
