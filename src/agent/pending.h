// SPDX-License-Identifier: Apache-2.0
//
// One question at a time, asked on a thread of its own, that may take longer than anybody waits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"

namespace trivet::agent {

// ask, take and asked_at on one thread. The destructor waits for the question that runs.
template <typename T>
class Pending {
 public:
  explicit Pending(std::string name) : worker_(std::move(name)) {}

  // Unless one is asked already.
  void ask(Instant now, std::function<T()> question) {
    if (asked_at_) {
      return;
    }
    asked_at_ = now;
    worker_.post([this, question = std::move(question)] {
      T answer = question();
      const MutexLock lock(mutex_);
      answer_ = std::move(answer);
      answered_.notify_all();
    });
  }

  // The answer, once; nullopt when there is none by `until`: the question stays asked then.
  std::optional<T> take(const Clock& clock, Instant until) {
    const MutexLock lock(mutex_);
    while (!answer_) {
      const Millis left = std::chrono::ceil<Millis>(until - clock.now());
      if (left.count() <= 0) {
        return std::nullopt;
      }
      answered_.wait_for(mutex_, left);
    }
    asked_at_.reset();
    return std::exchange(answer_, std::nullopt);
  }

  std::optional<Instant> asked_at() const { return asked_at_; }

 private:
  std::optional<Instant> asked_at_;
  Mutex mutex_;
  CondVar answered_;
  std::optional<T> answer_ GUARDED_BY(mutex_);
  Worker worker_;  // the last: it stops before what it uses goes
};

}  // namespace trivet::agent
