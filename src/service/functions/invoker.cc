// SPDX-License-Identifier: Apache-2.0
#include "service/functions/invoker.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/random.h"
#include "core/function_ref/function_ref.h"
#include "service/functions/faults.h"

namespace trivet::functions {
namespace {

constexpr std::uint64_t kWeightParts = 1'000'000;

Error throttled(std::string_view reason) {
  return aws_fault(Errc::kConflict, reason, "Rate Exceeded.");
}

Status check_payload(const std::string& payload, std::size_t bytes_max, std::string_view type) {
  if (payload.size() > bytes_max) {
    return aws_fault(
        Errc::kInvalidArgument, "RequestTooLargeException",
        fmt::format("{} byte payload is too large for the {} invocation type (limit {} bytes)",
                    payload.size(), type, bytes_max));
  }
  if (!payload.empty() && !nlohmann::json::accept(payload)) {
    return aws_fault(Errc::kInvalidArgument, "InvalidRequestContentException",
                     "Could not parse request body into json: Could not parse payload into json.");
  }
  return ok();
}

// What the runtime says, for a caller of the API.
Error as_fault(const Error& error) {
  if (!error.fault.empty()) {
    return error;
  }
  switch (error.code) {
    case Errc::kConflict:
      return throttled("ConcurrentInvocationLimitExceeded");
    case Errc::kDenied:
      return bad_value(error.message);
    case Errc::kInvalidArgument:
    case Errc::kNotFound:
    case Errc::kAlreadyExists:
    case Errc::kUnavailable:
    case Errc::kTimeout:
    case Errc::kCorrupt:
    case Errc::kInternal:
      break;
  }
  return error;
}

}  // namespace

Status Invoker::check(const InvokeWish& wish, std::size_t payload_max) const {
  TRIVET_CHECK_OK(check_payload(wish.payload, payload_max,
                                payload_max == kAsyncPayloadMax ? "Event" : "RequestResponse"));
  TRIVET_TRY(const Resolved found, functions_.resolve(wish.function, wish.qualifier));
  if (!found.version->is_active) {
    return conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Pending");
  }
  if (runtime_ == nullptr) {
    return make_error(Errc::kUnavailable,
                      "This daemon cannot run functions: it was started without a runtime.");
  }
  return ok();
}

// An alias with two versions gives each event to one of them by its weight.
Result<Invoker::Picked> Invoker::pick(const InvokeWish& wish) const {
  TRIVET_TRY(const Resolved found, functions_.resolve(wish.function, wish.qualifier));
  const FunctionVersion* version = found.version;
  if (found.alias != nullptr && !found.alias->other_version.empty()) {
    const auto share =
        static_cast<std::uint64_t>(found.alias->other_weight * static_cast<double>(kWeightParts));
    const FunctionVersion* other = found.entry->find_version(found.alias->other_version);
    if (other != nullptr && random_below(kWeightParts) < share) {
      version = other;
    }
  }
  Picked out;
  TRIVET_TRY(out.image, functions_.image_of(wish.function, *version));
  out.invoked_arn = function_ref::arn_of(functions_.realm(), wish.function, wish.qualifier);
  return out;
}

Status Invoker::enter(const std::string& function) {
  const auto all = functions_.state();
  const FunctionEntry* entry = all->find(function);
  const std::optional<std::int32_t> reserved =
      entry == nullptr ? std::nullopt : entry->function.reserved_concurrency;
  const MutexLock lock(mutex_);
  std::int32_t& count = running_[function];
  if (reserved && count >= *reserved) {
    if (count == 0) {
      running_.erase(function);
    }
    return throttled("ReservedFunctionConcurrentInvocationLimitExceeded");
  }
  ++count;
  return ok();
}

void Invoker::leave(const std::string& function) {
  const MutexLock lock(mutex_);
  if (--running_[function] == 0) {
    running_.erase(function);
  }
}

std::int32_t Invoker::running(const std::string& function) const {
  const MutexLock lock(mutex_);
  const auto it = running_.find(function);
  return it == running_.end() ? 0 : it->second;
}

void Invoker::invoke(InvokeWish wish, Done done) {
  if (auto possible = check(wish, kSyncPayloadMax); !possible) {
    done(possible.error());
    return;
  }
  auto picked = pick(wish);
  if (!picked) {
    done(picked.error());
    return;
  }
  if (auto entered = enter(wish.function); !entered) {
    done(entered.error());
    return;
  }
  Invocation invocation{.request_id = wish.request_id,
                        .payload = wish.payload.empty() ? "{}" : std::move(wish.payload),
                        .invoked_arn = std::move(picked->invoked_arn),
                        .client_context = std::move(wish.client_context)};
  runtime_->invoke(picked->image, std::move(invocation),
                   [this, function = wish.function, version = picked->image.version,
                    done = std::move(done)](Result<InvocationResult> result) {
                     leave(function);
                     if (!result) {
                       done(as_fault(result.error()));
                       return;
                     }
                     done(InvokeAnswer{.payload = std::move(result->payload),
                                       .function_error = std::move(result->function_error),
                                       .log_tail = std::move(result->log_tail),
                                       .executed_version = version});
                   });
}

}  // namespace trivet::functions
