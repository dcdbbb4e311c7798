// SPDX-License-Identifier: Apache-2.0
//
// The only mutex of the project: annotated, so that clang's -Wthread-safety checks every use.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/time.h"

#if defined(__clang__)
#define TRIVET_ANNOTATION(x) __attribute__((x))
#else
#define TRIVET_ANNOTATION(x)
#endif
#define GUARDED_BY(x) TRIVET_ANNOTATION(guarded_by(x))
#define REQUIRES_LOCK(x) TRIVET_ANNOTATION(requires_capability(x))
#define EXCLUDES_LOCK(x) TRIVET_ANNOTATION(locks_excluded(x))

namespace trivet {

class TRIVET_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() TRIVET_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() TRIVET_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class TRIVET_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TRIVET_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() TRIVET_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with the mutex held; always with a deadline (I16), in a loop over the condition.
class CondVar {
 public:
  // False when `timeout` passed without a notification.
  bool wait_for(Mutex& mutex, Millis timeout) REQUIRES_LOCK(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool notified = condition_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace trivet
