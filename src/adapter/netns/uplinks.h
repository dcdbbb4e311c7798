// SPDX-License-Identifier: Apache-2.0
//
// The ways out: a pair of interfaces between a VPC's namespace and the host's, the host's rules for
// what comes through, and the host's switch for forwarding. A host that forwarded nothing forwards
// nothing else meanwhile, and gets its switch back when the last VPC of the last installation has
// none.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "core/network/host_plan.h"

namespace trivet::netns {

// Thread-compatible.
class Uplinks {
 public:
  Uplinks(std::string prefix, const std::string& address_prefix);

  // `path`: of the VPC's namespace. There already is success.
  Status add(const std::string& network, const std::string& path);
  Status remove(const std::string& network);
  // All interfaces with our names, ours or a killed daemon's, and perhaps our table.
  Status clear(bool with_rules);
  Status set_access(const network::HostAccess& access);

 private:
  Status write_rules();
  Status begin_forwarding();
  Status end_forwarding();
  std::string interface_name(int number) const;

  const std::string prefix_;
  const int octet_;                     // of 169.254.octet.0/24
  std::map<std::string, int> numbers_;  // of networks that have one, from 0
  network::HostAccess access_;
  bool has_written_ = false;  // any rules; before, those of a killed daemon may be there
  bool was_forwarding_ = true;
};

}  // namespace trivet::netns
