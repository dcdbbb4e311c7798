// SPDX-License-Identifier: GPL-2.0-only
//
// What SHOW GLOBAL STATUS LIKE 'AWSAuthenticationPlugin%' says: logins asked for, let in, and
// refused by reason. A login adds to atomics and takes no lock; only the first login refused for a
// reason of the daemon's that was never met before does, to add its line. Thread-safe.
#pragma once

#include <string_view>

namespace trivet_plugin {

// Why this side refuses by itself. Reasons of the daemon's have lines of their own.
enum class Refusal {
  kNoTls,
  kTokenTooLong,
  kClientGone,
  kNotConfigured,  // TRIVET_AUTH_SOCKET
  kDaemonAbsent,
  kDaemonSilent,
  kDaemonError,
  kDaemonNotUnderstood,
  kOtherProtocol,
  kStranger,
  kLocalFault,
};

void count_request();
void count_success();
void count_failure(Refusal refusal);
// `reason` as the daemon names it: "expired" is counted in …_failures_expired.
void count_denial(std::string_view reason);

// For the plugin's descriptor.
void* status_variables();

}  // namespace trivet_plugin
