// SPDX-License-Identifier: Apache-2.0
//
// Settings of a function that are no part of a version: tags, reserved concurrency, how
// asynchronous events are treated.
#include <fmt/format.h>

#include "core/function_ref/function_ref.h"
#include "model/arn.h"
#include "service/functions/faults.h"
#include "service/functions/function_service.h"

namespace trivet::functions {
namespace {

// AWS's quotas of an account.
constexpr std::int32_t kConcurrencyMax = 1'000;
constexpr std::int32_t kUnreservedMin = 100;

Error no_event_config(const std::string& arn) {
  return not_found(fmt::format("The function {} doesn't have an EventInvokeConfig", arn));
}

}  // namespace

Result<Tags> FunctionService::tags(const std::string& function) const {
  TRIVET_TRY(const Resolved found, resolve(function, ""));
  return found.entry->function.tags;
}

Status FunctionService::change_tags(const std::string& name,
                                    const std::function<void(Tags&)>& change) {
  return edit(name, [&](const BookState&, Function& function) {
    change(function.tags);
    return check_tags(function.tags);
  });
}

std::int32_t FunctionService::unreserved_concurrency() const {
  std::int32_t reserved = 0;
  const auto all = state();
  for (const auto& [name, entry] : all->functions) {
    reserved += entry->function.reserved_concurrency.value_or(0);
  }
  return kConcurrencyMax - reserved;
}

Status FunctionService::set_reserved_concurrency(const std::string& name,
                                                 std::optional<std::int32_t> count) {
  return edit(name, [&](const BookState& all, Function& function) -> Status {
    std::int32_t others = 0;
    for (const auto& [other, entry] : all.functions) {
      others += other == name ? 0 : entry->function.reserved_concurrency.value_or(0);
    }
    if (count && kConcurrencyMax - others - *count < kUnreservedMin) {
      return bad_value(
          fmt::format("Specified ReservedConcurrentExecutions for function decreases account's "
                      "UnreservedConcurrentExecution below its minimum value of [{}].",
                      kUnreservedMin));
    }
    function.reserved_concurrency = count;
    return ok();
  });
}

// Only functions can be told how an event ended: there are no queues and topics here.
Status FunctionService::check_destination(const BookState& all, const std::string& function,
                                          const std::string& destination) const {
  if (destination.empty()) {
    return ok();
  }
  const auto ref = function_ref::parse(destination);
  if (!ref || ref->region != needs_.realm.region || ref->account != needs_.realm.account.str()) {
    return bad_value(
        fmt::format("The destination ARN {} is invalid. It must be a function's: there "
                    "are no queues, topics and buses here.",
                    destination));
  }
  if (ref->name == function) {
    return bad_value("You can't specify the function as a destination for itself.");
  }
  if (all.find(ref->name) == nullptr) {
    return bad_value(fmt::format("The destination ARN {} is invalid.", destination));
  }
  return ok();
}

Result<EventInvokeConfig> FunctionService::set_event_config(const std::string& name,
                                                            const std::string& qualifier,
                                                            const EventConfigWish& wish,
                                                            bool replaces) {
  if (!wish.retries_max && !wish.age_max_s && !wish.on_success && !wish.on_failure) {
    return bad_value("You must specify at least one of error handling or destination setting.");
  }
  const std::string key = qualifier == kLatestVersion ? "" : qualifier;
  EventInvokeConfig out;
  const auto plan = [&](const BookState& all, Function& function) -> Status {
    if (!resolve(name, qualifier)) {
      return not_found("The function doesn't exist.");
    }
    const auto before = function.event_configs.find(key);
    if (!replaces && before == function.event_configs.end()) {
      return no_event_config(
          arn(name, qualifier.empty() ? kLatestVersion : std::string_view(qualifier)));
    }
    out = replaces ? EventInvokeConfig() : before->second;
    out.retries_max = wish.retries_max ? wish.retries_max : out.retries_max;
    out.age_max_s = wish.age_max_s ? wish.age_max_s : out.age_max_s;
    out.on_success = wish.on_success.value_or(out.on_success);
    out.on_failure = wish.on_failure.value_or(out.on_failure);
    TRIVET_CHECK_OK(check_destination(all, name, out.on_success));
    TRIVET_CHECK_OK(check_destination(all, name, out.on_failure));
    out.modified = needs_.clock.wall_now();
    function.event_configs[key] = out;
    return ok();
  };
  TRIVET_CHECK_OK(edit(name, plan));
  return out;
}

Result<EventInvokeConfig> FunctionService::event_config(const std::string& name,
                                                        const std::string& qualifier) const {
  const auto all = state();
  const FunctionEntry* entry = all->find(name);
  const std::string key = qualifier == kLatestVersion ? "" : qualifier;
  if (entry == nullptr || !entry->function.event_configs.contains(key)) {
    return no_event_config(arn(name, key.empty() ? kLatestVersion : std::string_view(key)));
  }
  return entry->function.event_configs.at(key);
}

Status FunctionService::remove_event_config(const std::string& name, const std::string& qualifier) {
  const std::string key = qualifier == kLatestVersion ? "" : qualifier;
  return edit(name, [&](const BookState&, Function& function) -> Status {
    if (function.event_configs.erase(key) == 0) {
      return no_event_config(arn(name, key.empty() ? kLatestVersion : std::string_view(key)));
    }
    return ok();
  });
}

}  // namespace trivet::functions
