// SPDX-License-Identifier: Apache-2.0
#include "commands/write_gate.h"

#include <gtest/gtest.h>

#include <thread>

namespace septet::commands {
namespace {

TEST(WriteGateTest, S02_105_LockWaitsForWritesAndKeepsOthersOut) {
  WriteGate gate;
  ASSERT_TRUE(gate.Enter());
  EXPECT_FALSE(gate.Lock(std::chrono::milliseconds(1)));  // a write runs
  EXPECT_EQ(gate.lock_count(), 0);
  std::thread locker([&] { EXPECT_TRUE(gate.Lock(std::chrono::seconds(60))); });
  gate.Leave();
  locker.join();
  EXPECT_FALSE(gate.Enter());
  int woken = 0;
  gate.WaitUnlocked([&] { ++woken; });
  gate.CancelWait(gate.WaitUnlocked([&] { ++woken; }));
  ASSERT_TRUE(gate.Lock(std::chrono::seconds(60)));
  EXPECT_EQ(gate.Unlock(), 1);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(gate.Unlock(), 0);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(gate.Unlock(), -1);
  EXPECT_TRUE(gate.Enter());
  gate.WaitUnlocked([&] { ++woken; });
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace septet::commands
