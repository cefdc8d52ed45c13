// SPDX-License-Identifier: Apache-2.0
#include "wire/net/io_thread.h"

#include <pthread.h>

#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "wire/net/io_thread_impl.h"

namespace septet::wire {

namespace net_internal {

// `settled` is won by exactly one of Cancel and the expiry; the winner owns `fn`. The Asio timer
// lives in its own callback, so a handle may outlive the thread.
struct TimerImpl {
  explicit TimerImpl(const std::shared_ptr<IoThreadImpl>& owner) : thread(owner) {}

  std::weak_ptr<IoThreadImpl> thread;
  std::function<void()> fn;
  std::atomic<bool> settled{false};
  IoTimer* timer = nullptr;  // while it runs; touched on its thread only
};

namespace {

void StartTimer(IoThreadImpl* thread, const std::shared_ptr<TimerImpl>& impl,
                std::chrono::steady_clock::time_point when) {
  if (impl->settled.load()) {
    return;  // cancelled before it got here
  }
  auto timer = std::make_unique<IoTimer>(thread->context.get_executor(), when);
  impl->timer = timer.get();
  impl->timer->async_wait([impl, timer = std::move(timer)](const IoError&) {
    impl->timer = nullptr;
    if (!impl->settled.exchange(true)) {
      const std::function<void()> fn = std::move(impl->fn);
      fn();
    }
  });
}

void StopTimer(const TimerImpl& impl) {
  if (impl.timer != nullptr) {
    impl.timer->cancel();
  }
}

}  // namespace
}  // namespace net_internal

bool TimerHandle::Cancel() {
  if (impl_ == nullptr || impl_->settled.exchange(true)) {
    return false;
  }
  impl_->fn = nullptr;
  const std::shared_ptr<net_internal::IoThreadImpl> thread = impl_->thread.lock();
  if (thread == nullptr) {
    return true;
  }
  if (thread->RunningHere()) {
    net_internal::StopTimer(*impl_);
  } else {
    asio::post(thread->context, [timer = impl_] { net_internal::StopTimer(*timer); });
  }
  return true;
}

IoThread::IoThread(std::string name)
    : name_(std::move(name)), impl_(std::make_shared<net_internal::IoThreadImpl>()) {
  impl_->thread = std::thread([this, impl = impl_.get()] {
    impl->id.store(std::this_thread::get_id(), std::memory_order_relaxed);
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    log::SetThreadContext(name_);
    impl->context.run();
  });
}

IoThread::~IoThread() {
  Stop();
}

void IoThread::Post(std::function<void()> fn) {
  asio::post(impl_->context, std::move(fn));
}

TimerHandle IoThread::After(std::chrono::nanoseconds delay, std::function<void()> fn) {
  const auto when = std::chrono::steady_clock::now() + delay;
  auto timer = std::make_shared<net_internal::TimerImpl>(impl_);
  timer->fn = std::move(fn);
  if (RunningHere()) {
    net_internal::StartTimer(impl_.get(), timer, when);
  } else {
    asio::post(impl_->context, [thread = impl_.get(), timer, when] {
      net_internal::StartTimer(thread, timer, when);
    });
  }
  return TimerHandle(std::move(timer));
}

bool IoThread::RunningHere() const {
  return impl_->RunningHere();
}

void IoThread::Stop() {
  impl_->work.reset();
  impl_->context.stop();
  if (impl_->thread.joinable()) {
    impl_->thread.join();
    // What was posted before still runs: an operation that is never woken keeps its connection alive.
    impl_->context.restart();
    impl_->context.poll();
  }
}

IoThreads::IoThreads(size_t count, std::string_view prefix) {
  threads_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<IoThread>(StrCat(prefix, "-", i)));
  }
}

IoThreads::~IoThreads() {
  Stop();
}

IoThread& IoThreads::Next() {
  return *threads_[next_.fetch_add(1, std::memory_order_relaxed) % threads_.size()];
}

void IoThreads::Stop() {
  for (const auto& thread : threads_) {
    thread->Stop();
  }
}

}  // namespace septet::wire
