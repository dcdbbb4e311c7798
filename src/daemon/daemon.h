// SPDX-License-Identifier: Apache-2.0
//
// The running daemon: builds every part, connects them, and takes them down in order. No logic of
// its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/installation.h"

namespace trivet::daemon {

struct DaemonOptions {
  HomePaths paths;
  std::string program_folder;  // where trivet-guard and AWSAuthenticationPlugin.so lie
  // Ends the process's main wait: the daemon was asked to stop over its socket.
  std::function<void()> on_stop_asked;
};

// Owned by main. start() and stop() on the main thread.
class Daemon {
 public:
  explicit Daemon(DaemonOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Errors name the cause and the cure: no home, a home of a newer version, another daemon on it, a
  // port that is taken.
  Status start();
  // Members keep running, unless they were stopped over the socket before.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace trivet::daemon
