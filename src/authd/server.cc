// SPDX-License-Identifier: Apache-2.0
#include "authd/server.h"

#include <array>

#include "base/log.h"
#include "core/wire/token_frame.h"

namespace trivet::authd {

Server::Server(const service::TokenVerifier& verifier, const Clock& clock)
    : verifier_(verifier),
      clock_(clock),
      loop_("auth"),
      server_(loop_, [this](std::string_view frame, const net::FramePeer& peer) {
        return answer(frame, peer);
      }) {}

Status Server::open(const MemberId& member, const std::string& path,
                    const net::UnixListenOptions& options) {
  Status added = server_.add(path, member.str(), options);
  if (!added && added.error().code == Errc::kAlreadyExists) {
    return ok();
  }
  return added;
}

void Server::close(const std::string& path) {
  server_.remove(path);
}

void Server::stop() {
  server_.stop();
  loop_.stop();
}

std::string Server::answer(std::string_view frame, const net::FramePeer& peer) const {
  const auto request = wire::decode_request(frame);
  if (!request) {
    log(Level::kError, "login.malformed_frame", {{"member", peer.tag}, {"bytes", frame.size()}});
    return {};
  }
  const service::LoginVerdict verdict =
      verifier_.verify(MemberId(peer.tag), *request, clock_.wall_now());
  const wire::TokenResponse response{verdict.allowed ? wire::Verdict::kAllow : wire::Verdict::kDeny,
                                     verdict.principal_arn, verdict.reason};
  std::array<char, wire::kMaxResponseFrameBytes> out;
  const std::size_t size = wire::encode_response(response, out);
  if (size < wire::kFramePrefixBytes) {
    log(Level::kError, "login.answer_not_encoded", {{"member", peer.tag}});
    return {};
  }
  // The server frames the payload itself.
  return std::string(out.data() + wire::kFramePrefixBytes, size - wire::kFramePrefixBytes);
}

}  // namespace trivet::authd
