// SPDX-License-Identifier: Apache-2.0
//
// The resolvers of VPCs: sockets that were made inside VPCs, one thread for all of them. Somebody
// else decides what a name means; what is forwarded goes to the host's resolver from the host's
// network, and only an answer to the same question from there comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/socket.h"

namespace trivet::net {

struct DnsVerdict {
  enum class Kind { kAddress, kNoSuchName, kForward };
  Kind kind = Kind::kNoSuchName;
  std::uint32_t address = 0;  // host byte order
};

struct DnsServerOptions {
  // Runs on the server's thread, must not block. `name` is in lower case, `client` in host byte
  // order.
  std::function<DnsVerdict(const std::string& network, std::uint32_t client,
                           const std::string& name)>
      decide;
  // The host's resolver. None: what would be forwarded is kServerFailure.
  std::optional<HostPort> upstream;
  std::size_t forwarded_max = 256;  // at once; more are dropped, and asked again by their clients
  std::size_t tcp_clients_max = 64;
};

// Thread-safe. Owns its thread.
class DnsServer {
 public:
  explicit DnsServer(DnsServerOptions options);
  ~DnsServer();  // stop()
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // Answers on these sockets as the resolver of `network`, instead of those it had.
  void serve(const std::string& network, Fd udp, Fd tcp);
  void leave(const std::string& network);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A bound UDP socket, as listen_tcp.
Result<Fd> bind_udp(const HostPort& at);
// The first IPv4 server of a resolv.conf.
std::optional<HostPort> upstream_of(const std::string& resolv_conf);

}  // namespace trivet::net
