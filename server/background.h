// SPDX-License-Identifier: Apache-2.0
// Work that comes back every so often: idle cursors, idle sessions, expired documents. One thread; a task
// that takes long delays the others.
// Thread rule: Add before Start; tasks run on the background thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace septet::server {

class Background {
 public:
  Background() = default;
  ~Background();  // Stop()
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // `interval` is asked again after each run.
  void Add(std::string name, std::function<std::chrono::milliseconds()> interval,
           std::function<void()> run);
  void Start();
  void Stop();
  // True once Stop was called: long tasks look now and then.
  bool stopping() const;

 private:
  struct Task {
    std::string name;
    std::function<std::chrono::milliseconds()> interval;
    std::function<void()> run;
    std::chrono::steady_clock::time_point due;
  };
  void Loop();

  std::vector<Task> tasks_;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace septet::server
