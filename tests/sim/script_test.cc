// SPDX-License-Identifier: Apache-2.0
// Runs tests/sim/election/*.txt and compares the traces.
// SEPTET_REWRITE=1 in the environment writes the present traces into the files, for review.
#include "tests/sim/script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace septet::sim {
namespace {

std::vector<std::string> Files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SEPTET_ELECTION_SCRIPTS)) {
    if (entry.path().extension() == ".txt") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ElectionScript : public testing::TestWithParam<std::string> {};

TEST_P(ElectionScript, GivesItsTrace) {
  const std::string path = std::string(SEPTET_ELECTION_SCRIPTS) + "/" + GetParam() + ".txt";
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  const StatusOr<std::string> now = RunScript(text.str());
  ASSERT_TRUE(now.ok()) << now.status();
  if (std::getenv("SEPTET_REWRITE") != nullptr) {
    std::ofstream(path) << *now;
    return;
  }
  EXPECT_EQ(*now, text.str());
}

INSTANTIATE_TEST_SUITE_P(Files, ElectionScript, testing::ValuesIn(Files()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace septet::sim
