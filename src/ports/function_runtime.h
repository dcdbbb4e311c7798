// SPDX-License-Identifier: Apache-2.0
//
// Runs code of functions: somebody says which version of a function and what event, and hears once
// what came of it. Environments (sandboxed processes) are kept, reused and ended behind this.
// AWS: "Understanding the Lambda execution environment lifecycle".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace trivet {

// Where in a VPC the environments of a function have their interfaces.
struct VpcPlacement {
  std::string vpc_id;
  std::vector<std::string> subnet_ids;          // 1 to 16
  std::vector<std::string> security_group_ids;  // 1 to 5
};

// A version of a function as it runs. Two with the same `revision` are the same; environments of
// another revision are not given its events.
struct FunctionImage {
  std::string name;      // "report"
  std::string version;   // "$LATEST" or a number
  std::string arn;       // without a qualifier
  std::string revision;  // new with each change of code, configuration or layers
  std::string runtime;   // "python3.13"
  std::string handler;   // "app.handler"; empty where the runtime needs none
  std::string role_arn;
  std::string code_folder;                 // absolute; becomes /var/task, read-only
  std::vector<std::string> layer_folders;  // absolute, in order: a later one wins; become /opt
  std::map<std::string, std::string> environment;  // the user's variables
  std::int32_t memory_mb = 128;
  std::int32_t ephemeral_mb = 512;  // of /tmp
  Millis timeout{3'000};
  std::string log_group;  // "/aws/lambda/report"
  std::optional<VpcPlacement> vpc;
};

struct Invocation {
  std::string request_id;      // a UUID
  std::string payload;         // JSON
  std::string invoked_arn;     // with the qualifier that was asked for, if any
  std::string client_context;  // JSON; empty: none
};

struct InvocationResult {
  std::string payload;         // what the handler returned, or the error object
  std::string function_error;  // "" or "Unhandled": X-Amz-Function-Error
  std::string log_tail;        // the last 4 KiB of what the environment wrote for this event
};

// What is going on, for status and limits.
struct FunctionRuntimeStats {
  std::int64_t environments_idle = 0;
  std::int64_t environments_busy = 0;
  std::int64_t resident_bytes = 0;  // of all environments together
};

// Thread-safe.
class FunctionRuntime {
 public:
  using Done = std::function<void(Result<InvocationResult>)>;

  virtual ~FunctionRuntime() = default;

  // Calls `done` exactly once, on any thread; it must not block. An error of the function (an
  // exception, a timeout, a dead process) is a result with `function_error`. Errors are ours:
  // kUnavailable (the runtime is not installed, networks are not enforced, no environment can be
  // started; the message names the cure), kConflict (all environments that this host may have are
  // busy), kDenied (the role cannot be assumed).
  virtual void invoke(const FunctionImage& image, Invocation invocation, Done done) = 0;

  // Environments of this function get no more events: idle ones end now, busy ones with their
  // event. After an update or a delete. Empty `except_revision`: all of them.
  virtual void retire(const std::string& function_arn, const std::string& except_revision) = 0;

  // Can functions with this runtime run here? kUnavailable with the command that installs it;
  // kInvalidArgument when there is no such runtime.
  virtual Status check_runtime(const std::string& runtime) const = 0;

  virtual FunctionRuntimeStats stats() const = 0;
};

}  // namespace trivet
