// SPDX-License-Identifier: Apache-2.0
#include "daemon/vpc_doors.h"

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "base/network_namespace.h"

namespace trivet::daemon {
namespace {

constexpr std::uint16_t kDnsPort = 53;

// Two sockets, or why one of them could not be had.
struct DnsSockets {
  Fd udp;
  Fd tcp;
};

Result<DnsSockets> make_dns_sockets(const std::string& address) {
  TRIVET_TRY(Fd udp, net::bind_udp({address, kDnsPort}));
  TRIVET_TRY(Fd tcp, net::listen_tcp({address, kDnsPort}));
  return DnsSockets{std::move(udp), std::move(tcp)};
}

// What `make` makes inside the namespace.
template <typename T, typename Make>
Result<T> made_inside(const std::string& path, Make make) {
  std::optional<Result<T>> made;
  TRIVET_CHECK_OK(in_network_namespace(path, [&] { made.emplace(make()); }));
  return std::move(*made);
}

std::optional<net::HostPort> host_resolver() {
  const auto text = read_file("/etc/resolv.conf");
  return text ? net::upstream_of(*text) : std::nullopt;
}

}  // namespace

NetVpcDoors::NetVpcDoors(std::uint16_t api_port)
    : api_port_(api_port),
      dns_({.decide = [this](const std::string& network, std::uint32_t client,
                             const std::string& name) { return decide(network, client, name); },
            .upstream = host_resolver()}) {}

void NetVpcDoors::open_api(net::HttpServer& http) {
  const MutexLock lock(mutex_);
  http_ = &http;
}

void NetVpcDoors::stop() {
  dns_.stop();
  const MutexLock lock(mutex_);
  http_ = nullptr;
  open_.clear();
}

net::DnsVerdict NetVpcDoors::decide(const std::string& network, std::uint32_t client,
                                    const std::string& name) {
  std::shared_ptr<const network::NameBook> names;
  {
    const MutexLock lock(names_mutex_);
    names = names_;
  }
  if (!names) {
    return {};
  }
  const network::NameAnswer answer = network::resolve(*names, network, client, name);
  using Kind = net::DnsVerdict::Kind;
  return {answer.kind == network::NameAnswer::Kind::kAddress   ? Kind::kAddress
          : answer.kind == network::NameAnswer::Kind::kForward ? Kind::kForward
                                                               : Kind::kNoSuchName,
          answer.address};
}

void NetVpcDoors::set_names(std::shared_ptr<const network::NameBook> names) {
  const MutexLock lock(names_mutex_);
  names_ = std::move(names);
}

Status NetVpcDoors::open_resolver(const std::string& network, const VpcDoorsWish& wish,
                                  Open& open) {
  if (open.dns_address == wish.dns_address) {
    return ok();
  }
  dns_.leave(network);
  open.dns_address.clear();
  if (wish.dns_address.empty()) {
    return ok();
  }
  TRIVET_TRY(DnsSockets sockets, made_inside<DnsSockets>(wish.namespace_path, [&] {
               return make_dns_sockets(wish.dns_address);
             }));
  dns_.serve(network, std::move(sockets.udp), std::move(sockets.tcp));
  open.dns_address = wish.dns_address;
  return ok();
}

Status NetVpcDoors::open_api_at(const VpcDoorsWish& wish, const std::string& address, Open& open) {
  if (http_ == nullptr || open.api.contains(address)) {
    return ok();
  }
  TRIVET_TRY(Fd listening, made_inside<Fd>(wish.namespace_path,
                                           [&] { return net::listen_tcp({address, api_port_}); }));
  open.api[address] = http_->listen_on(std::move(listening));
  return ok();
}

Status NetVpcDoors::serve(const std::string& network, const VpcDoorsWish& wish) {
  const MutexLock lock(mutex_);
  Open& open = open_[network];
  open.namespace_path = wish.namespace_path;
  Status first = open_resolver(network, wish, open);
  for (auto it = open.api.begin(); it != open.api.end();) {
    const auto& wanted = wish.api_addresses;
    if (std::find(wanted.begin(), wanted.end(), it->first) != wanted.end()) {
      ++it;
      continue;
    }
    if (http_ != nullptr) {
      http_->close_listening(it->second);
    }
    it = open.api.erase(it);
  }
  for (const std::string& address : wish.api_addresses) {
    const Status opened = open_api_at(wish, address, open);
    first = first ? opened : first;
  }
  return first;
}

void NetVpcDoors::leave(const std::string& network) {
  dns_.leave(network);
  const MutexLock lock(mutex_);
  const auto it = open_.find(network);
  if (it == open_.end()) {
    return;
  }
  for (const auto& [address, listener] : it->second.api) {
    if (http_ != nullptr) {
      http_->close_listening(listener);
    }
  }
  open_.erase(it);
}

}  // namespace trivet::daemon
