// SPDX-License-Identifier: Apache-2.0
#include "server/worker_pool.h"

#include "base/log.h"
#include "base/strings.h"

namespace septet::server {

WorkerPool::WorkerPool(size_t max_threads) : max_threads_(max_threads) {}

WorkerPool::~WorkerPool() { Stop(); }

void WorkerPool::Post(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) {
    return;
  }
  tasks_.push_back(std::move(task));
  if (tasks_.size() > idle_ && threads_.size() < max_threads_) {
    const size_t number = threads_.size();
    threads_.emplace_back([this, number] { Loop(number); });
  }
}

void WorkerPool::Stop() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

size_t WorkerPool::queued() const {
  absl::MutexLock lock(&mutex_);
  return tasks_.size();
}

size_t WorkerPool::busy() const {
  absl::MutexLock lock(&mutex_);
  return threads_.size() - idle_;
}

void WorkerPool::Loop(size_t number) {
  log::SetThreadContext(StrCat("worker-", number));
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      ++idle_;
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !tasks_.empty();
      };
      mutex_.Await(absl::Condition(&ready));
      --idle_;
      if (tasks_.empty()) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace septet::server
