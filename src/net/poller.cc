// SPDX-License-Identifier: Apache-2.0
#include "net/poller.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"
#include "base/clock.h"

namespace trivet::net {
namespace {

constexpr int kEventsAtOnce = 64;
// An upper bound of every wait, whatever the timers say.
constexpr int kWaitMsMax = 60'000;

Instant now() {
  return SystemClock().now();
}

}  // namespace

Poller::Poller(std::string name)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TRIVET_ASSERT(epoll_ && wake_up_);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  TRIVET_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_up_.get(), &event) == 0);
  name.resize(std::min<std::size_t>(name.size(), 15));
  thread_ = std::thread([this, name] {
    pthread_setname_np(pthread_self(), name.c_str());
    run();
  });
}

Poller::~Poller() {
  stop();
}

bool Poller::post(Task task) {
  const MutexLock lock(mutex_);
  if (stopping_) {
    return false;
  }
  posted_.push_back(std::move(task));
  if (posted_.size() == 1) {
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_up_.get(), &one, sizeof one));
  }
  return true;
}

void Poller::stop() {
  TRIVET_ASSERT(!on_this_thread());
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_up_.get(), &one, sizeof one));
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool Poller::watch(int fd, std::uint32_t old_wishes, std::uint32_t wishes, Watcher& watcher) {
  if (old_wishes == wishes) {
    return true;
  }
  epoll_event event{.events = wishes, .data = {.ptr = &watcher}};
  const int operation = old_wishes == 0 ? EPOLL_CTL_ADD
                        : wishes == 0   ? EPOLL_CTL_DEL
                                        : EPOLL_CTL_MOD;
  return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

void Poller::release_later(std::shared_ptr<void> object) {
  released_.push_back(std::move(object));
}

Poller::TimerId Poller::after(Millis delay, Task task) {
  const TimerId id{.due = now() + delay, .number = ++timer_number_};
  timers_.emplace(std::pair(id.due, id.number), std::move(task));
  return id;
}

void Poller::cancel(const TimerId& id) {
  timers_.erase(std::pair(id.due, id.number));
}

int Poller::run_due_timers() {
  if (timers_.empty()) {
    return -1;
  }
  const Instant at = now();
  while (!timers_.empty() && timers_.begin()->first.first <= at) {
    const Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
  if (timers_.empty()) {
    return -1;
  }
  const auto wait = std::chrono::ceil<Millis>(timers_.begin()->first.first - at).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, kWaitMsMax));
}

void Poller::run_posted() {
  std::uint64_t count = 0;
  static_cast<void>(!read(wake_up_.get(), &count, sizeof count));
  std::vector<Task> tasks;
  {
    const MutexLock lock(mutex_);
    tasks.swap(posted_);
  }
  for (const Task& task : tasks) {
    task();
  }
}

void Poller::run() {
  std::array<epoll_event, kEventsAtOnce> events{};
  for (;;) {
    released_.clear();
    const int wait = run_due_timers();
    {
      const MutexLock lock(mutex_);
      if (stopping_) {
        return;
      }
    }
    const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnce,
                                 !released_.empty() ? 0
                                 : wait < 0         ? kWaitMsMax
                                                    : wait);
    TRIVET_ASSERT(count >= 0 || errno == EINTR);
    bool is_woken = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        is_woken = true;  // after the sockets: a posted task may close some of them
      } else {
        static_cast<Watcher*>(event.data.ptr)->ready(event.events);
      }
    }
    if (is_woken) {
      run_posted();
    }
  }
}

}  // namespace trivet::net
