// SPDX-License-Identifier: Apache-2.0
#include "base/worker.h"

#include <pthread.h>

#include <utility>

namespace trivet {

Worker::Worker(std::string name, std::size_t capacity) : capacity_(capacity) {
  name.resize(std::min<std::size_t>(name.size(), 15));
  thread_ = std::thread([this, name] {
    pthread_setname_np(pthread_self(), name.c_str());
    run();
  });
}

Worker::~Worker() {
  stop();
}

bool Worker::post(Task task) {
  return post_after(Millis(0), std::move(task));
}

bool Worker::post_after(Millis delay, Task task) {
  const MutexLock lock(mutex_);
  if (stopping_ || tasks_.size() >= capacity_) {
    return false;
  }
  tasks_.emplace(Due(std::chrono::steady_clock::now() + delay, sequence_++), std::move(task));
  changed_.notify_one();
  return true;
}

void Worker::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    tasks_.clear();
    changed_.notify_one();
  }
  if (thread_.joinable() && !on_this_thread()) {
    thread_.join();
  }
}

void Worker::run() {
  for (;;) {
    Task task;
    {
      const MutexLock lock(mutex_);
      for (;;) {
        if (stopping_) {
          return;
        }
        const auto now = std::chrono::steady_clock::now();
        if (!tasks_.empty() && tasks_.begin()->first.first <= now) {
          break;
        }
        const auto wait = tasks_.empty()
                              ? Millis(1000)
                              : std::chrono::ceil<Millis>(tasks_.begin()->first.first - now);
        changed_.wait_for(mutex_, std::min(wait, Millis(1000)));
      }
      task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
    }
    task();
  }
}

}  // namespace trivet
