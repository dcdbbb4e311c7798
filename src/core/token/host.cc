// SPDX-License-Identifier: Apache-2.0
#include "core/token/host.h"

#include <algorithm>

#include "base/bytes.h"

namespace trivet::token {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(value);
}

bool is_default_port(std::uint16_t port) {
  return port == 443 || port == 80;
}

void add_unique(std::vector<std::string>& list, std::string value) {
  if (!value.empty() && std::find(list.begin(), list.end(), value) == list.end()) {
    list.push_back(std::move(value));
  }
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view port_text;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || end == 1) {
      return std::nullopt;
    }
    out.host = to_lower(text.substr(1, end - 1));
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') {
        return std::nullopt;
      }
      has_port = true;
      port_text = rest.substr(1);
    }
  } else {
    const auto colon = text.rfind(':');
    has_port = colon != std::string_view::npos;
    out.host = to_lower(text.substr(0, colon));
    if (has_port) {
      port_text = text.substr(colon + 1);
    }
  }
  if (out.host.empty()) {
    return std::nullopt;
  }
  if (has_port) {
    out.port = parse_port(port_text);
    if (!out.port) {
      return std::nullopt;
    }
  }
  return out;
}

std::string AllowedHost::str() const {
  const bool is_ip6 = host.find(':') != std::string::npos;
  return (is_ip6 ? "[" + host + "]" : host) + ":" + (port ? std::to_string(*port) : "*");
}

std::optional<AllowedHost> parse_allowed_host(std::string_view text) {
  const bool is_any_port = text.ends_with(":*");
  if (is_any_port) {
    text.remove_suffix(2);
  }
  const auto parsed = parse_host_port(text);
  if (!parsed || (is_any_port && parsed->port)) {
    return std::nullopt;
  }
  // A star elsewhere than in front would never match what its writer meant.
  const auto star = parsed->host.rfind('*');
  if (star != std::string::npos &&
      (star != 0 || (parsed->host != "*" && !parsed->host.starts_with("*.")))) {
    return std::nullopt;
  }
  return AllowedHost{parsed->host, parsed->port};
}

bool matches(const AllowedHost& allowed, const HostPort& token_host) {
  if (allowed.port) {
    const bool is_same =
        token_host.port ? *token_host.port == *allowed.port : is_default_port(*allowed.port);
    if (!is_same) {
      return false;
    }
  }
  if (allowed.host == "*") {
    return true;
  }
  if (allowed.host.starts_with("*.")) {
    const std::string_view suffix = std::string_view(allowed.host).substr(1);
    return token_host.host.size() > suffix.size() && token_host.host.ends_with(suffix);
  }
  return allowed.host == token_host.host;
}

std::vector<std::string> signed_host_candidates(std::string_view host_text) {
  std::vector<std::string> out;
  add_unique(out, std::string(host_text));
  add_unique(out, to_lower(host_text));
  if (host_text.ends_with(":443") || host_text.ends_with(":80")) {
    const std::string_view bare = host_text.substr(0, host_text.rfind(':'));
    add_unique(out, std::string(bare));
    add_unique(out, to_lower(bare));
  }
  const auto end = host_text.find(']');
  if (host_text.starts_with('[') && end != std::string_view::npos) {
    std::string bare(host_text.substr(1, end - 1));
    bare += host_text.substr(end + 1);
    add_unique(out, bare);
    add_unique(out, to_lower(bare));
  }
  return out;
}

}  // namespace trivet::token
