// SPDX-License-Identifier: Apache-2.0
//
// `trivetd run` as a process of its own session, its output in the home's log file; and waiting for
// processes to end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"

namespace trivet::cli {

// Errors: kNotFound when there is no trivetd beside us.
Status check_daemon_program(const Context& context);

// A daemon that this process started. It goes on when this object ends.
class DaemonProcess {
 public:
  // Errors: kNotFound when there is no trivetd beside us; kDenied, kInternal.
  static Result<DaemonProcess> start(const Context& context);

  pid_t pid() const { return pid_; }
  // "exit status 1", "signal 11"; nullopt while it runs.
  std::optional<std::string> ended();
  // The last lines that it has written since it was started.
  std::string last_log_lines(std::size_t count) const;

 private:
  DaemonProcess(pid_t pid, std::string log, std::uint64_t log_start)
      : pid_(pid), log_(std::move(log)), log_start_(log_start) {}

  pid_t pid_;
  std::string log_;
  std::uint64_t log_start_;  // the file's length before the start
  std::optional<std::string> ended_;
};

// Runs `trivetd` with these arguments and our standard streams, until its end; its exit status.
Result<int> run_daemon_program(const Context& context, const std::vector<std::string>& arguments);

// Becomes that program: returns only when that did not work. argv[0] is a path.
Error become(const std::vector<std::string>& argv);

// A process, watched without the danger that its number is given to another one.
class Watched {
 public:
  explicit Watched(pid_t pid);
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched();
  // True when the process has ended (or never was) within `timeout`.
  bool wait_for_end(Millis timeout) const;

 private:
  int fd_;
};

// Guards of members of this home that are alive, from their pid files.
std::vector<pid_t> running_guards(const HomePaths& paths);

// The last `count` lines of `text`. Pure.
std::string last_lines(std::string_view text, std::size_t count);

}  // namespace trivet::cli
