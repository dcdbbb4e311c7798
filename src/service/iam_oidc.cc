// SPDX-License-Identifier: Apache-2.0
//
// OIDC providers: whose signed statements about identity the account accepts, and for which
// audiences.
#include <algorithm>
#include <utility>

#include "service/iam_ids.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

constexpr std::string_view kArnKind = "oidc-provider";

std::string provider_arn(const Realm& realm, std::string_view url) {
  return iam_arn(realm, kArnKind, "/", url);
}

// The URL without its scheme. AWS takes "https://host[/path]": no query, no port.
Result<std::string> bare_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const bool is_https = url.starts_with(kScheme);
  const std::string_view rest = is_https ? url.substr(kScheme.size()) : url;
  const bool is_legal =
      is_https && !rest.empty() && rest.size() <= 247 && rest.front() != '/' &&
      std::all_of(rest.begin(), rest.end(), [](char c) { return c > 0x20 && c < 0x7F; }) &&
      rest.find_first_of("?#@\"\\") == std::string_view::npos;
  if (!is_legal) {
    return validation_error("Invalid Open ID Connect Provider URL");
  }
  return std::string(rest);
}

Status check_client_ids(const std::vector<std::string>& ids) {
  if (ids.size() > kClientIdsMax) {
    return limit_exceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: " +
                          std::to_string(kClientIdsMax));
  }
  for (const std::string& id : ids) {
    if (id.empty() || id.size() > 255) {
      return constraint_error(id, "clientID", "Member must have length less than or equal to 255");
    }
  }
  return ok();
}

Status check_thumbprints(const std::vector<std::string>& thumbprints) {
  if (thumbprints.size() > 5) {
    return invalid_input("Thumbprint list must contain fewer than 5 entries.");
  }
  for (const std::string& print : thumbprints) {
    if (print.size() != 40 || print.find_first_not_of("0123456789abcdefABCDEF") != print.npos) {
      return invalid_input("Invalid thumbprint: " + print);
    }
  }
  return ok();
}

Result<const OidcEntry*> find_provider(const IamState& state, const Realm& realm,
                                       std::string_view arn) {
  const std::string prefix = provider_arn(realm, "");
  const auto found = arn.starts_with(prefix) ? state.oidc_providers.find(arn.substr(prefix.size()))
                                             : state.oidc_providers.end();
  if (found == state.oidc_providers.end()) {
    return no_such_entity("OpenIDConnect Provider not found for arn " + std::string(arn));
  }
  return found->second.get();
}

}  // namespace

Result<std::string> IamService::create_oidc_provider(IamOidcProvider provider, const TagList& tags,
                                                     WallTime now) {
  TRIVET_TRY(provider.url, bare_url(provider.url));
  TRIVET_CHECK_OK(check_client_ids(provider.client_ids));
  TRIVET_CHECK_OK(check_thumbprints(provider.thumbprints));
  TRIVET_TRY(provider.tags, merge_tags({}, tags));
  provider.created = now;
  const std::string key = oidc_key(provider.url);
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.oidc_providers.contains(provider.url)) {
      return already_exists("Provider with url https://" + provider.url + " already exists.");
    }
    if (state.oidc_providers.size() >= kOidcProvidersMax) {
      return limit_exceeded("Cannot exceed quota for OpenIdConnectProvidersPerAccount: " +
                            std::to_string(kOidcProvidersMax));
    }
    return Commit{.compares = {{key, Revision(0)}}, .puts = {{key, encode(provider)}}};
  }));
  return provider_arn(options_.realm, provider.url);
}

Result<IamOidcProvider> IamService::get_oidc_provider(std::string_view arn) const {
  const auto now = state();
  TRIVET_TRY(const OidcEntry* entry, find_provider(*now, options_.realm, arn));
  return entry->record;
}

std::vector<std::string> IamService::list_oidc_providers() const {
  std::vector<std::string> arns;
  const auto now = state();
  for (const auto& [url, entry] : now->oidc_providers) {
    arns.push_back(provider_arn(options_.realm, url));
  }
  return arns;
}

Status IamService::change_oidc_provider(std::string_view arn, const OidcChange& change) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const OidcEntry* entry, find_provider(state, options_.realm, arn));
    IamOidcProvider changed = entry->record;
    for (const std::string& id : change.added_client_ids) {
      std::erase(changed.client_ids, id);
      changed.client_ids.push_back(id);
    }
    for (const std::string& id : change.removed_client_ids) {
      std::erase(changed.client_ids, id);
    }
    TRIVET_CHECK_OK(check_client_ids(changed.client_ids));
    if (change.thumbprints) {
      TRIVET_CHECK_OK(check_thumbprints(*change.thumbprints));
      changed.thumbprints = *change.thumbprints;
    }
    TRIVET_TRY(changed.tags, merge_tags(changed.tags, change.added_tags));
    remove_tags(changed.tags, change.removed_tags);
    changed.jwks = change.jwks.value_or(changed.jwks);
    const std::string key = oidc_key(changed.url);
    return Commit{.compares = {{key, entry->modified}}, .puts = {{key, encode(changed)}}};
  });
}

Status IamService::delete_oidc_provider(std::string_view arn) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const OidcEntry* entry, find_provider(state, options_.realm, arn));
    const std::string key = oidc_key(entry->record.url);
    return Commit{.compares = {{key, entry->modified}}, .deletes = {key}};
  });
}

}  // namespace trivet::service
