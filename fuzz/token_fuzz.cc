// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a login token: they never log in unless signed, the explanation says what the
// verifier says, and the same text under a right signature is only accepted for what it names.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/sigv4/canonical.h"
#include "core/token/explain.h"

namespace trivet::token {
namespace {

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WallTime kNow = wall_time_from_ms(1'714'979'300'000);  // 2024-05-06T07:08:20Z

ServerFacts server() {
  ServerFacts out;
  out.realm = {.account = AccountId("123456789012"), .region = "us-east-1"};
  out.hosts = {{"db.example.com", 3306}, {"*.internal", {}}, {"::1", 3306}};
  out.resource_id = "cluster-ABC";
  out.login_user = "jane";
  return out;
}

KeyFacts key_of(const std::string& id) {
  KeyFacts key;
  if (id.size() > 4 && id[4] == 'U') {
    return key;
  }
  key.status = KeyFacts::Status::kActive;
  key.secret = SecretString(kSecret);
  key.is_session_token_valid = true;
  return key;
}

// As its bearer would have signed it, had he the key.
void check_signed(DbToken token, const ServerFacts& facts) {
  const std::string host = signed_host_candidates(token.host_text).front();
  const std::string canonical = "GET\n/\n" + token.canonical_query + "\nhost:" + host +
                                "\n\nhost\n" + std::string(sigv4::kEmptyPayloadSha256);
  token.signature = sigv4::signature(sigv4::signing_key(kSecret, token.scope),
                                     sigv4::string_to_sign(token.amz_date, token.scope, canonical));
  KeyFacts key = key_of("AKIA");
  const TokenVerdict verdict = verify_db_token(token, key, facts, kNow);
  if (const auto* accepted = std::get_if<Accepted>(&verdict)) {
    TRIVET_ASSERT(accepted->db_user == facts.login_user);
    TRIVET_ASSERT(accepted->ends_at + facts.limits.grace >= kNow);
    TRIVET_ASSERT(token.scope.service == "rds-db");
  } else {
    TRIVET_ASSERT(std::get<Rejection>(verdict).reason != Reason::kBadSignature);
  }
}

}  // namespace
}  // namespace trivet::token

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trivet::token;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ServerFacts facts = server();
  const KeyLookup lookup = [](const std::string& id, const std::optional<std::string>&) {
    return key_of(id);
  };
  const TokenVerdict verdict = check_db_token(text, facts, kNow, lookup);
  const Explanation explained = explain_db_token(text, facts, kNow, lookup);
  const auto* rejection = std::get_if<Rejection>(&verdict);
  TRIVET_ASSERT(explained.reason ==
                (rejection == nullptr ? "accepted" : to_string(rejection->reason)));
  static_cast<void>(to_json(explained));
  if (rejection != nullptr) {
    TRIVET_ASSERT(rejection->detail.find('\n') == std::string::npos);
    const std::string line = iam_db_auth_error(rejection->reason, text, text);
    TRIVET_ASSERT(line.find('\n') == std::string::npos);
  }
  const ParsedToken parsed = parse_db_token(text, facts);
  if (const auto* token = std::get_if<DbToken>(&parsed)) {
    check_signed(*token, facts);
  }
  if (const auto allowed = parse_allowed_host(text)) {
    TRIVET_ASSERT(!allowed->host.empty());
  }
  return 0;
}
