// SPDX-License-Identifier: Apache-2.0
#include "cli/token_context.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

Error wrong(const std::string& what) {
  return make_error(Errc::kInvalidArgument, "the context cannot be read: " + what);
}

Result<std::optional<WallTime>> read_time(const json& object, const char* member) {
  if (!object.contains(member) || object[member].is_null()) {
    return std::optional<WallTime>();
  }
  const auto time =
      object[member].is_string() ? parse_iso8601(object[member].get<std::string>()) : std::nullopt;
  if (!time) {
    return wrong(std::string(member) + " must be like 2024-05-06T07:10:00Z");
  }
  return time;
}

Result<TokenContext::Key> read_key(const json& object) {
  if (!object.is_object() || !object.contains("secret") || !object["secret"].is_string()) {
    return wrong("a key needs a secret");
  }
  TokenContext::Key key;
  key.secret = SecretString(object["secret"].get<std::string>());
  if (object.contains("token") && object["token"].is_string()) {
    key.session_token = object["token"].get<std::string>();
  }
  key.is_active = object.value("status", "Active") == "Active";
  TRIVET_TRY(key.expires, read_time(object, "expires"));
  return key;
}

Status read_keys(const json& object, TokenContext& out) {
  if (!object.contains("keys")) {
    return ok();
  }
  if (!object["keys"].is_object()) {
    return wrong("keys must be an object");
  }
  for (const auto& [id, value] : object["keys"].items()) {
    TRIVET_TRY(TokenContext::Key key, read_key(value));
    out.keys.emplace(id, std::move(key));
  }
  return ok();
}

Status read_server(const json& object, TokenContext& out) {
  out.server.realm.account = AccountId("000000000000");
  out.server.realm.region = object.at("region").get<std::string>();
  out.server.login_user = object.value("mysql_user", "");
  for (const json& host : object.at("expected_hosts")) {
    auto allowed = token::parse_allowed_host(host.get<std::string>());
    if (!allowed) {
      return wrong("expected_hosts holds what is no HOST:PORT");
    }
    out.server.hosts.push_back(std::move(*allowed));
  }
  out.server.limits.skew_max =
      std::chrono::seconds(object.value("max_clock_skew_s", std::int64_t{300}));
  out.server.limits.expires_max_s = object.value("max_expires_s", std::int64_t{900});
  return ok();
}

}  // namespace

token::KeyFacts TokenContext::look_up(const std::string& access_key_id,
                                      const std::optional<std::string>& session_token) const {
  const auto found = keys.find(access_key_id);
  if (found == keys.end()) {
    return {};
  }
  const Key& key = found->second;
  token::KeyFacts facts;
  facts.status =
      key.is_active ? token::KeyFacts::Status::kActive : token::KeyFacts::Status::kInactive;
  facts.secret = key.secret.copy();
  facts.is_session_token_valid =
      session_token && key.session_token && constant_time_equal(*session_token, *key.session_token);
  facts.session_expires = key.expires;
  return facts;
}

Result<TokenContext> parse_token_context(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) {
    return wrong("it is no JSON object");
  }
  TokenContext out;
  try {
    TRIVET_CHECK_OK(read_server(object, out));
    TRIVET_CHECK_OK(read_keys(object, out));
  } catch (const json::exception&) {  // its text could show a secret
    return wrong("it needs expected_hosts and region, and values of their types");
  }
  TRIVET_TRY(out.now, read_time(object, "now"));
  return out;
}

}  // namespace trivet::cli
