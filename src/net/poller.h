// SPDX-License-Identifier: Apache-2.0
//
// One epoll set on one named thread: what byte relays run on. A descriptor stays registered for as
// long as its wishes are the same, so that a message costs a receive and a send and nothing else;
// an Asio loop would arm it anew each time, which is a fourth of the price of a small query.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "net/socket.h"

namespace trivet::net {

// Owned by the server or router that uses it; lives longer than what it watches.
class Poller {
 public:
  using Task = std::function<void()>;

  // Told, on the thread, that what it wished for is there (level-triggered: again until it is
  // taken).
  class Watcher {
   public:
    virtual void ready(std::uint32_t events) = 0;

   protected:
    ~Watcher() = default;
  };

  struct TimerId {
    Instant due;
    std::uint64_t number = 0;
  };

  // `name` is what `ps -L` shows: at most 15 characters are kept by the kernel.
  explicit Poller(std::string name);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // From any thread. Runs `task` after those already posted. False, and dropped, once stopped.
  bool post(Task task);
  // Lets the running task end, drops the rest, joins. Requires: not called on the thread.
  void stop();
  bool on_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

  // The rest runs on the thread only.

  // Sets what `watcher` wishes for on `fd`: EPOLLIN, EPOLLOUT, EPOLLRDHUP. `old_wishes` is what it
  // last set, 0 for nothing; wishing for nothing unregisters. False when the kernel is out of
  // memory.
  bool watch(int fd, std::uint32_t old_wishes, std::uint32_t wishes, Watcher& watcher);
  // Keeps `object` until the events at hand are done: one of them may still name its watcher.
  void release_later(std::shared_ptr<void> object);
  TimerId after(Millis delay, Task task);
  void cancel(const TimerId& id);  // one that has run is ignored

 private:
  void run();
  void run_posted();
  int run_due_timers();  // milliseconds until the next, or -1

  Fd epoll_;
  Fd wake_up_;
  Mutex mutex_;
  std::vector<Task> posted_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<std::pair<Instant, std::uint64_t>, Task> timers_;
  std::uint64_t timer_number_ = 0;
  std::vector<std::shared_ptr<void>> released_;
  std::thread thread_;
};

}  // namespace trivet::net
