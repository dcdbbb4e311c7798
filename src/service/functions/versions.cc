// SPDX-License-Identifier: Apache-2.0
//
// Published versions and the aliases that point to them.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/random.h"
#include "core/function_ref/function_ref.h"
#include "service/functions/faults.h"
#include "service/functions/function_service.h"

namespace trivet::functions {
namespace {

constexpr std::size_t kAliasesMax = 1'000;
constexpr std::int64_t kVersionsMax = 1'000;

std::string base64_of(const std::string& hex) {
  return to_base64(from_hex(hex).value_or(""));
}

}  // namespace

// The version that it makes, or the last one when nothing has changed since.
Result<FunctionVersion> FunctionService::publish_into(const PublishVersion& wish,
                                                      const FunctionEntry& entry,
                                                      BookChange& change) const {
  const FunctionVersion& latest = entry.function.latest;
  if (!wish.revision_id.empty() && wish.revision_id != latest.revision_id) {
    return stale_revision();
  }
  if (!wish.code_sha256.empty() && wish.code_sha256 != base64_of(latest.code.id)) {
    return bad_value(
        fmt::format("CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST "
                    "({}). Please try again with the CodeSHA256 in $LATEST.",
                    wish.code_sha256, base64_of(latest.code.id)));
  }
  if (!entry.versions.empty() &&
      entry.versions.rbegin()->second.content_revision == latest.content_revision) {
    return entry.versions.rbegin()->second;
  }
  if (static_cast<std::int64_t>(entry.versions.size()) >= kVersionsMax) {
    return bad_value(fmt::format("The function has {} published versions already.", kVersionsMax));
  }
  Function function = entry.function;
  ++function.last_version;
  function.latest.revision_id = random_uuid();
  FunctionVersion published = latest;
  published.version = std::to_string(function.last_version);
  published.description = wish.description.value_or(latest.description);
  published.revision_id = random_uuid();
  published.is_active = true;
  published.is_updated = true;
  std::erase_if(change.functions, [&](const Function& f) { return f.name == function.name; });
  change.functions.push_back(function);
  change.published.emplace_back(function.name, published);
  return published;
}

Result<FunctionView> FunctionService::publish(const PublishVersion& wish) {
  std::string version;
  TRIVET_CHECK_OK(needs_.book.change([&](const BookState& all) -> Result<BookChange> {
    const FunctionEntry* entry = all.find(wish.name);
    if (entry == nullptr) {
      return no_such_function(arn(wish.name));
    }
    BookChange change;
    TRIVET_TRY(const FunctionVersion published, publish_into(wish, *entry, change));
    version = published.version;
    return change;
  }));
  return get(wish.name, version);
}

namespace {

// The target and the share of another version, which must be published ones.
Status check_targets(const FunctionEntry& entry, const FunctionAlias& alias,
                     const std::function<Error(std::string_view version)>& missing) {
  if (entry.find_version(alias.version) == nullptr) {
    return missing(alias.version);
  }
  if (alias.other_version.empty()) {
    return ok();
  }
  if (alias.version == kLatestVersion) {
    return bad_value("$LATEST is not supported for an alias pointing to more than 1 version");
  }
  if (alias.other_version == alias.version) {
    return bad_value(
        fmt::format("Invalid function version {0}. Function version {0} is already "
                    "included in routing configuration.",
                    alias.version));
  }
  if (!function_ref::is_version(alias.other_version) ||
      entry.find_version(alias.other_version) == nullptr) {
    return missing(alias.other_version);
  }
  return ok();
}

void set_alias(const AliasWish& wish, FunctionAlias& alias) {
  alias.version = wish.version.value_or(alias.version);
  alias.description = wish.description.value_or(alias.description);
  if (wish.other) {
    alias.other_version = wish.other->first;
    alias.other_weight = wish.other->second;
  }
  alias.revision_id = random_uuid();
}

}  // namespace

Result<AliasView> FunctionService::create_alias(const std::string& function_name,
                                                const AliasWish& wish) {
  AliasView out{.arn = arn(function_name, wish.name)};
  const auto plan = [&](const BookState& all, Function& function) -> Status {
    if (function.aliases.contains(wish.name)) {
      return conflict("Alias already exists: " + out.arn);
    }
    if (function.aliases.size() >= kAliasesMax) {
      return bad_value(fmt::format("The function has {} aliases already.", kAliasesMax));
    }
    out.alias = {.name = wish.name};
    set_alias(wish, out.alias);
    TRIVET_CHECK_OK(check_targets(*all.find(function_name), out.alias, [&](std::string_view v) {
      return no_such_function(arn(function_name, v));
    }));
    function.aliases[wish.name] = out.alias;
    return ok();
  };
  TRIVET_CHECK_OK(edit(function_name, plan));
  return out;
}

Result<AliasView> FunctionService::update_alias(const std::string& function_name,
                                                const AliasWish& wish) {
  AliasView out{.arn = arn(function_name, wish.name)};
  const auto plan = [&](const BookState& all, Function& function) -> Status {
    const auto it = function.aliases.find(wish.name);
    if (it == function.aliases.end()) {
      return not_found("Alias not found: " + out.arn);
    }
    if (!wish.revision_id.empty() && wish.revision_id != it->second.revision_id) {
      return stale_revision();
    }
    out.alias = it->second;
    set_alias(wish, out.alias);
    TRIVET_CHECK_OK(check_targets(*all.find(function_name), out.alias, [&](std::string_view v) {
      return no_such_function(arn(function_name, v));
    }));
    it->second = out.alias;
    return ok();
  };
  TRIVET_CHECK_OK(edit(function_name, plan));
  return out;
}

Result<AliasView> FunctionService::get_alias(const std::string& function,
                                             const std::string& alias) const {
  const auto all = state();
  const FunctionEntry* entry = all->find(function);
  const bool is_there = entry != nullptr && entry->function.aliases.contains(alias);
  if (!is_there) {
    return not_found("Cannot find alias arn: " + arn(function, alias));
  }
  return AliasView{arn(function, alias), entry->function.aliases.at(alias)};
}

Result<std::vector<AliasView>> FunctionService::aliases(const std::string& function) const {
  TRIVET_TRY(const Resolved found, resolve(function, ""));
  std::vector<AliasView> out;
  for (const auto& [name, alias] : found.entry->function.aliases) {
    out.push_back({arn(function, name), alias});
  }
  return out;
}

// AWS: deleting an alias that is not there is no error.
Status FunctionService::remove_alias(const std::string& function_name, const std::string& alias) {
  return edit(function_name, [&](const BookState&, Function& function) {
    function.aliases.erase(alias);
    function.policies.erase(alias);
    function.event_configs.erase(alias);
    return ok();
  });
}

}  // namespace trivet::functions
