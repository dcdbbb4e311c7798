// SPDX-License-Identifier: Apache-2.0
#include "authd/server.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/log.h"
#include "core/wire/token_frame.h"

namespace trivet::authd {

namespace {

LoginRecord record_of(const MemberId& member, const wire::TokenRequest& request,
                      service::LoginVerdict verdict) {
  LoginRecord record;
  record.cluster = std::move(verdict.cluster);
  record.member = member.str();
  record.user = request.user;
  record.principal_arn = std::move(verdict.principal_arn);
  record.session_name = std::move(verdict.session_name);
  record.access_key_id = std::move(verdict.access_key_id);
  record.peer_address = request.peer_address;
  record.peer_port = request.peer_port;
  record.connection_id = request.connection_id;
  record.tls_version = request.tls_version;
  record.tls_cipher = request.tls_cipher;
  record.is_accepted = verdict.allowed;
  record.reason = std::move(verdict.reason);
  record.detail = std::move(verdict.detail);
  record.decided_by = std::move(verdict.decided_by);
  record.role = std::move(verdict.role);
  record.aws_text = std::move(verdict.aws_text);
  record.aws_status = verdict.aws_status;
  record.token_uses = verdict.token_uses;
  record.token_first_used = verdict.token_first_used;
  record.token_first_from = std::move(verdict.token_first_from);
  record.answer_after = verdict.answer_after;
  return record;
}

}  // namespace

Server::Server(const service::TokenVerifier& verifier, const Clock& clock, AuditSink& audit)
    : verifier_(verifier),
      clock_(clock),
      audit_(audit),
      server_("auth", [this](std::string_view frame, const net::FramePeer& peer) {
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
}

namespace {

// The server frames payloads itself.
std::string payload_of(std::span<const char> out, std::size_t size) {
  return std::string(out.data() + wire::kFramePrefixBytes, size - wire::kFramePrefixBytes);
}

// What a plugin hears that asks which versions are spoken here, or that uses another one. nullopt:
// the frame is about something else.
std::optional<std::string> answer_about_versions(std::string_view frame,
                                                 const std::string& member) {
  const auto question = wire::decode_versions_question(frame);
  if (!question && !wire::is_of_unknown_version(frame)) {
    return std::nullopt;
  }
  const wire::Versions ours;
  if (!question || !ours.fit(question->highest)) {
    const int theirs = question ? question->highest : static_cast<unsigned char>(frame[0]);
    log(Level::kError, "login.other_protocol",
        {{"member", member},
         {"plugin", theirs},
         {"daemon", int{ours.highest}},
         {"cure", "restart the instance: its mysqld then loads the plugin of this version"}});
  }
  std::array<char, wire::kVersionsFrameBytes> out;
  return payload_of(out, wire::encode_versions_answer(ours, out));
}

}  // namespace

net::FrameAnswer Server::answer(std::string_view frame, const net::FramePeer& peer) const {
  if (const auto answered = answer_about_versions(frame, peer.tag)) {
    return *answered;
  }
  const auto request = wire::decode_request(frame);
  if (!request) {
    log(Level::kError, "login.malformed_frame", {{"member", peer.tag}, {"bytes", frame.size()}});
    return std::string();
  }
  const MemberId member(peer.tag);
  const Instant begun = clock_.now();
  LoginRecord record =
      record_of(member, *request, verifier_.verify(member, *request, clock_.wall_now()));
  record.at = clock_.wall_now();
  record.microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - begun).count();
  const wire::TokenResponse response{
      .version = request->version,
      .verdict = record.is_accepted ? wire::Verdict::kAllow : wire::Verdict::kDeny,
      .principal = record.principal_arn,
      .reason = record.reason,
      .account = record.role};
  std::array<char, wire::kMaxResponseFrameBytes> out;
  const std::size_t size = wire::encode_response(response, out);
  const Millis answer_after = record.answer_after;
  audit_.add(std::move(record));
  if (size < wire::kFramePrefixBytes) {
    log(Level::kError, "login.answer_not_encoded", {{"member", peer.tag}});
    return std::string();
  }
  return {payload_of(out, size), answer_after};
}

}  // namespace trivet::authd
