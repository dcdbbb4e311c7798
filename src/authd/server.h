// SPDX-License-Identifier: Apache-2.0
//
// Answers the login plugin: one unix socket for each member, frames of core/wire, verdicts of the
// token verifier. Verification runs inline on this server's own thread, so an API call never delays
// a login.
#pragma once

#include <string>

#include "base/clock.h"
#include "net/unix_server.h"
#include "ports/audit_sink.h"
#include "service/token_verifier.h"

namespace trivet::authd {

// Thread-safe. What it is given outlives it.
class Server {
 public:
  Server(const service::TokenVerifier& verifier, const Clock& clock, AuditSink& audit);

  // Listens for `member` when it returns; already listening is success.
  Status open(const MemberId& member, const std::string& path,
              const net::UnixListenOptions& options);
  void close(const std::string& path);
  void stop();

 private:
  net::FrameAnswer answer(std::string_view frame, const net::FramePeer& peer) const;

  const service::TokenVerifier& verifier_;
  const Clock& clock_;
  AuditSink& audit_;
  net::UnixServer server_;
};

}  // namespace trivet::authd
