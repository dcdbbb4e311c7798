// SPDX-License-Identifier: Apache-2.0
//
// Talks to one guard over its socket. A restarted daemon adopts a running member again by
// connecting to the socket that is there: the guard knows everything about the process that
// matters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "core/guard_wire/guard_frame.h"

namespace trivet::process {

using guard_wire::GuardStatus;

// A file descriptor, closed when it goes. Move-only.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd();
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

// One connection; move-only; thread-compatible. Every call has a deadline. kUnavailable: the
// connection broke, so the guard is gone, and mysqld with it (the kernel kills it then). kTimeout:
// no answer yet. After either, connect anew.
class GuardClient {
 public:
  // kNotFound when no guard listens there (none was started, or the machine was).
  static Result<GuardClient> connect(const std::string& socket_path, Millis deadline);

  Result<GuardStatus> status(Millis deadline);
  // SIGKILL; returns when mysqld is dead and reaped. Already dead is success.
  Result<GuardStatus> kill(Millis deadline);
  // SIGTERM and waiting for the end, for an orderly stop of a whole cluster only: a writer that
  // gets SIGTERM releases waiting commits with a false OK (failover.md I8). kTimeout when mysqld
  // still runs.
  Result<GuardStatus> terminate(Millis deadline);
  // mysqld may serve for `permit` from now; then the guard kills it.
  Result<GuardStatus> permit(Millis permit, Millis deadline);
  Result<GuardStatus> permit_forever(Millis deadline);
  // Returns when the guard is gone, and its socket and lock with it. kConflict while mysqld runs.
  Status quit(Millis deadline);
  // Waits for mysqld's end without doing anything to it. kTimeout when it still runs.
  Result<GuardStatus> wait_exit(Millis deadline);

 private:
  explicit GuardClient(OwnedFd fd) : fd_(std::move(fd)) {}
  Result<GuardStatus> ask(const guard_wire::Request& request, Millis deadline);
  Result<guard_wire::Reply> receive(std::int64_t until_ms);

  OwnedFd fd_;
  std::uint32_t sequence_ = 0;
  std::string buffer_;
  std::optional<GuardStatus> exited_;  // from the event
};

// A connected non-blocking socket to the guard at `socket_path`; kNotFound as connect() above.
Result<OwnedFd> connect_to_guard(const std::string& socket_path);

}  // namespace trivet::process
