// SPDX-License-Identifier: Apache-2.0
//
// Runs functions for callers: which version an event goes to, whether there is room, what an answer
// is in AWS's words. Nothing waits here: who asked is told by a callback.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "ports/function_runtime.h"
#include "service/functions/function_service.h"

namespace trivet::functions {

// AWS's limits of an event's size.
inline constexpr std::size_t kSyncPayloadMax = 6'291'456;
inline constexpr std::size_t kAsyncPayloadMax = 1'048'576;

struct InvokeWish {
  std::string function;
  std::string qualifier;  // empty: $LATEST
  std::string payload;    // JSON; empty: none
  std::string client_context;
  std::string request_id;
};

struct InvokeAnswer {
  std::string payload;
  std::string function_error;  // empty: none
  std::string log_tail;
  std::string executed_version;
};

// Thread-safe. What it refers to outlives it, and it outlives its calls.
class Invoker {
 public:
  using Done = std::function<void(Result<InvokeAnswer>)>;

  // Without a runtime every call is refused.
  Invoker(FunctionService& functions, FunctionRuntime* runtime)
      : functions_(functions), runtime_(runtime) {}

  // Calls `done` once, on any thread. Faults: ResourceNotFoundException, ResourceConflictException
  // (being created), InvalidRequestContentException, RequestTooLargeException, the two of
  // TooManyRequestsException, and for what the runtime cannot do InvalidParameterValueException
  // (role), ServiceUnavailable.
  void invoke(InvokeWish wish, Done done);
  // Could it be invoked? For DryRun, and before an event is taken.
  Status check(const InvokeWish& wish, std::size_t payload_max) const;
  // How many events of a function are running now.
  std::int32_t running(const std::string& function) const;

 private:
  struct Picked {
    FunctionImage image;
    std::string invoked_arn;
  };
  Result<Picked> pick(const InvokeWish& wish) const;
  Status enter(const std::string& function);
  void leave(const std::string& function);

  FunctionService& functions_;
  FunctionRuntime* const runtime_;
  mutable Mutex mutex_;
  std::map<std::string, std::int32_t> running_ GUARDED_BY(mutex_);
};

}  // namespace trivet::functions
