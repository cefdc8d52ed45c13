// SPDX-License-Identifier: Apache-2.0
#include "replication/core/rollback_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace septet::repl {
namespace {

OpTimeAndWall P(uint32_t inc, int64_t term, int64_t wall = 0) { return {{{1, inc}, term}, wall}; }

class VectorReader : public LogBackwardReader {
 public:
  explicit VectorReader(std::vector<OpTimeAndWall> log) : log_(std::move(log)) {}
  StatusOr<std::optional<OpTimeAndWall>> Next() override {
    if (log_.empty()) {
      return std::optional<OpTimeAndWall>();
    }
    const OpTimeAndWall last = log_.back();
    log_.pop_back();
    return std::optional<OpTimeAndWall>(last);
  }

 private:
  std::vector<OpTimeAndWall> log_;
};

StatusOr<RollbackPlan> Plan(std::vector<OpTimeAndWall> mine, std::vector<OpTimeAndWall> theirs,
                            const RollbackLimits& limits = {}) {
  VectorReader a(std::move(mine));
  VectorReader b(std::move(theirs));
  return MakeRollbackPlan(&a, &b, limits);
}

TEST(RollbackPlan, FindsWhereTheBranchesPart) {
  const auto plan = Plan({P(1, 1), P(2, 1), P(3, 1, 10), P(4, 1, 20)}, {P(1, 1), P(2, 1), P(3, 2)});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->common_point, P(2, 1));
  EXPECT_EQ(plan->entries, 2);
  EXPECT_EQ(plan->first_undone, P(3, 1, 10));
  EXPECT_EQ(plan->last_undone, P(4, 1, 20));
}

TEST(RollbackPlan, AHigherTimestampOfAnOlderTermStillGoes) {
  const auto plan = Plan({P(1, 1), P(90, 1), P(95, 1)}, {P(1, 1), P(2, 2), P(3, 2)});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->common_point, P(1, 1));
  EXPECT_EQ(plan->entries, 2);
}

TEST(RollbackPlan, NothingToUndoIfTheirLogGoesOn) {
  const auto plan = Plan({P(1, 1), P(2, 1)}, {P(1, 1), P(2, 1), P(3, 2)});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->entries, 0);
}

TEST(RollbackPlan, NeverPassesTheCommitPoint) {
  RollbackLimits limits;
  limits.commit_point = P(3, 1).optime;
  const auto plan = Plan({P(1, 1), P(2, 1), P(3, 1), P(4, 1)}, {P(1, 1), P(2, 1), P(3, 2)}, limits);
  EXPECT_EQ(CodeOf(plan.status()), ErrorCode::kUnrecoverableRollbackError);
  limits.commit_point = P(2, 1).optime;
  EXPECT_TRUE(Plan({P(1, 1), P(2, 1), P(3, 1)}, {P(1, 1), P(2, 1), P(3, 2)}, limits).ok());
}

TEST(RollbackPlan, LimitsOfTimeAndOfTheLogs) {
  RollbackLimits limits;
  limits.max_span_millis = 5;
  EXPECT_EQ(CodeOf(Plan({P(1, 1), P(2, 1, 10), P(3, 1, 20)}, {P(1, 1), P(2, 2)}, limits).status()),
            ErrorCode::kUnrecoverableRollbackError);
  EXPECT_EQ(CodeOf(Plan({P(2, 1)}, {P(2, 2)}).status()), ErrorCode::kUnrecoverableRollbackError);
  EXPECT_EQ(CodeOf(Plan({P(1, 1)}, {P(2, 2)}).status()), ErrorCode::kUnrecoverableRollbackError);
}

}  // namespace
}  // namespace septet::repl
