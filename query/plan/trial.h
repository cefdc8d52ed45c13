// SPDX-License-Identifier: Apache-2.0
// Choosing between candidate plans by running each for a while: the plan that gives most rows per unit of
// work wins, one that reaches its end wins at once. Source: manual "query plans".
#pragma once

#include <vector>

#include "query/exec/node.h"

namespace septet::query {

struct TrialResult {
  size_t winner = 0;
  // The winner with the rows it gave already in front.
  NodePtr root;
  int64_t works = 0;
  std::vector<NodePtr> rejected;
};

// Requires at least one plan. `budget`: works per plan at most.
StatusOr<TrialResult> RunTrial(std::vector<NodePtr> plans, ExecContext* ctx, int64_t budget,
                               bool keep_rejected);

// Gives buffered rows, then goes on with the plan. `stage_name` and explain are the plan's.
struct BufferedRow {
  std::string document;
  catalog::RecordId rid = 0;
  MatchDetails match;
};
NodePtr MakeReplay(NodePtr plan, std::vector<BufferedRow> rows, bool ended);

}  // namespace septet::query
