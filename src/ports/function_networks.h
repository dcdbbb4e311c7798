// SPDX-License-Identifier: Apache-2.0
//
// Gives an environment of a function its place in a network: a network namespace of its own that
// has an interface in one of the subnets, with the rules of its security groups in force before the
// first packet. A function cannot change any of it: it has no capability over that namespace.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "ports/function_runtime.h"

namespace trivet {

struct FunctionNetwork {
  std::string id;  // for release(); empty: there is nothing to release
  // To be opened and entered with setns(2). Empty: networks cannot be enforced here; the
  // environment gets a new one with loopback alone.
  std::string netns_path;
  std::string address;     // "10.0.1.17"; empty: it has loopback alone
  std::string dns_server;  // what belongs in resolv.conf; empty: none
  std::string api_url;     // AWS_ENDPOINT_URL inside: names what may or may not be reachable
};

// Thread-safe; calls block for some tens of milliseconds.
class FunctionNetworks {
 public:
  virtual ~FunctionNetworks() = default;
  // Why networks are not enforced here; empty: they are.
  virtual std::string why_not_enforced() const = 0;
  // nullopt for `vpc`: a function without a VPC configuration, which reaches the outside through
  // the host and no VPC; where networks are not enforced, nothing. kNotFound: a subnet or group is
  // gone. kUnavailable: networks are not enforced here, or no address is left in the subnets; the
  // message says which.
  virtual Result<FunctionNetwork> lease(const std::string& function_arn,
                                        const std::optional<VpcPlacement>& vpc) = 0;
  // Takes the interface and the namespace away. Already gone is success.
  virtual void release(const std::string& id) = 0;
};

}  // namespace trivet
