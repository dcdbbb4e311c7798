// SPDX-License-Identifier: Apache-2.0
#include "service/functions/function_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "core/function_ref/function_ref.h"
#include "service/functions/faults.h"

namespace trivet::functions {
namespace {

// Longer than a function may run: an environment of a version that is gone may still read its code.
constexpr Millis kCodeKept{16 * 60'000};
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kFunctionsMax = 2'000;

Status check_archive(const std::string& archive) {
  if (archive.empty()) {
    return bad_value("Please provide a source for function code.");
  }
  if (archive.size() > static_cast<std::size_t>(kArchiveBytesMax)) {
    return aws_fault(Errc::kInvalidArgument, "RequestEntityTooLarge",
                     fmt::format("Zipped size must be smaller than {} bytes", kArchiveBytesMax));
  }
  return ok();
}

// What the code store says of an archive is the caller's fault; what it says of the disk is ours.
Error archive_error(const Error& error) {
  return error.code == Errc::kInvalidArgument ? bad_value(error.message) : error;
}

Status check_architecture(const std::optional<std::string>& architecture) {
  if (architecture && *architecture != "x86_64") {
    return bad_value(fmt::format("Functions run on x86_64 here, not on {}.", *architecture));
  }
  return ok();
}

std::string seal_environment(const Sealer& sealer, const std::string& name,
                             const Environment& environment) {
  if (environment.empty()) {
    return {};
  }
  nlohmann::json all = nlohmann::json::object();
  for (const auto& [key, value] : environment) {
    all[key] = std::string(value.reveal());
  }
  return sealer.seal(environment_context(name), SecretString(all.dump()));
}

void touch(FunctionVersion& version, WallTime now) {
  version.modified = now;
  version.content_revision = random_uuid();
  version.revision_id = random_uuid();
}

Status check_settled(const Function& function, const std::string& arn) {
  if (!function.latest.is_active) {
    return conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Pending");
  }
  if (!function.latest.is_updated) {
    return conflict(fmt::format(
        "The operation cannot be performed at this time. An update is in progress for resource: {}",
        arn));
  }
  return ok();
}

void set_logging(const LoggingWish& wish, FunctionVersion& version) {
  version.log_group = wish.group.value_or(version.log_group);
  version.log_format = wish.format.value_or(version.log_format);
  if (version.log_format == LogFormat::kText) {
    version.application_log_level.clear();
    version.system_log_level.clear();
    return;
  }
  const auto level = [](const std::optional<std::string>& asked, std::string& now) {
    now = asked.value_or(now.empty() ? "INFO" : now);
  };
  level(wish.application_level, version.application_log_level);
  level(wish.system_level, version.system_log_level);
}

}  // namespace

void FunctionService::start() {
  const auto all = state();
  for (const auto& [name, entry] : all->functions) {
    if (!entry->function.latest.is_active || !entry->function.latest.is_updated) {
      finish_later(name);
    }
  }
  needs_.worker.post([this] { collect_code(); });
}

Status FunctionService::check_new(const CreateFunction& wish) const {
  const ConfigurationWish& asked = wish.configuration;
  TRIVET_CHECK_OK(check_archive(wish.archive));
  TRIVET_CHECK_OK(check_architecture(asked.architecture));
  if (asked.environment) {
    TRIVET_CHECK_OK(check_environment(*asked.environment));
  }
  TRIVET_CHECK_OK(check_tags(wish.tags));
  TRIVET_TRY(const auto layers, find_layers(*state(), needs_.realm,
                                            asked.layers.value_or(std::vector<std::string>())));
  static_cast<void>(layers);
  TRIVET_CHECK_OK(check_place(asked.role_arn.value_or(""), arn(wish.name), asked.vpc));
  TRIVET_CHECK_OK(check_runtime(asked.runtime.value_or("")));
  TRIVET_CHECK_OK(check_handler(asked.runtime.value_or(""), asked.handler.value_or("")));
  if (wish.name.size() > kNameMax) {
    return bad_value(fmt::format(
        "1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to {}",
        wish.name, kNameMax));
  }
  if (needs_.runtime != nullptr) {
    if (auto installed = needs_.runtime->check_runtime(*asked.runtime); !installed) {
      return bad_value(installed.error().message);
    }
  }
  return ok();
}

Status FunctionService::check_place(const std::string& role_arn, const std::string& function_arn,
                                    const std::optional<VpcWish>& vpc) const {
  const bool needs_network = vpc && !vpc->subnet_ids.empty();
  if (vpc && vpc->subnet_ids.empty() != vpc->security_group_ids.empty()) {
    return bad_value("SubnetIds and SecurityIds must coexist or be both empty list.");
  }
  TRIVET_CHECK_OK(check_role(*needs_.iam.snapshot(), role_arn, function_arn, needs_network,
                             needs_.clock.wall_now()));
  const std::string why_not = needs_network ? needs_.why_no_network() : "";
  return why_not.empty() ? ok() : Status(bad_value(why_not));
}

// Puts what is asked for into a version. The VPC is the caller's: it needs the network.
Status FunctionService::apply(const BookState& all, const std::string& name,
                              const ConfigurationWish& wish, FunctionVersion& version) const {
  const auto set = [](auto& field, const auto& asked) {
    if (asked) {
      field = *asked;
    }
  };
  set(version.description, wish.description);
  set(version.runtime, wish.runtime);
  set(version.handler, wish.handler);
  set(version.role_arn, wish.role_arn);
  set(version.timeout_s, wish.timeout_s);
  set(version.memory_mb, wish.memory_mb);
  set(version.ephemeral_mb, wish.ephemeral_mb);
  set(version.tracing_mode, wish.tracing_mode);
  set(version.architecture, wish.architecture);
  set_logging(wish.logging, version);
  TRIVET_CHECK_OK(check_timeout(version.timeout_s));
  TRIVET_CHECK_OK(check_memory(version.memory_mb));
  TRIVET_CHECK_OK(check_runtime(version.runtime));
  TRIVET_CHECK_OK(check_handler(version.runtime, version.handler));
  if (wish.environment) {
    TRIVET_CHECK_OK(check_environment(*wish.environment));
    version.sealed_environment = seal_environment(*needs_.sealer, name, *wish.environment);
  }
  if (wish.layers) {
    TRIVET_TRY(version.layers, find_layers(all, needs_.realm, *wish.layers));
  }
  return check_unpacked_size(version.code, version.layers);
}

Status FunctionService::change_in_network(
    const std::optional<VpcWish>& vpc,
    const std::function<Status(const std::string& vpc_id)>& change) {
  if (!vpc || vpc->subnet_ids.empty()) {
    return change("");
  }
  return needs_.network.hold([&](const service::NetworkState& network) -> Status {
    TRIVET_TRY(const std::string vpc_id,
               check_vpc(network, vpc->subnet_ids, vpc->security_group_ids));
    return change(vpc_id);
  });
}

namespace {

std::optional<FunctionVpc> vpc_of(const VpcWish& wish, const std::string& vpc_id) {
  if (wish.subnet_ids.empty()) {
    return std::nullopt;
  }
  return FunctionVpc{vpc_id, wish.subnet_ids, wish.security_group_ids};
}

}  // namespace

Result<FunctionView> FunctionService::create(CreateFunction wish) {
  const auto taken = [&](const BookState& all) -> Status {
    if (all.find(wish.name) != nullptr) {
      return aws_fault(Errc::kAlreadyExists, "ResourceConflictException",
                       "Function already exist: " + wish.name);
    }
    return ok();
  };
  TRIVET_CHECK_OK(check_new(wish));
  TRIVET_CHECK_OK(taken(*state()));
  const MutexLock lock(code_mutex_);
  auto code = needs_.code.put(wish.archive, kUnpackedBytesMax);
  if (!code) {
    return archive_error(code.error());
  }
  std::string shown;
  const auto make = [&](const BookState& all, const std::string& vpc_id) -> Result<BookChange> {
    TRIVET_CHECK_OK(taken(all));
    if (all.functions.size() >= kFunctionsMax) {
      return bad_value(fmt::format("There are {} functions already.", kFunctionsMax));
    }
    Function function{.name = wish.name, .tags = wish.tags};
    function.latest.log_group = "/aws/lambda/" + wish.name;
    function.latest.code = *code;
    TRIVET_CHECK_OK(apply(all, wish.name, wish.configuration, function.latest));
    if (wish.configuration.vpc) {
      function.latest.vpc = vpc_of(*wish.configuration.vpc, vpc_id);
    }
    touch(function.latest, needs_.clock.wall_now());
    BookChange change;
    change.functions.push_back(function);
    if (wish.publish) {
      const FunctionEntry entry{.function = function, .versions = {}};
      TRIVET_TRY(const FunctionVersion published, publish_into({}, entry, change));
      shown = published.version;
    }
    return change;
  };
  TRIVET_CHECK_OK(change_in_network(wish.configuration.vpc, [&](const std::string& vpc_id) {
    return needs_.book.change([&](const BookState& all) { return make(all, vpc_id); });
  }));
  finish_later(wish.name);
  const auto all = state();
  const FunctionEntry* entry = all->find(wish.name);
  const FunctionVersion* version = entry == nullptr ? nullptr : entry->find_version(shown);
  return version == nullptr ? Result<FunctionView>(no_such_function(arn(wish.name)))
                            : view_of(*entry, *version, arn(wish.name, shown));
}

Status FunctionService::edit(const std::string& name, const Edit& edit) {
  return needs_.book.change([&](const BookState& all) -> Result<BookChange> {
    const FunctionEntry* entry = all.find(name);
    if (entry == nullptr) {
      return no_such_function(arn(name));
    }
    BookChange change;
    change.functions.push_back(entry->function);
    TRIVET_CHECK_OK(edit(all, change.functions.back()));
    return change;
  });
}

Result<FunctionView> FunctionService::update_code(const UpdateCode& wish) {
  TRIVET_CHECK_OK(check_archive(wish.archive));
  TRIVET_CHECK_OK(check_architecture(wish.architecture));
  TRIVET_TRY(const Resolved present, resolve(wish.name, ""));
  static_cast<void>(present);
  const MutexLock lock(code_mutex_);
  auto code = needs_.code.put(wish.archive, kUnpackedBytesMax);
  if (!code) {
    return archive_error(code.error());
  }
  std::string shown;
  std::optional<FunctionEntry> tried;
  const auto plan = [&](const BookState& all) -> Result<BookChange> {
    const FunctionEntry* entry = all.find(wish.name);
    if (entry == nullptr) {
      return no_such_function(arn(wish.name));
    }
    FunctionEntry next = *entry;
    FunctionVersion& latest = next.function.latest;
    if (!wish.revision_id.empty() && wish.revision_id != latest.revision_id) {
      return stale_revision();
    }
    TRIVET_CHECK_OK(check_settled(next.function, arn(wish.name)));
    TRIVET_CHECK_OK(check_unpacked_size(*code, latest.layers));
    latest.code = *code;
    touch(latest, needs_.clock.wall_now());
    BookChange change;
    if (wish.dry_run) {
      tried = std::move(next);
      return change;
    }
    latest.is_updated = false;
    change.functions.push_back(next.function);
    if (wish.publish) {
      TRIVET_TRY(const FunctionVersion published, publish_into({}, next, change));
      shown = published.version;
    }
    return change;
  };
  TRIVET_CHECK_OK(needs_.book.change(plan));
  if (tried) {
    return view_of(*tried, tried->function.latest, arn(wish.name));
  }
  finish_later(wish.name);
  return get(wish.name, shown);
}

Result<FunctionView> FunctionService::update_configuration(const std::string& name,
                                                           ConfigurationWish wish,
                                                           const std::string& revision_id) {
  TRIVET_TRY(const Resolved present, resolve(name, ""));
  const FunctionVersion& before = *present.version;
  std::optional<VpcWish> vpc = wish.vpc;
  if (!vpc && before.vpc) {
    vpc = VpcWish{before.vpc->subnet_ids, before.vpc->security_group_ids};
  }
  if (wish.role_arn || wish.vpc) {
    TRIVET_CHECK_OK(check_place(wish.role_arn.value_or(before.role_arn), arn(name), vpc));
  }
  if (wish.runtime && needs_.runtime != nullptr) {
    TRIVET_CHECK_OK(check_runtime(*wish.runtime));
    if (auto installed = needs_.runtime->check_runtime(*wish.runtime); !installed) {
      return bad_value(installed.error().message);
    }
  }
  const auto plan = [&](const std::string& vpc_id) {
    return edit(name, [&](const BookState& all, Function& function) -> Status {
      if (!revision_id.empty() && revision_id != function.latest.revision_id) {
        return stale_revision();
      }
      TRIVET_CHECK_OK(check_settled(function, arn(name)));
      TRIVET_CHECK_OK(apply(all, name, wish, function.latest));
      if (wish.vpc) {
        function.latest.vpc = vpc_of(*wish.vpc, vpc_id);
      }
      touch(function.latest, needs_.clock.wall_now());
      function.latest.is_updated = false;
      return ok();
    });
  };
  TRIVET_CHECK_OK(change_in_network(wish.vpc, plan));
  finish_later(name);
  return get(name, "");
}

Status FunctionService::remove(const std::string& name, const std::string& qualifier) {
  if (qualifier == kLatestVersion) {
    return bad_value("$LATEST version cannot be deleted without deleting the function.");
  }
  TRIVET_CHECK_OK(needs_.book.change([&](const BookState& all) -> Result<BookChange> {
    const FunctionEntry* entry = all.find(name);
    if (entry == nullptr) {
      return no_such_function(arn(name, qualifier));
    }
    BookChange change;
    if (qualifier.empty()) {
      change.removed_function = name;
      return change;
    }
    if (!function_ref::is_version(qualifier)) {
      return bad_value("Deletion of aliases is not currently supported.");
    }
    const FunctionVersion* version = entry->find_version(qualifier);
    if (version == nullptr) {
      return no_such_function(arn(name, qualifier));
    }
    for (const auto& [alias_name, alias] : entry->function.aliases) {
      if (alias.version == qualifier || alias.other_version == qualifier) {
        return conflict(fmt::format("Version {} cannot be deleted: the alias {} points to it.",
                                    qualifier, alias_name));
      }
    }
    Function function = entry->function;
    function.policies.erase(qualifier);
    function.event_configs.erase(qualifier);
    change.functions.push_back(std::move(function));
    change.removed_versions.emplace_back(name, version_number(qualifier));
    return change;
  }));
  retire(name);
  collect_code_later();
  return ok();
}

void FunctionService::finish_later(const std::string& name) {
  retire(name);
  if (!needs_.worker.post([this, name] { finish(name); })) {
    log(Level::kWarning, "functions.not_finished", {{"function", name}});
  }
}

void FunctionService::finish(const std::string& name) {
  const Status done = edit(name, [](const BookState&, Function& function) {
    function.latest.is_active = true;
    function.latest.is_updated = true;
    return ok();
  });
  if (!done && done.error().code != Errc::kNotFound) {
    log(Level::kError, "functions.not_finished",
        {{"function", name}, {"error", done.error().message}});
  }
}

// Environments of what $LATEST was before, or of versions that are gone, get no more events.
void FunctionService::retire(const std::string& name) const {
  if (needs_.runtime == nullptr) {
    return;
  }
  const auto all = state();
  const FunctionEntry* entry = all->find(name);
  const std::string keep = entry == nullptr ? ""
                                            : entry->function.latest.content_revision + "/" +
                                                  entry->function.latest.version;
  needs_.runtime->retire(arn(name), keep);
}

void FunctionService::collect_code_later() {
  (void)needs_.worker.post_after(kCodeKept, [this] { collect_code(); });
}

void FunctionService::collect_code() {
  const MutexLock lock(code_mutex_);
  std::set<std::string> used;
  const auto all = state();
  const auto use = [&](const FunctionVersion& version) {
    used.insert(version.code.id);
    for (const LayerUse& layer : version.layers) {
      used.insert(layer.code.id);
    }
  };
  for (const auto& [name, entry] : all->functions) {
    use(entry->function.latest);
    for (const auto& [number, version] : entry->versions) {
      use(version);
    }
  }
  for (const auto& [name, entry] : all->layers) {
    for (const auto& [number, layer] : entry->versions) {
      used.insert(layer.code.id);
    }
  }
  needs_.code.keep_only(used);
}

}  // namespace trivet::functions
