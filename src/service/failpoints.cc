// SPDX-License-Identifier: Apache-2.0
#include "service/failpoints.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>

#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"

namespace trivet::service {
namespace {

constexpr int kWaitMax = 60'000;
constexpr Millis kKill{5'000};

struct Armed {
  std::string text;
  int left = 0;
  std::string action;
  int wait = 0;
};

const std::string& armed_file() {
  static const std::string path = [] {
    const char* const value = std::getenv("TRIVET_FAILPOINTS");
    return std::string(value == nullptr ? "" : value);
  }();
  return path;
}

// What is armed for `kind` at `side` and reached now; counted for what is not reached yet.
class Failpoints {
 public:
  bool reached(std::string_view kind, Side side, Armed& out) {
    const MutexLock lock(mutex_);
    const auto text = read_file(armed_file());
    if (!text) {
      armed_ = Armed();
      return false;
    }
    std::istringstream words(*text);
    std::string wanted;
    std::string when;
    Armed read{*text, 0, "", 0};
    words >> wanted >> when >> read.left >> read.action >> read.wait;
    if (wanted != kind || when != (side == Side::kBefore ? "before" : "after")) {
      return false;
    }
    if (armed_.text != read.text) {
      armed_ = read;
    }
    if (--armed_.left > 0 || ::unlink(armed_file().c_str()) != 0) {
      return false;
    }
    out = armed_;
    armed_ = Armed();
    return true;
  }

 private:
  Mutex mutex_;
  Armed armed_ GUARDED_BY(mutex_);
};

}  // namespace

void announce_failpoints() {
  if (!armed_file().empty()) {
    log(Level::kError, "failpoints.possible",
        {{"file", armed_file()}, {"why", "TRIVET_FAILPOINTS is set: this is a test"}});
  }
}

namespace {

void reach(std::string_view kind, Side side, MemberAgent* agent) {
  static Failpoints failpoints;
  Armed armed;
  if (armed_file().empty() || !failpoints.reached(kind, side, armed)) {
    return;
  }
  log(Level::kError, "failpoint.reached", {{"failpoint", armed.text}});
  if (armed.action == "kill") {
    ::kill(::getpid(), SIGKILL);
  } else if (armed.action == "kill-member" && agent != nullptr) {
    const Status killed = agent->kill(kKill);
    log(Level::kError, "failpoint.killed", {{"error", killed ? "" : killed.error().message}});
  } else if (armed.action == "wait") {
    ::poll(nullptr, 0, std::clamp(armed.wait, 0, kWaitMax));
  }
}

}  // namespace

void failpoint(const failover::Action& action, Side side, MemberAgent* agent) {
  reach(failover::name_of(action), side, agent);
}

void failpoint(std::string_view kind, Side side) {
  reach(kind, side, nullptr);
}

}  // namespace trivet::service
