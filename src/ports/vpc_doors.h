// SPDX-License-Identifier: Apache-2.0
//
// What the daemon itself answers inside VPCs, beside the endpoints of clusters: names, and its API.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/network/names.h"

namespace trivet {

struct VpcDoorsWish {
  std::string namespace_path;
  std::string dns_address;                 // empty: no resolver
  std::vector<std::string> api_addresses;  // where the API listens
  friend bool operator==(const VpcDoorsWish&, const VpcDoorsWish&) = default;
};

// Thread-safe.
class VpcDoors {
 public:
  virtual ~VpcDoors() = default;
  // Opens and closes listeners until they are as wished. An Error names the first that could not be
  // opened; the others are open.
  virtual Status serve(const std::string& network, const VpcDoorsWish& wish) = 0;
  virtual void leave(const std::string& network) = 0;
  virtual void set_names(std::shared_ptr<const network::NameBook> names) = 0;
};

}  // namespace trivet
