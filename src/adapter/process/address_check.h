// SPDX-License-Identifier: Apache-2.0
//
// Is this address and port ours to give to a member? Asked before mysqld is started, so that the
// answer to a taken port is a sentence and not a line in an error log.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace trivet::process {

// Ok when a TCP listener could be bound there now. kAlreadyExists: something listens there (also on
// the wildcard address); kInvalidArgument: not a numeric IPv4 or IPv6 address, or not one of this
// machine's; kDenied: a port below 1024 without the privilege.
Status can_bind(const std::string& address, std::uint16_t port);

// A port that nothing uses on `address` right now, chosen by the kernel.
Result<std::uint16_t> free_port(const std::string& address);

}  // namespace trivet::process
