// SPDX-License-Identifier: Apache-2.0
// The threads that serve connections: each runs one io_context of its own. A connection, its timers
// and its callbacks never leave their thread, so none of them needs a lock.
// Thread rule: stated per function.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace septet::wire {

namespace net_internal {
struct IoThreadImpl;
struct TimerImpl;
}  // namespace net_internal

// A timer that was set. Dropping the handle leaves it running.
class TimerHandle {
 public:
  TimerHandle() = default;
  explicit TimerHandle(std::shared_ptr<net_internal::TimerImpl> impl) : impl_(std::move(impl)) {}
  // True if the function will not run any more because of this call. Any thread. On the timer's own
  // thread nothing races: after Cancel() the function has run or never will.
  bool Cancel();
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  std::shared_ptr<net_internal::TimerImpl> impl_;
};

// What one thread moved over its sockets. Written by that thread only; read by any.
struct alignas(64) NetworkCounters {
  std::atomic<int64_t> bytes_in{0};           // after decompression
  std::atomic<int64_t> bytes_out{0};          // before compression
  std::atomic<int64_t> physical_bytes_in{0};  // as on the socket
  std::atomic<int64_t> physical_bytes_out{0};
  std::atomic<int64_t> requests{0};
  // By CompressorId: bytes before and after packing replies and unpacking requests.
  struct Compression {
    std::atomic<int64_t> packed_from{0}, packed_to{0};
    std::atomic<int64_t> unpacked_from{0}, unpacked_to{0};
  };
  std::array<Compression, 4> compression;

  // One writer: no locked instruction needed.
  static void Add(std::atomic<int64_t>& counter, int64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

class IoThread {
 public:
  // `name` is shown by the operating system (15 bytes) and in the log.
  explicit IoThread(std::string name);
  ~IoThread();  // stops and joins
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Runs `fn` on this thread, soon, in the order of calls. Any thread.
  void Post(std::function<void()> fn);
  // Runs `fn` on this thread after `delay`. Any thread.
  TimerHandle After(std::chrono::nanoseconds delay, std::function<void()> fn);
  // Whether the caller is this thread.
  bool RunningHere() const;

  // Ends the thread once what runs now has returned; what was posted before runs on the caller then, timers
  // do not. Not from the thread itself.
  void Stop();

  NetworkCounters& counters() { return counters_; }
  net_internal::IoThreadImpl& impl() { return *impl_; }

 private:
  NetworkCounters counters_;
  std::string name_;
  std::shared_ptr<net_internal::IoThreadImpl> impl_;  // timers keep a weak one
};

// The pool: `count` threads named "<prefix>-0", "<prefix>-1", ...
class IoThreads {
 public:
  explicit IoThreads(size_t count, std::string_view prefix = "conn");
  ~IoThreads();

  size_t size() const { return threads_.size(); }
  IoThread& at(size_t i) { return *threads_[i]; }
  // The next one in turn. Any thread.
  IoThread& Next();
  void Stop();

 private:
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::atomic<size_t> next_{0};
};

}  // namespace septet::wire
