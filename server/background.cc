// SPDX-License-Identifier: Apache-2.0
#include "server/background.h"

#include <algorithm>

#include "absl/time/time.h"
#include "base/log.h"

namespace septet::server {

Background::~Background() { Stop(); }

void Background::Add(std::string name, std::function<std::chrono::milliseconds()> interval,
                     std::function<void()> run) {
  tasks_.push_back({std::move(name), std::move(interval), std::move(run), {}});
}

void Background::Start() {
  const auto now = std::chrono::steady_clock::now();
  for (Task& task : tasks_) {
    task.due = now + task.interval();
  }
  thread_ = std::thread([this] { Loop(); });
}

void Background::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool Background::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void Background::Loop() {
  log::SetThreadContext("background");
  while (!tasks_.empty()) {
    Task& next = *std::min_element(tasks_.begin(), tasks_.end(),
                                   [](const Task& a, const Task& b) { return a.due < b.due; });
    {
      absl::MutexLock lock(&mutex_);
      const auto wait = next.due - std::chrono::steady_clock::now();
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(wait))) {
        return;
      }
    }
    next.run();
    // An interval that was made shorter meanwhile counts from now.
    next.due = std::chrono::steady_clock::now() + next.interval();
  }
}

}  // namespace septet::server
