// SPDX-License-Identifier: Apache-2.0
#include "wire/net/io_thread.h"

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "wire/net/buffer_pool.h"

namespace septet::wire {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Runs `fn` on the thread and waits for it.
void RunOn(IoThread* thread, const std::function<void()>& fn) {
  absl::Notification done;
  thread->Post([&] {
    fn();
    done.Notify();
  });
  done.WaitForNotification();
}

TEST(IoThread, PostRunsThereInOrder) {
  IoThread thread("test");
  EXPECT_FALSE(thread.RunningHere());
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    thread.Post([&, i] { order.push_back(i); });
  }
  RunOn(&thread, [&] { EXPECT_TRUE(thread.RunningHere()); });
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(IoThread, TimersFireInTheOrderOfTheirTime) {
  IoThread thread("test");
  std::vector<int> order;
  absl::Notification done;
  RunOn(&thread, [&] {
    thread.After(milliseconds(20), [&] {
      order.push_back(2);
      done.Notify();
    });
    thread.After(milliseconds(1), [&] { order.push_back(1); });
  });
  done.WaitForNotification();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(IoThread, CancelledTimersDoNotFire) {
  IoThread thread("test");
  RunOn(&thread, [&] {
    TimerHandle timer = thread.After(milliseconds(0), [] { FAIL(); });
    EXPECT_TRUE(timer.Cancel());
    EXPECT_FALSE(timer.Cancel());
  });
  // From another thread: exactly one of Cancel and the function wins.
  for (int i = 0; i < 200; ++i) {
    std::atomic<int> runs{0};
    TimerHandle timer = thread.After(std::chrono::microseconds(i), [&] { ++runs; });
    const bool cancelled = timer.Cancel();
    RunOn(&thread, [] {});
    if (cancelled) {
      EXPECT_EQ(runs, 0);
    } else {
      EXPECT_EQ(runs, 1);
    }
  }
  EXPECT_FALSE(TimerHandle().Cancel());
}

TEST(IoThread, CancelFreesWhatTheTimerHolds) {
  IoThread thread("test");
  auto token = std::make_shared<int>(1);
  TimerHandle timer = thread.After(hours(24), [token] {});
  EXPECT_EQ(token.use_count(), 2);
  EXPECT_TRUE(timer.Cancel());
  EXPECT_EQ(token.use_count(), 1);
}

TEST(IoThread, HandlesOutliveTheThread) {
  TimerHandle pending;
  TimerHandle fired;
  auto token = std::make_shared<int>(1);
  {
    IoThread thread("test");
    pending = thread.After(hours(24), [token] {});
    absl::Notification done;
    fired = thread.After(milliseconds(0), [&] { done.Notify(); });
    done.WaitForNotification();
  }
  EXPECT_FALSE(fired.Cancel());
  EXPECT_TRUE(pending.Cancel());
  EXPECT_EQ(token.use_count(), 1);
}

TEST(IoThreads, NextGoesRound) {
  IoThreads threads(3);
  EXPECT_EQ(&threads.Next(), &threads.at(0));
  EXPECT_EQ(&threads.Next(), &threads.at(1));
  EXPECT_EQ(&threads.Next(), &threads.at(2));
  EXPECT_EQ(&threads.Next(), &threads.at(0));
}

TEST(BufferPool, GivesBackTheBestFit) {
  BufferPool pool;
  Buffer small = pool.Take(10'000);
  Buffer large = pool.Take(1'000'000);
  const char* const small_bytes = small.bytes.get();
  const char* const large_bytes = large.bytes.get();
  pool.Give(std::move(small));
  pool.Give(std::move(large));
  EXPECT_EQ(pool.spare_bytes(), 1'010'000u);
  EXPECT_NE(pool.Take(100).bytes.get(), small_bytes);  // too large for so little
  EXPECT_EQ(pool.Take(9'000).bytes.get(), small_bytes);
  EXPECT_EQ(pool.Take(500'000).bytes.get(), large_bytes);
  EXPECT_EQ(pool.spare_bytes(), 0u);
}

TEST(BufferPool, KeepsABoundedAmount) {
  BufferPool pool;
  std::vector<Buffer> taken;
  for (int i = 0; i < 20; ++i) {
    taken.push_back(pool.Take(4096));
  }
  for (Buffer& buffer : taken) {
    pool.Give(std::move(buffer));
  }
  EXPECT_EQ(pool.spare_bytes(), BufferPool::kSpares * 4096);
  pool.Give({std::unique_ptr<char[]>(new char[BufferPool::kSpareBytes]), BufferPool::kSpareBytes});
  EXPECT_EQ(pool.spare_bytes(), BufferPool::kSpares * 4096);
}

}  // namespace
}  // namespace septet::wire
