// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/checker.h"

#include <bit>

#include "base/strings.h"

namespace septet::sim {
namespace {

uint32_t Bit(int member) { return 1u << static_cast<unsigned>(member); }

uint32_t MaskAt(const std::map<OpTime, uint32_t>& masks, const OpTime& optime) {
  const auto it = masks.find(optime);
  return it == masks.end() ? 0 : it->second;
}

}  // namespace

Checker::PerMember& Checker::Of(int member) {
  if (members_.size() <= static_cast<size_t>(member)) {
    members_.resize(static_cast<size_t>(member) + 1);
  }
  return members_[static_cast<size_t>(member)];
}

void Checker::BeforeStep(int member, const election::Node& node) {
  Of(member).led_term = node.is_leader() ? node.term() : -1;
}

void Checker::OnStep(int member, const election::Node& node, const Log& log) {
  PerMember& m = Of(member);
  if (node.term() < m.term) {
    Fail(StrCat("(3) term of n", member, " went from ", m.term, " to ", node.term()));
  }
  m.term = node.term();
  if (log.durable() > log.entries().size()) {
    Fail(StrCat("(15) n", member, " has more durable entries than entries"));
  }
  const bool was_leader = m.mode != election::LeaderMode::kNotLeader;
  m.mode = node.leader_mode();
  if (!was_leader && node.is_leader()) {
    OnLeaderElect(member, node.term(), log);
  }
}

void Checker::OnRestart(int member, const election::Node& node) {
  PerMember& m = Of(member);
  // A term that was only heard of may be forgotten; a vote and an entry may not.
  if (node.term() < m.voted_term) {
    Fail(StrCat("(3) n", member, " restarted in term ", node.term(), " after voting in ",
                m.voted_term));
  }
  m.term = node.term();
  m.commit_point = {};
  m.mode = election::LeaderMode::kNotLeader;
}

void Checker::OnVote(int member, int64_t term, const std::string& candidate) {
  PerMember& m = Of(member);
  m.voted_term = std::max(m.voted_term, term);
  const auto [it, inserted] = votes_.emplace(std::make_pair(member, term), candidate);
  if (!inserted && it->second != candidate) {
    Fail(StrCat("(2) n", member, " voted in term ", term, " for ", it->second, " and ", candidate));
  }
}

void Checker::OnAppend(int member, const Log& log, bool as_leader, int64_t node_term) {
  const auto& entries = log.entries();
  const Entry& e = entries.back();
  if (entries.size() > 1) {
    const OpTime& before = entries[entries.size() - 2].optime;
    if (e.optime.term < before.term || e.optime.ts <= before.ts) {
      Fail(StrCat("(5) n", member, " wrote ", e.optime.ToString(), " after ", before.ToString()));
    }
  }
  if (as_leader && e.optime.term != node_term) {
    Fail(StrCat("(6) n", member, " in term ", node_term, " wrote ", e.optime.ToString()));
  }
  const auto [it, inserted] = chain_at_.emplace(e.optime, e.chain);
  if (!inserted && it->second != e.chain) {
    Fail(StrCat("(4) n", member, " has another history up to ", e.optime.ToString()));
  }
  had_written_[e.optime] |= Bit(member);
}

void Checker::OnDurable(int member, const Log& log, size_t from) {
  for (size_t i = from; i < log.durable(); ++i) {
    had_durable_[log.entries()[i].optime] |= Bit(member);
  }
}

void Checker::OnLeaderElect(int member, int64_t term, const Log& log) {
  const auto [it, inserted] = leader_of_term_.emplace(term, member);
  if (!inserted && it->second != member) {
    Fail(StrCat("(1) n", it->second, " and n", member, " both lead term ", term));
  }
  OpTime newest;
  for (const auto& [leader_term, committed] : committed_by_term_) {
    if (leader_term < term) {
      newest = std::max(newest, committed);
    }
  }
  if (newest.IsNull()) {
    return;
  }
  const Entry* e = log.Find(newest);
  if (e == nullptr || e->chain != chain_at_.at(newest)) {
    Fail(StrCat("(7) n", member, " leads term ", term, " without the committed entry ",
                newest.ToString()));
  }
}

void Checker::OnCommitPoint(int member, const election::Node& node, const Log& log) {
  PerMember& m = Of(member);
  const OpTime commit = node.commit_point().optime;
  if (commit < m.commit_point) {
    Fail(StrCat("(10) commit point of n", member, " went from ", m.commit_point.ToString(), " to ",
                commit.ToString()));
  }
  m.commit_point = commit;
  const Entry* mine = log.Find(commit);
  // A step may commit and then step down, or step down and then learn as a follower.
  const int64_t before = m.led_term == commit.term ? m.led_term : -1;
  const int64_t led_term = node.is_leader() ? node.term() : before;
  if (led_term >= 0) {
    if (commit.term != led_term) {
      Fail(StrCat("(11) n", member, " in term ", led_term, " committed ", commit.ToString()));
    }
    int have = 0;
    const uint32_t durable = MaskAt(had_durable_, commit);
    for (const repl::MemberProgress& p : node.progress().members()) {
      // Member ids are the simulator's numbers.
      have += p.spec.voter && p.spec.bears_data && (durable & Bit(p.spec.id)) != 0 ? 1 : 0;
    }
    if (have < node.progress().write_majority()) {
      Fail(StrCat("(8) n", member, " committed ", commit.ToString(), " with ", have,
                  " durable copies of ", node.progress().write_majority(), " needed"));
    }
    OpTime& by_term = committed_by_term_[led_term];
    by_term = std::max(by_term, commit);
    max_committed_ = std::max(max_committed_, commit);
    return;
  }
  if (commit > max_committed_) {
    Fail(StrCat("(10) n", member, " takes ", commit.ToString(), " for committed, but nobody committed it"));
  }
  if (!log.empty() && commit <= log.Top() && mine == nullptr) {
    Fail(StrCat("(10) commit point ", commit.ToString(), " is not on the branch of n", member));
  }
}

void Checker::OnRollback(int member, const Log& before, const OpTime& common,
                         const OpTime& known_commit) {
  if (common < known_commit) {
    Fail(StrCat("(12) n", member, " rolls back to ", common.ToString(), ", before its commit point ",
                known_commit.ToString()));
  }
  for (const auto& [optime, chain] : acknowledged_) {
    const Entry* e = optime > common ? before.Find(optime) : nullptr;
    if (e != nullptr && e->chain == chain) {
      Fail(StrCat("(8) n", member, " rolls back the acknowledged entry ", optime.ToString()));
    }
  }
}

void Checker::OnAcknowledged(int member, const OpTime& optime, int count, bool durable,
                             const Log& log) {
  const uint32_t mask = MaskAt(durable ? had_durable_ : had_written_, optime);
  if (std::popcount(mask) < count) {
    Fail(StrCat("(9) n", member, " acknowledged w:", count, " at ", optime.ToString(), " with ",
                std::popcount(mask), " copies"));
  }
  if (count == 0) {
    const Entry* e = log.Find(optime);
    if (e == nullptr) {
      Fail(StrCat("(9) n", member, " acknowledged ", optime.ToString(), " without having it"));
      return;
    }
    acknowledged_.emplace(optime, e->chain);
  }
}

void Checker::CheckAcknowledged(int member, const Log& log) {
  for (const auto& [optime, chain] : acknowledged_) {
    const Entry* e = log.Find(optime);
    if (e == nullptr || e->chain != chain) {
      Fail(StrCat("(8) in the end n", member, " lacks the acknowledged entry ", optime.ToString()));
      return;
    }
  }
}

}  // namespace septet::sim
