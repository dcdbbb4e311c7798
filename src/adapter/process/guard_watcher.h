// SPDX-License-Identifier: Apache-2.0
//
// Hears of every member's death, on one thread for all of them: within a millisecond of the
// kernel's word, without polling.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "adapter/process/guard_client.h"
#include "base/mutex.h"
#include "base/result.h"

namespace trivet::process {

struct MemberExit {
  std::string member;
  // False: the guard itself vanished, and the kernel killed mysqld with it; `status` is then the
  // guard's last word, from when the watch began. The dying may still take some 100 ms: wait for
  // `mysqld_pid` to be gone (wait_process_gone) before a new run is started.
  bool guard_alive = true;
  GuardStatus status;
};

// Thread-safe. The destructor stops the thread; no callback runs after it.
class GuardWatcher {
 public:
  // On the watcher's thread: must not block and must not destroy the watcher; calling watch and
  // unwatch is allowed.
  using OnExit = std::function<void(const MemberExit&)>;
  explicit GuardWatcher(OnExit on_exit);
  ~GuardWatcher();
  GuardWatcher(const GuardWatcher&) = delete;
  GuardWatcher& operator=(const GuardWatcher&) = delete;

  // From now on one call of `on_exit` for this run of `member`, also when it is dead already.
  // Watching a member again replaces its watch. kNotFound when there is no guard at `socket_path`.
  Status watch(const std::string& member, const std::string& socket_path);
  // No later call for this member, except one that is running.
  void unwatch(const std::string& member);

 private:
  struct Watched {
    std::string member;
    OwnedFd fd;
    std::string buffer;
    GuardStatus last;
  };
  void run();
  void wake();
  // Reads what is there. Non-null when the watch is over.
  std::unique_ptr<MemberExit> read(Watched& watched);

  const OnExit on_exit_;
  OwnedFd wake_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  std::map<std::string, Watched> watched_ GUARDED_BY(mutex_);
  std::thread thread_;
};

// True when no process has this number any more, or a zombie has; waits until `deadline` for it.
bool wait_process_gone(int pid, Millis deadline);

}  // namespace trivet::process
