// SPDX-License-Identifier: Apache-2.0
//
// Steering as Linux can do it: sk_lookup.h hands new connections over, socket_table.h finds the
// other process's socket and ends connections. Where one of them is not possible none is used: a
// connection that could not be ended at once would outlive its term (failover.md I14).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "net/sk_lookup.h"
#include "net/steering.h"

namespace trivet::net {

class KernelSteering final : public Steering {
 public:
  // Errors say what is missing: Linux 5.9, CAP_BPF, CAP_NET_ADMIN, CONFIG_INET_DIAG_DESTROY.
  static Result<std::unique_ptr<KernelSteering>> open();

  Status steer(const HostPort& at, const SteeringTarget& to) override;
  void release(const HostPort& at) override;
  Result<EndedConnections> end_connections(const HostPort& at, std::optional<int> keep) override;

 private:
  explicit KernelSteering(SkLookup lookup) : lookup_(std::move(lookup)) {}

  SkLookup lookup_;
  std::map<std::string, std::set<std::uint64_t>> undecided_;  // cookies, by address
};

}  // namespace trivet::net
