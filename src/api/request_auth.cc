// SPDX-License-Identifier: Apache-2.0
#include "api/request_auth.h"

#include <string_view>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/crypto.h"
#include "core/sigv4/verify.h"

namespace trivet::api {
namespace {

// Without the body's hash.
sigv4::SignedRequest signed_request(const net::HttpRequest& request) {
  sigv4::SignedRequest out;
  const std::string_view target = request.target;
  const auto mark = target.find('?');
  out.method = request.method;
  out.path = std::string(target.substr(0, mark));
  out.query = mark == std::string_view::npos ? "" : std::string(target.substr(mark + 1));
  out.headers = request.headers;
  return out;
}

// IAM and STS have one endpoint for all regions, and clients sign for the one they are set to.
bool is_global(const ServiceInfo& service) {
  return service.kind == ServiceKind::kIam || service.kind == ServiceKind::kSts;
}

Error refusal(const ServiceInfo& service, const sigv4::Verdict& verdict, std::string_view region) {
  Error out = verdict.error();
  if (verdict.reason == sigv4::Reason::kScopeRegion) {  // AWS has many, we have one
    out.message.append(" The region here is '").append(region).append("'.");
  }
  if (verdict.reason == sigv4::Reason::kExpired && service.kind == ServiceKind::kEc2) {
    out.fault = "RequestExpired";
  }
  return out;
}

}  // namespace

Result<Authenticated> authenticate(const net::HttpRequest& request, const AuthContext& context) {
  sigv4::SignedRequest to_check = signed_request(request);
  to_check.payload_sha256 = to_hex(sha256(request.body));
  const sigv4::ParseResult parsed = sigv4::parse_auth(to_check);
  if (const auto* verdict = std::get_if<sigv4::Verdict>(&parsed)) {
    return verdict->error();
  }
  const auto& auth = std::get<sigv4::ParsedAuth>(parsed);
  const ServiceInfo* service = find_service(auth.scope.service);
  if (service == nullptr) {
    return service_not_built(auth.scope.service);
  }
  sigv4::VerifyOptions options;
  options.now = context.now;
  options.skew_max = context.clock_skew_max;
  options.region = is_global(*service) ? "" : context.realm.region;
  options.service = std::string(service->name);
  options.is_tls = request.is_tls;
  auto key = context.identities.find_key(auth.access_key_id, auth.session_token.value_or(""));
  if (!key) {
    // As much work as for a known key, so that the time taken does not tell which keys exist.
    static_cast<void>(sigv4::verify(auth, to_check, "no such key", options));
    return key.error();
  }
  const sigv4::Verdict verdict = sigv4::verify(auth, to_check, key->secret.reveal(), options);
  if (!verdict.ok()) {
    return refusal(*service, verdict, context.realm.region);
  }
  return Authenticated{service, auth.scope.region, std::move(key->principal)};
}

Claim read_claim(const net::HttpRequest& request, const QueryParams& params) {
  const sigv4::ParseResult parsed = sigv4::parse_auth(signed_request(request));
  if (const auto* auth = std::get_if<sigv4::ParsedAuth>(&parsed)) {
    return {find_service(auth->scope.service), auth->scope.service, auth->access_key_id};
  }
  return {find_service_by_version(params.get("Version")), {}, {}};
}

Error service_not_built(std::string_view name) {
  std::string built;
  for (const ServiceInfo* service : all_services()) {
    built.append(built.empty() ? "" : ", ").append(service->name);
  }
  return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                   "The service '" + std::string(name.substr(0, 64)) +
                       "' is not built. Built are: " + built + ".");
}

}  // namespace trivet::api
