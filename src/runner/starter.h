// SPDX-License-Identifier: Apache-2.0
//
// The part of an environment's life that blocks: everything that it needs is got, and given back.
#pragma once

#include <string>

#include "adapter/sandbox/host.h"
#include "base/result.h"
#include "ports/function_runtime.h"
#include "runner/environment.h"
#include "runner/runner.h"

namespace trivet::runner {

// Where the bootstraps lie, written for this version of them.
class Starter {
 public:
  Starter(const RunnerOptions& options, sandbox::Host& host) : options_(options), host_(host) {}

  // Writes the bootstraps of this version below the home. Once, before anything else.
  Status prepare();

  // Runtime, role, network, sandbox. Thread-safe; see launch() for which thread may call. The
  // errors of FunctionRuntime::invoke.
  Result<Started> start(const FunctionImage& image);
  // Takes away what is left of an environment.
  void remove(Environment::Remains remains);

 private:
  Result<FunctionNetwork> lease(const FunctionImage& image);

  const RunnerOptions& options_;
  sandbox::Host& host_;
  std::string bootstrap_folder_;
};

// How the runtime begins, as the sandbox's command: interpreter and bootstrap, or the function's
// own program. kInvalidArgument: it has none (with the error's type as its fault).
Result<std::vector<std::string>> command_of(const FunctionImage& image);

}  // namespace trivet::runner
