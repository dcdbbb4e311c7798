// SPDX-License-Identifier: Apache-2.0
//
// Runs functions on this machine: implements FunctionRuntime with sandboxes. All decisions and all
// traffic with what is inside happen on one loop; what blocks (starting, networks, removing) on
// workers of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/environments/pool.h"
#include "ports/function_networks.h"
#include "ports/function_runtime.h"
#include "ports/log_events.h"
#include "runner/variables.h"

namespace trivet::runner {

// Keys of a session of a function's execution role, and how long they are good.
struct RoleSession {
  Keys keys;
  WallTime expires{};
};

struct RunnerOptions {
  std::string home;
  std::string program;  // path of trivet-sandbox
  std::string installation_id;
  std::string region;
  std::string ca_bundle;                    // of the databases, on the host; empty: none
  std::uint32_t uid_first = 1'900'000'000;  // see sandbox::HostOptions
  std::uint32_t uid_count = 4'096;
  environments::PoolLimits limits;
  // Without `networks`: functions with a VPC configuration run with loopback alone, and are not
  // refused.
  bool runs_vpc_functions_without_network = false;
  // Blocks. kDenied: the role cannot be assumed.
  std::function<Result<RoleSession>(const FunctionImage&)> role_session;
  const Clock* clock = nullptr;
  FunctionNetworks* networks = nullptr;  // none: every function has loopback alone
  LogEventSink* logs = nullptr;          // none: nothing is kept
};

class Runner final : public FunctionRuntime {
 public:
  // Always there: on a machine that can run no functions it says why to everybody who asks.
  explicit Runner(RunnerOptions options);
  ~Runner() override;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void invoke(const FunctionImage& image, Invocation invocation, Done done) override;
  void retire(const std::string& function_arn, const std::string& except_revision) override;
  // As retire, with every function: what their credentials were sealed under is no more.
  void retire_all();
  Status check_runtime(const std::string& runtime) const override;
  FunctionRuntimeStats stats() const override;

  // Why no function can run here at all; success: some can.
  Status check() const;
  // What is not as strong as it could be, a sentence each; see sandbox::Host.
  std::vector<std::string> weaknesses() const;

  // Everything ends; what runs is answered with kUnavailable. Called once, or by the destructor.
  void stop();

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace trivet::runner
