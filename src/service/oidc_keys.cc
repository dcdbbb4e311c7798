// SPDX-License-Identifier: Apache-2.0
#include "service/oidc_keys.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"

namespace trivet::service {
namespace {

constexpr std::string_view kHttps = "https://";

Error unavailable(const std::string& url, const std::string& why) {
  return make_error(Errc::kUnavailable, "the keys of " + url + " are not there: " + why);
}

std::string string_of(const nlohmann::json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<std::string> OidcKeys::fetch(const std::string& url) const {
  const std::string issuer = std::string(kHttps) + url;
  const std::string path =
      url.ends_with('/') ? ".well-known/openid-configuration" : "/.well-known/openid-configuration";
  TRIVET_TRY(const std::string text, needs_.fetch(issuer + path));
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) {
    return make_error(Errc::kCorrupt, issuer + path + " is no JSON object");
  }
  // Another provider's document must not stand in for this one's.
  if (string_of(document, "issuer") != issuer) {
    return make_error(Errc::kCorrupt, issuer + path + " is about another issuer");
  }
  const std::string keys = string_of(document, "jwks_uri");
  if (!keys.starts_with(kHttps)) {
    return make_error(Errc::kCorrupt, issuer + path + " names no jwks_uri that is https");
  }
  TRIVET_TRY(std::string jwks, needs_.fetch(keys));
  const auto count = needs_.count_keys(jwks);
  if (!count) {
    return make_error(Errc::kCorrupt, keys + ": " + count.error().message);
  }
  return jwks;
}

bool OidcKeys::may_ask(const Entry& entry) const {
  return !entry.is_asked && std::count_if(entries_.begin(), entries_.end(), [](const auto& each) {
                              return each.second.is_asked;
                            }) < kAskedMax;
}

Result<std::string> OidcKeys::ask(const std::string& url) {
  auto fetched = fetch(url);
  const Instant now = needs_.clock.now();
  if (!fetched) {
    log(Level::kWarning, "oidc.keys_not_fetched",
        {{"provider", url}, {"error", fetched.error().message}});
  }
  const MutexLock lock(mutex_);
  Entry& entry = entries_[url];
  entry.is_asked = false;
  entry.tried = now;
  entry.error = fetched ? "" : fetched.error().message;
  if (fetched) {
    entry.jwks = std::move(*fetched);
    entry.fetched = now;
  } else if (entry.jwks.empty() || since(entry.fetched, now) >= kStaleMax) {
    return unavailable(url, entry.error);
  }
  return entry.jwks;
}

Result<std::string> OidcKeys::find(const IamOidcProvider& provider) {
  if (!provider.jwks.empty()) {
    return provider.jwks;
  }
  {
    const Instant now = needs_.clock.now();
    const MutexLock lock(mutex_);
    if (entries_.size() >= kProvidersMax && !entries_.contains(provider.url)) {
      std::erase_if(entries_, [](const auto& each) { return !each.second.is_asked; });
    }
    Entry& entry = entries_[provider.url];
    const Millis age = since(entry.fetched, now);
    if (!entry.jwks.empty() && age < kFresh) {
      return entry.jwks;
    }
    const bool is_rested =
        !entry.tried || entry.error.empty() || since(*entry.tried, now) >= kFailedAgain;
    if (!is_rested || !may_ask(entry)) {
      if (!entry.jwks.empty() && age < kStaleMax) {
        return entry.jwks;
      }
      return unavailable(provider.url, is_rested ? "it is being asked" : entry.error);
    }
    entry.is_asked = true;
  }
  return ask(provider.url);
}

Result<std::string> OidcKeys::newer(const IamOidcProvider& provider, std::string_view refused) {
  const Error none = make_error(Errc::kNotFound, "there are no newer keys");
  if (!provider.jwks.empty()) {
    return none;
  }
  {
    const Instant now = needs_.clock.now();
    const MutexLock lock(mutex_);
    Entry& entry = entries_[provider.url];
    if (!entry.jwks.empty() && entry.jwks != refused) {
      return entry.jwks;
    }
    if (!may_ask(entry) || (entry.tried && since(*entry.tried, now) < kRefusedAgain)) {
      return none;
    }
    entry.is_asked = true;
  }
  TRIVET_TRY(std::string jwks, ask(provider.url));
  return jwks != refused ? Result<std::string>(std::move(jwks)) : none;
}

}  // namespace trivet::service
