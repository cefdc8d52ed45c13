// SPDX-License-Identifier: Apache-2.0
#include "commands/session_cache.h"

#include <gtest/gtest.h>

namespace septet::commands {
namespace {

TEST(SessionCacheTest, S08_003_IdleSessionsEnd) {
  SessionCache cache({.max_sessions = 10, .timeout_millis = 1000});
  std::vector<std::string> ended;
  cache.OnEnd([&](const std::vector<std::string>& ids) {
    ended.insert(ended.end(), ids.begin(), ids.end());
  });
  ASSERT_TRUE(cache.Touch("a", 0).ok());
  ASSERT_TRUE(cache.Touch("b", 500).ok());
  EXPECT_EQ(cache.Reap(999), 0);
  EXPECT_EQ(cache.Reap(1000), 1);
  EXPECT_EQ(ended, std::vector<std::string>{"a"});
  ASSERT_TRUE(cache.Touch("b", 1400).ok());
  EXPECT_EQ(cache.Reap(1500), 0);
  EXPECT_EQ(cache.size(), 1);
  cache.End("b");
  cache.End("never seen");
  EXPECT_EQ(cache.size(), 0);
}

TEST(SessionCacheTest, S01_069_TooManySessions) {
  SessionCache cache({.max_sessions = 1, .timeout_millis = 1000});
  ASSERT_TRUE(cache.Touch("a", 0).ok());
  ASSERT_TRUE(cache.Touch("a", 1).ok());
  EXPECT_EQ(CodeOf(cache.Touch("b", 1)), ErrorCode::kTooManyLogicalSessions);
  cache.EndAll();
  EXPECT_TRUE(cache.Touch("b", 1).ok());
}

}  // namespace
}  // namespace septet::commands
