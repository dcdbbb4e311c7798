// SPDX-License-Identifier: Apache-2.0
//
// Short-lived helper programs (apt-get, dpkg-deb, tar, a mysqld that makes a template): started
// without a shell, in a process group of their own, never without a deadline, and killed with us:
// the kernel ends them when the thread that started them goes (unless they change their user, as
// apt-get does). Members of clusters are not started here: they outlive the daemon, under guards.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace trivet::engine {

// Whom to become before exec; supplementary groups are dropped. Only root can.
struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", over the inherited ones; LC_ALL is C
  std::string folder;                    // where it runs; empty: where we are
  std::optional<RunAs> run_as;
  std::string input;  // its standard input
  Millis timeout{60'000};
  // Called for each line of standard output as it comes, on the calling thread. May be empty.
  std::function<void(std::string_view line)> on_line;
};

struct Outcome {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;
  bool timed_out = false;  // it was killed when its time was over
  std::string out;         // the last 4 MiB
  std::string err;         // the last 4 MiB

  bool succeeded() const { return exit_code == 0 && !timed_out; }
  // "exit code 100: E: Unable to locate package x": for messages; the last lines of `err`, else of
  // `out`.
  std::string why() const;
};

// Runs to the end. Errors: kNotFound when there is no such program, kInternal when it cannot be
// started; that it failed is in the Outcome.
Result<Outcome> run(const Command& command);
// The same, and kTimeout or kUnavailable with `what` and why() when it did not succeed.
Result<Outcome> run_checked(const Command& command, std::string_view what);
Status run_to_success(const Command& command, std::string_view what);  // whatever it printed

// A program running beside us, for as long as this object lives: killed and reaped at the end of
// it. Used by one thread, the one that started it.
class Child {
 public:
  // Standard output and error go to the file `log_path`, which is truncated. `timeout`, `on_line`
  // are not used.
  static Result<Child> start(const Command& command, const std::string& log_path);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The wait status when it ended within `timeout`; nothing else afterwards.
  std::optional<int> wait(Millis timeout);

 private:
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<int> status_;
};

}  // namespace trivet::engine
