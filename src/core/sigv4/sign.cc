// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/sign.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/iso8601.h"
#include "core/sigv4/signing.h"

namespace trivet::sigv4 {
namespace {

// Proxies add or change these.
constexpr std::array<std::string_view, 6> kNeverSigned = {
    "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"};

Error no_host() {
  return make_error(Errc::kInvalidArgument, "cannot sign a request without a Host header");
}
Error bad_query() {
  return make_error(Errc::kInvalidArgument, "cannot sign: the query has a malformed escape");
}

Scope scope_of(const SigningContext& context, std::string_view amz_date) {
  return {std::string(amz_date.substr(0, 8)), context.region, context.service};
}

std::string sign(const Credentials& credentials, const Scope& scope, std::string_view amz_date,
                 std::string_view canonical) {
  const SecretString key(signing_key(credentials.secret_access_key.reveal(), scope));
  return signature(key.reveal(), string_to_sign(amz_date, scope, canonical));
}

}  // namespace

Result<Headers> sign_request(const SignedRequest& request, const Credentials& credentials,
                             const SigningContext& context) {
  if (!canonical_header_value(request.headers, "host")) {
    return no_host();
  }
  const std::string amz_date = format_amz_date(context.now);
  const Scope scope = scope_of(context, amz_date);
  Headers added = {{"X-Amz-Date", amz_date}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  SignedRequest whole = request;
  std::erase_if(whole.headers, [](const auto& header) {
    return equals_ignoring_case(header.first, "x-amz-date") ||
           equals_ignoring_case(header.first, "x-amz-security-token");
  });
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());

  std::vector<std::string> names;
  for (const auto& header : whole.headers) {
    std::string name = to_lower(header.first);
    if (std::find(kNeverSigned.begin(), kNeverSigned.end(), name) == kNeverSigned.end()) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  const auto declared = canonical_header_value(whole.headers, "x-amz-content-sha256");
  const auto canonical =
      canonical_request(whole, {names, declared ? *declared : request.payload_sha256});
  if (!canonical) {
    return bad_query();
  }
  std::string list;
  for (const std::string& name : names) {
    list += list.empty() ? "" : ";";
    list += name;
  }
  added.emplace_back("Authorization",
                     std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                         scope.str() + ", SignedHeaders=" + list +
                         ", Signature=" + sign(credentials, scope, amz_date, *canonical));
  return added;
}

Result<std::string> presign(const SignedRequest& request, const Credentials& credentials,
                            const SigningContext& context) {
  const auto host = canonical_header_value(request.headers, "host");
  if (!host) {
    return no_host();
  }
  const std::string amz_date = format_amz_date(context.now);
  const Scope scope = scope_of(context, amz_date);
  SignedRequest whole = request;
  whole.query += whole.query.empty() ? "" : "&";
  whole.query += "X-Amz-Algorithm=AWS4-HMAC-SHA256";
  whole.query +=
      "&X-Amz-Credential=" + percent_encode(credentials.access_key_id + "/" + scope.str());
  whole.query += "&X-Amz-Date=" + amz_date;
  whole.query += "&X-Amz-Expires=" + std::to_string(context.expires_s);
  whole.query += "&X-Amz-SignedHeaders=host";
  if (!credentials.session_token.empty()) {
    whole.query += "&X-Amz-Security-Token=" + percent_encode(credentials.session_token);
  }
  const std::vector<std::string> names = {"host"};
  const auto canonical = canonical_request(whole, {names, request.payload_sha256});
  if (!canonical) {
    return bad_query();
  }
  return whole.query + "&X-Amz-Signature=" + sign(credentials, scope, amz_date, *canonical);
}

}  // namespace trivet::sigv4
