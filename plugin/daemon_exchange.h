// SPDX-License-Identifier: GPL-2.0-only
//
// One login's question to Trivet's daemon over the unix socket, bounded in time. Connections are
// kept for the next login, because making one costs as much as the question. Thread-safe: logins
// run side by side, each on a connection of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/wire/token_frame.h"
#include "mysql_plugin_abi.h"

namespace trivet_plugin {

enum class Outcome {
  kAnswered,
  kTryAgain,       // the daemon is not there, or went away before it answered
  kTimeout,        // it is there and did not answer in time
  kClientGone,     // the client left, or the connection is killed
  kOtherProtocol,  // it speaks no version of the protocol that this plugin does
  kStranger,       // another user's process holds the socket
  kNonsense,       // bytes that are no response
  kLocalFault,     // no permission, no descriptors
};
const char* describe(Outcome outcome);

// Where the daemon listens. Set once, before the first login. False: the path is too long.
bool set_daemon_address(std::string_view path);
bool has_daemon_address();

// When no login runs any more.
void close_kept_connections();

// Which versions of the protocol the daemon speaks, when the plugin is loaded. Waits half a second
// at most: mysqld is starting.
Outcome ask_versions(trivet::wire::Versions& theirs);

// One login's exchange. Lives on the stack of the login's thread.
class Exchange {
 public:
  static constexpr std::int64_t kPatienceMs = 3000;  // for all that a login needs of the daemon
  // `thd` may be null; `client` is the descriptor of the client's connection, or -1.
  Exchange(const THD* thd, int client, std::int64_t patience_ms = kPatienceMs);

  // Asks until there is an answer or the patience is at an end. On kAnswered `response` points into
  // this object.
  Outcome run(const trivet::wire::TokenRequest& request, trivet::wire::TokenResponse& response);

  // After kOtherProtocol: what the daemon speaks.
  const trivet::wire::Versions& versions() const { return versions_; }

 private:
  friend Outcome ask_versions(trivet::wire::Versions& theirs);
  // A connection to the daemon, or why there is none.
  Outcome connect_to_daemon(int& daemon) const;
  Outcome attempt(const trivet::wire::TokenRequest& request, trivet::wire::TokenResponse& response);
  Outcome ask(int daemon, const trivet::wire::TokenRequest& request,
              trivet::wire::TokenResponse& response);
  Outcome send_request(int daemon, const trivet::wire::TokenRequest& request);
  Outcome receive_response(int daemon, trivet::wire::TokenResponse& response);
  // A frame without its prefix; it points into this object.
  Outcome receive_payload(int daemon, std::string_view& payload);
  Outcome after_failure(int daemon, short events);
  Outcome wait(int daemon, short events, std::int64_t milliseconds);
  bool has_client_left() const;
  bool is_killed() const;

  const THD* const thd_;
  const int client_;
  const std::int64_t deadline_;
  trivet::wire::Versions versions_;
  char answer_[trivet::wire::kMaxResponseFrameBytes];
};

}  // namespace trivet_plugin
