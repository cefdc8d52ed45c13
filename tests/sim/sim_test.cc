// SPDX-License-Identifier: Apache-2.0
// The simulator's own tests: seeds run clean and replay exactly; broken rules are noticed.
#include <gtest/gtest.h>

#include <string>

#include "base/strings.h"
#include "tests/sim/cluster.h"

namespace septet::sim {
namespace {

struct Result {
  std::string failure;
  uint64_t hash;
  Cluster::Totals totals;
};

Result RunSeed(uint64_t seed, Mutation mutation = Mutation::kNone) {
  SimOptions options = OptionsFor(seed);
  options.mutation = mutation;
  Cluster cluster(options);
  const std::string failure = cluster.Run();
  return {failure, cluster.trace_hash(), cluster.totals()};
}

constexpr uint64_t kSeeds = 200;

TEST(Sim, SeedsRunClean) {
  Cluster::Totals totals;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Result r = RunSeed(seed);
    ASSERT_EQ(r.failure, "") << "replay: septet_sim --seed " << seed;
    totals.Add(r.totals);
  }
  // A quiet run would prove nothing.
  EXPECT_GT(totals.elections, 500) << totals.ToString();
  EXPECT_GT(totals.rollbacks, 20) << totals.ToString();
  EXPECT_GT(totals.reconfigs, 20) << totals.ToString();
  EXPECT_GT(totals.acknowledged, 5'000) << totals.ToString();
}

TEST(Sim, ASeedReplaysExactly) {
  for (const uint64_t seed : {3u, 7u, 11u}) {
    EXPECT_EQ(RunSeed(seed).hash, RunSeed(seed).hash) << seed;
  }
  EXPECT_NE(RunSeed(3).hash, RunSeed(7).hash);
}

class Mutations : public testing::TestWithParam<Mutation> {};

TEST_P(Mutations, IsNoticed) {
  uint64_t seed = 1;
  std::string failure;
  while (seed <= kSeeds && failure.empty()) {
    failure = RunSeed(seed++, GetParam()).failure;
  }
  EXPECT_NE(failure, "") << "no seed noticed " << MutationName(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, Mutations,
                         testing::Values(Mutation::kVoteNotDurable, Mutation::kCommitOlderTerm,
                                         Mutation::kCountWritten),
                         [](const auto& param) {
                           std::string name(MutationName(param.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace septet::sim
