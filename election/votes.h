// SPDX-License-Identifier: Apache-2.0
// Counting the answers of one round of votes (dry or real).
// Thread rule: owned by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace septet::election {

class VoteCount {
 public:
  enum class Result { kPending, kWon, kLost };

  VoteCount() = default;
  // `voters`: ids that may vote, the candidate among them if it votes. `must_agree`: an id whose yes is
  // needed besides the majority, or -1.
  VoteCount(std::vector<int> voters, int must_agree = -1);

  // The first answer of a voter counts; strangers and repeats are ignored.
  void Yes(int id) { Record(id, Answer::kYes); }
  void No(int id) { Record(id, Answer::kNo); }
  void Unreachable(int id) { Record(id, Answer::kUnreachable); }

  int needed() const { return static_cast<int>(votes_.size()) / 2 + 1; }
  // kLost as soon as a majority of yes can no longer come.
  Result result() const;
  // Ids that said yes or no.
  std::vector<int> Answered() const;

 private:
  enum class Answer : uint8_t { kNone, kYes, kNo, kUnreachable };
  void Record(int id, Answer answer);

  std::vector<std::pair<int, Answer>> votes_;
  int must_agree_ = -1;
};

}  // namespace septet::election
