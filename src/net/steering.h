// SPDX-License-Identifier: Apache-2.0
//
// Hands new connections to one address to a listening socket of another process, in the kernel: no
// byte of theirs passes through this process, and they outlive it. What the router needs of it;
// kernel_steering.h does it.
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.h"
#include "net/socket.h"

namespace trivet::net {

// The socket that process `pid` listens on at `listening`.
struct SteeringTarget {
  HostPort listening;
  int pid = 0;
};

struct EndedConnections {
  std::size_t ended = 0;
  // Nobody has accepted these yet, so whose they are is not known: looked at again by the next
  // call.
  std::size_t undecided = 0;
};

// Not thread-safe. What is steered ends with the object; connections that were made stay.
class Steering {
 public:
  virtual ~Steering() = default;

  // New connections to `at` go to `to` until it is closed (the kernel notices), until release() or
  // another steer(). Otherwise they reach whoever listens at `at`. kInvalidArgument for what is not
  // IPv4, kUnavailable when that process does not listen there, kDenied without the privilege.
  virtual Status steer(const HostPort& at, const SteeringTarget& to) = 0;
  // Unknown ones are ignored.
  virtual void release(const HostPort& at) = 0;

  // Resets the connections to `at` that are served neither by this process nor by process `keep`,
  // whoever steered them, also an earlier run of this program. One that nobody has accepted is
  // undecided at the first call and ended by the next one that finds it so still. Requires: nothing
  // but `keep` is steered to there.
  virtual Result<EndedConnections> end_connections(const HostPort& at, std::optional<int> keep) = 0;
};

}  // namespace trivet::net
