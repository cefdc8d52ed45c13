// SPDX-License-Identifier: Apache-2.0
// Threads for what must not run on an I/O thread: commands whose time slice is used up, blocking stages,
// index builds, waits for locks. Threads are started as needed, up to a maximum, and kept.
// Thread rule: thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace septet::server {

class WorkerPool {
 public:
  explicit WorkerPool(size_t max_threads);
  ~WorkerPool();  // runs what is queued, then joins

  // Runs `task` on some thread, in the order of calls as far as threads are free.
  void Post(std::function<void()> task);
  // Ends the threads; later tasks are dropped.
  void Stop();

  size_t queued() const;
  size_t busy() const;

 private:
  void Loop(size_t number);

  const size_t max_threads_;
  mutable absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace septet::server
