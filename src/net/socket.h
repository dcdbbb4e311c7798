// SPDX-License-Identifier: Apache-2.0
//
// The few socket calls that servers, relays and the router share, with errors that name the address
// and the cause. All sockets made here are non-blocking and close-on-exec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "net/http_types.h"

namespace trivet::net {

// A numeric IPv4 or IPv6 address and a port.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};
std::string to_string(const HostPort& name);  // "127.0.0.1:3306", "[::1]:3306"

// Port 0 asks the kernel for one. kInvalidArgument when the host is not numeric, kUnavailable
// otherwise: "listen on 127.0.0.1:3306: Address already in use (98)".
Result<Fd> listen_tcp(const HostPort& at);

struct UnixListenOptions {
  unsigned mode = 0600;              // who may connect needs write permission
  std::optional<std::uint32_t> uid;  // owner of the file; not given: the process's own
  std::optional<std::uint32_t> gid;
};
// A socket file that nobody listens on is replaced; one that somebody does is kAlreadyExists, and
// so is a file that is no socket. At no moment is the file more open than `mode`.
Result<Fd> listen_unix(const std::string& path, const UnixListenOptions& options);

// One waiting connection. kUnavailable with an empty message when none waits (or the one that did
// is gone); with a message when the process is out of descriptors or memory: pause before trying
// again.
Result<Fd> accept_one(int listening);

// Of the sockets that connect for the daemon (SO_MARK), where it has the privilege: the host's
// rules let them through to endpoints.
inline constexpr std::uint32_t kOwnMark = 0x7472'7674;

// Starts to connect: writable when decided (connect_error). `source`, when given, is the numeric
// address to come from, with a port of the kernel's.
Result<Fd> start_connect(const HostPort& to, const std::optional<std::string>& source);
// After start_connect's socket became writable: 0 or the errno.
int connect_error(int fd);

Result<HostPort> local_name(int fd);
Result<HostPort> peer_name(int fd);
Result<PeerCredentials> peer_credentials(int fd);  // unix sockets only

bool is_loopback_v4(const std::string& host);  // 127.0.0.0/8
// In network byte order; nullopt for what is not a numeric IPv4 address.
std::optional<std::uint32_t> ipv4_of(const std::string& host);
// Sends at once what is written, and notices within two minutes that the peer's machine is gone.
void set_stream_options(int fd);
// The next close() sends a reset instead of an orderly end.
void reset_on_close(int fd);

}  // namespace trivet::net
