// SPDX-License-Identifier: Apache-2.0
#include "replication/core/apply_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace septet::repl {
namespace {

using Kind = ApplyOp::Kind;

TEST(ApplyPlan, CommandsStandAlone) {
  const std::vector<ApplyOp> batch = {{Kind::kDocument, "c", "1"},
                                      {Kind::kDocument, "c", "2"},
                                      {Kind::kAlone, "", ""},
                                      {Kind::kAlone, "", ""},
                                      {Kind::kDocument, "c", "1"}};
  const auto plan = MakeApplyPlan(batch, 4);
  ASSERT_EQ(plan.size(), 4u);
  EXPECT_FALSE(plan[0].alone);
  EXPECT_TRUE(plan[1].alone);
  EXPECT_EQ(plan[1].lanes, (std::vector<std::vector<uint32_t>>{{2}}));
  EXPECT_EQ(plan[3].lanes, (std::vector<std::vector<uint32_t>>{{4}}));
  EXPECT_TRUE(MakeApplyPlan({}, 4).empty());
}

// Any batch: every operation once; one document or serial collection in one lane, in order.
TEST(ApplyPlan, KeepsTheOrderOfEachDocument) {
  Random random(3);
  const std::string collections[] = {"a", "b", "capped"};
  const std::string ids[] = {"1", "2", "3", "4", "5"};
  for (int round = 0; round < 200; ++round) {
    std::vector<ApplyOp> batch;
    for (int i = 0; i < 60; ++i) {
      const std::string& c = collections[random.Uniform(3)];
      batch.push_back({random.OneIn(0.05)  ? Kind::kAlone
                       : c == "capped" ? Kind::kSerial
                                       : Kind::kDocument,
                       c, ids[random.Uniform(5)]});
    }
    size_t seen = 0;
    uint32_t first_of_step = 0;
    for (const ApplyStep& step : MakeApplyPlan(batch, 1 + static_cast<int>(random.Uniform(8)))) {
      std::map<std::string, size_t> lane_of;
      uint32_t last = first_of_step;
      for (size_t lane = 0; lane < step.lanes.size(); ++lane) {
        std::map<std::string, uint32_t> newest;
        for (const uint32_t i : step.lanes[lane]) {
          const ApplyOp& op = batch[i];
          ++seen;
          EXPECT_GE(i, first_of_step);
          last = std::max(last, i);
          EXPECT_EQ(step.alone, op.kind == Kind::kAlone);
          const std::string key =
              std::string(op.collection) + (op.kind == Kind::kSerial ? "" : "/" + std::string(op.id_key));
          const auto [it, inserted] = lane_of.emplace(key, lane);
          EXPECT_TRUE(inserted || it->second == lane) << key;
          const auto [n, first] = newest.emplace(key, i);
          EXPECT_TRUE(first || n->second < i);
          n->second = i;
        }
      }
      first_of_step = last + 1;
    }
    EXPECT_EQ(seen, batch.size());
  }
}

}  // namespace
}  // namespace septet::repl
