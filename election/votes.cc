// SPDX-License-Identifier: Apache-2.0
#include "election/votes.h"

namespace septet::election {

VoteCount::VoteCount(std::vector<int> voters, int must_agree) : must_agree_(must_agree) {
  votes_.reserve(voters.size());
  for (const int id : voters) {
    votes_.emplace_back(id, Answer::kNone);
  }
}

void VoteCount::Record(int id, Answer answer) {
  for (auto& [voter, vote] : votes_) {
    if (voter == id && vote == Answer::kNone) {
      vote = answer;
      return;
    }
  }
}

VoteCount::Result VoteCount::result() const {
  int yes = 0;
  int open = 0;
  bool agreed = must_agree_ < 0;
  for (const auto& [voter, vote] : votes_) {
    yes += vote == Answer::kYes ? 1 : 0;
    open += vote == Answer::kNone ? 1 : 0;
    if (voter == must_agree_) {
      if (vote == Answer::kNo || vote == Answer::kUnreachable) {
        return Result::kLost;
      }
      agreed = vote == Answer::kYes;
    }
  }
  if (yes + open < needed()) {
    return Result::kLost;
  }
  return yes >= needed() && agreed ? Result::kWon : Result::kPending;
}

std::vector<int> VoteCount::Answered() const {
  std::vector<int> ids;
  for (const auto& [voter, vote] : votes_) {
    if (vote == Answer::kYes || vote == Answer::kNo) {
      ids.push_back(voter);
    }
  }
  return ids;
}

}  // namespace septet::election
