// SPDX-License-Identifier: Apache-2.0
//
// The resolvers of VPCs and the API's listeners in them: sockets made inside, served by this
// process.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "net/dns_server.h"
#include "net/http_server.h"
#include "ports/vpc_doors.h"

namespace trivet::daemon {

class NetVpcDoors final : public VpcDoors {
 public:
  explicit NetVpcDoors(std::uint16_t api_port);

  // Before it there is no API in VPCs. `http` must outlive stop().
  void open_api(net::HttpServer& http);
  void stop();

  Status serve(const std::string& network, const VpcDoorsWish& wish) override;
  void leave(const std::string& network) override;
  void set_names(std::shared_ptr<const network::NameBook> names) override;

 private:
  struct Open {
    std::string namespace_path;
    std::string dns_address;
    std::map<std::string, std::uint64_t> api;  // the listeners, by address
  };
  net::DnsVerdict decide(const std::string& network, std::uint32_t client, const std::string& name);
  Status open_resolver(const std::string& network, const VpcDoorsWish& wish, Open& open);
  Status open_api_at(const VpcDoorsWish& wish, const std::string& address, Open& open)
      REQUIRES_LOCK(mutex_);

  const std::uint16_t api_port_;
  Mutex mutex_;
  std::map<std::string, Open> open_ GUARDED_BY(mutex_);
  net::HttpServer* http_ GUARDED_BY(mutex_) = nullptr;
  Mutex names_mutex_;  // held for as long as a pointer is copied
  std::shared_ptr<const network::NameBook> names_ GUARDED_BY(names_mutex_);
  net::DnsServer dns_;
};

}  // namespace trivet::daemon
