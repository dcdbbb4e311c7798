// SPDX-License-Identifier: Apache-2.0
//
// The kernel's part of networks: carries out plans (core/network/plan.h). Each VPC and each
// environment of a function is a network namespace; everything bears names of this installation
// and nothing else is touched.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/network/host_plan.h"
#include "core/network/plan.h"

namespace trivet {

// The interface of one environment of a function.
struct EnvironmentWish {
  std::string name;     // "e17": lower-case letters and digits, at most 10; new each time
  std::string address;  // "10.0.1.17"
  std::string router;   // "10.0.1.1"
};

// Thread-compatible: its owner calls one at a time. Calls block for milliseconds, never longer than
// some seconds; an Error names the program that failed and what it said.
class NetworkFabric {
 public:
  virtual ~NetworkFabric() = default;

  // Why this host cannot: no privilege, a program that is missing; empty: it can. Then every call
  // below is kUnavailable.
  virtual std::string why_not() const = 0;
  // Takes away what bears this installation's names: what a killed daemon left, or at the end. The
  // host's rules only if asked to: members may go on without a daemon.
  virtual Status clear(bool with_host_rules) = 0;

  // Makes the network's namespace or changes it to be as planned; rules change at once.
  virtual Status apply(const std::string& network, const network::Plan& plan) = 0;
  // With the environments in it. Already gone is success.
  virtual Status remove(const std::string& network) = 0;
  // Is the namespace still there, as it was made? (Somebody may have deleted it.)
  virtual bool is_there(const std::string& network) const = 0;
  virtual std::string namespace_path(const std::string& network) const = 0;

  // The path of the environment's namespace, which is made unless it is there. Its rules must be in
  // force before.
  virtual Result<std::string> add_environment(const std::string& network,
                                              const EnvironmentWish& wish) = 0;
  virtual Status remove_environment(const std::string& network, const std::string& name) = 0;

  // The host's own rules.
  virtual Status apply_host(const network::HostAccess& access) = 0;
};

}  // namespace trivet
