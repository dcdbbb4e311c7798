// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/http_client.h"

namespace trivet::cli {
namespace {

constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=@%+,";

// Is `host` one of the comma-separated entries, or is everything?
bool names_host(std::string_view list, std::string_view host) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view entry = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (entry.starts_with(' ')) {
      entry.remove_prefix(1);
    }
    while (entry.ends_with(' ')) {
      entry.remove_suffix(1);
    }
    if (entry == host || entry == "*") {
      return true;
    }
  }
  return false;
}

}  // namespace

Variables session_variables(const SessionCredentials& credentials, const ProxySettings& proxy) {
  Variables out = {
      {"AWS_ACCESS_KEY_ID", credentials.keys.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", std::string(credentials.keys.secret_access_key.reveal())},
      {"AWS_SESSION_TOKEN", credentials.keys.session_token},
      {"AWS_CREDENTIAL_EXPIRATION", credentials.expiration},
      {"AWS_ENDPOINT_URL", credentials.endpoint_url},
      {"AWS_REGION", credentials.region},
      {"AWS_DEFAULT_REGION", credentials.region},
      {"TRIVET_CA_BUNDLE", credentials.ca_bundle},
  };
  const auto endpoint = net::parse_http_endpoint(credentials.endpoint_url);
  if (!proxy.http_proxy.empty() && endpoint && !names_host(proxy.no_proxy, endpoint->host)) {
    const std::string list =
        proxy.no_proxy.empty() ? endpoint->host : proxy.no_proxy + "," + endpoint->host;
    out.emplace_back("NO_PROXY", list);
    out.emplace_back("no_proxy", list);
  }
  return out;
}

std::string shell_quote(std::string_view text) {
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string render_exports(const Variables& variables) {
  std::string out;
  for (const auto& [name, value] : variables) {
    out += "export " + name + "=" + shell_quote(value) + "\n";
  }
  return out;
}

std::string render_json(const Variables& variables) {
  nlohmann::ordered_json j = nlohmann::ordered_json::object();
  for (const auto& [name, value] : variables) {
    j[name] = value;
  }
  return j.dump() + "\n";
}

}  // namespace trivet::cli
