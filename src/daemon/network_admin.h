// SPDX-License-Identifier: Apache-2.0
//
// `trivet network`: what is enforced, how, and standing for a while where a function would stand.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "net/http_types.h"
#include "service/network_driver.h"

namespace trivet::daemon {

// Thread-safe. The caller has checked who asks.
class NetworkAdmin {
 public:
  NetworkAdmin(service::NetworkDriver& driver, service::NetworkStore& network)
      : driver_(driver), network_(network) {}

  // nullopt for a call that is not one of these.
  //   GET /network → network_json()
  //   POST /network {"host_access": "open"|"security-groups", "allow_unenforced": bool}, either
  //   POST /network/lease {"subnet_ids": […], "security_group_ids": […], "pid": N} →
  //     {"id", "netns_path", "address", "dns_server", "api_url"}: until it is released or the
  //     process has ended
  //   POST /network/release {"id"}
  std::optional<net::HttpResponse> call(const net::HttpRequest& request);

 private:
  net::HttpResponse show();
  net::HttpResponse change(const std::string& body);
  net::HttpResponse lease(const std::string& body);
  net::HttpResponse release(const std::string& body);
  void release_of_the_dead();

  service::NetworkDriver& driver_;
  service::NetworkStore& network_;
  Mutex mutex_;
  std::map<std::string, int> holders_ GUARDED_BY(mutex_);  // process, by lease
};

// {"enforced","why_not","trouble","host_access","shut_out","allow_unenforced","vpcs":[…],"environments"}
std::string network_json(const service::NetworkReport& report);

}  // namespace trivet::daemon
