// SPDX-License-Identifier: Apache-2.0
// Makes ThreadSanitizer understand abseil's locks. Debian's abseil is not instrumented, so without
// this every datum guarded by an absl::Mutex would be reported as a race. In TSan builds the linker
// sends our calls of the functions below here (cmake/compiler.cmake, --wrap); each calls the real
// one and tells the sanitizer what it orders. Conditions of Await run inside abseil, in whichever
// thread holds the lock: their reads are hidden from the sanitizer.
#if defined(SEPTET_TSAN)

#include <sanitizer/tsan_interface.h>

#include <type_traits>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

// Debian's RocksDB is not instrumented either, and what its lock-free memtables order is not seen: every
// read of a key beside a write would be reported. Reports with a frame inside the library are left out; our
// own locks around it are seen as ever.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "called_from_lib:librocksdb.so\n";
}

extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace {

using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::Time;

class IgnoreReads {
 public:
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

// What a call orders: takes the lock, gives it, or both (a wait).
enum class Order { kAcquire, kRelease, kBoth };

template <Order kOrder, typename Real, typename Object>
auto Call(Real real, Object* object) {
  void* const key = const_cast<void*>(static_cast<const void*>(object));
  if (kOrder != Order::kAcquire) {
    __tsan_release(key);
  }
  const auto run = [&] {
    const IgnoreReads hidden;
    return real(object);
  };
  if constexpr (std::is_void_v<decltype(run())>) {
    run();
    if (kOrder != Order::kRelease) {
      __tsan_acquire(key);
    }
  } else {
    const auto result = run();
    if (kOrder != Order::kRelease) {
      __tsan_acquire(key);
    }
    return result;
  }
}

}  // namespace

#define P_REAL(symbol) __asm__("__real_" #symbol)
#define P_WRAP(symbol) __asm__("__wrap_" #symbol)

// P_WRAP0: no argument beside the object; P_WRAP1: one.
#define P_WRAP0(result, id, object, symbol, order)                          \
  result Real##id(object*) P_REAL(symbol);                                  \
  result Wrap##id(object* self) P_WRAP(symbol);                             \
  result Wrap##id(object* self) {                                           \
    return Call<Order::order>([](object* o) { return Real##id(o); }, self); \
  }
#define P_WRAP1(result, id, object, argument, symbol, order)                     \
  result Real##id(object*, argument) P_REAL(symbol);                             \
  result Wrap##id(object* self, argument a) P_WRAP(symbol);                      \
  result Wrap##id(object* self, argument a) {                                    \
    return Call<Order::order>([&a](object* o) { return Real##id(o, a); }, self); \
  }
#define P_WRAP2(result, id, object, argument, second, symbol, order)                   \
  result Real##id(object*, argument, second) P_REAL(symbol);                           \
  result Wrap##id(object* self, argument a, second b) P_WRAP(symbol);                  \
  result Wrap##id(object* self, argument a, second b) {                                \
    return Call<Order::order>([&a, b](object* o) { return Real##id(o, a, b); }, self); \
  }

P_WRAP0(void, Lock, Mutex, _ZN4absl7debian35Mutex4LockEv, kAcquire)
P_WRAP0(void, Unlock, Mutex, _ZN4absl7debian35Mutex6UnlockEv, kRelease)
P_WRAP0(bool, TryLock, Mutex, _ZN4absl7debian35Mutex7TryLockEv, kAcquire)
P_WRAP0(void, ReaderLock, Mutex, _ZN4absl7debian35Mutex10ReaderLockEv, kAcquire)
P_WRAP0(void, ReaderUnlock, Mutex, _ZN4absl7debian35Mutex12ReaderUnlockEv, kRelease)
P_WRAP0(bool, ReaderTryLock, Mutex, _ZN4absl7debian35Mutex13ReaderTryLockEv, kAcquire)
P_WRAP1(void, Await, Mutex, const Condition&, _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE, kBoth)
P_WRAP2(bool, AwaitTimeout, Mutex, const Condition&, Duration,
        _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE, kBoth)
P_WRAP2(bool, AwaitDeadline, Mutex, const Condition&, Time,
        _ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, kBoth)
P_WRAP1(void, LockWhen, Mutex, const Condition&, _ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE,
        kAcquire)
P_WRAP2(bool, LockWhenTimeout, Mutex, const Condition&, Duration,
        _ZN4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE, kAcquire)
P_WRAP2(bool, LockWhenDeadline, Mutex, const Condition&, Time,
        _ZN4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE, kAcquire)
P_WRAP0(void, Notify, Notification, _ZN4absl7debian312Notification6NotifyEv, kRelease)
P_WRAP0(void, NotificationWait, const Notification,
        _ZNK4absl7debian312Notification19WaitForNotificationEv, kAcquire)
P_WRAP1(bool, NotificationWaitTimeout, const Notification, Duration,
        _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE, kAcquire)

// A CondVar orders through its mutex.
void RealWait(CondVar*, Mutex*) P_REAL(_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE);
void WrapWait(CondVar* self, Mutex* mutex) P_WRAP(_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE);
void WrapWait(CondVar* self, Mutex* mutex) {
  Call<Order::kBoth>([self](Mutex* m) { RealWait(self, m); }, mutex);
}
bool RealWaitTimeout(CondVar*, Mutex*, Duration)
    P_REAL(_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE);
bool WrapWaitTimeout(CondVar* self, Mutex* mutex, Duration timeout)
    P_WRAP(_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE);
bool WrapWaitTimeout(CondVar* self, Mutex* mutex, Duration timeout) {
  return Call<Order::kBoth>([self, timeout](Mutex* m) { return RealWaitTimeout(self, m, timeout); },
                            mutex);
}
bool RealWaitDeadline(CondVar*, Mutex*, Time)
    P_REAL(_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE);
bool WrapWaitDeadline(CondVar* self, Mutex* mutex, Time deadline)
    P_WRAP(_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE);
bool WrapWaitDeadline(CondVar* self, Mutex* mutex, Time deadline) {
  return Call<Order::kBoth>(
      [self, deadline](Mutex* m) { return RealWaitDeadline(self, m, deadline); }, mutex);
}

#endif
