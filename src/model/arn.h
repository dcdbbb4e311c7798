// SPDX-License-Identifier: Apache-2.0
//
// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, where RESOURCE may hold more colons.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trivet {

struct Arn {
  std::string partition, service, region, account, resource;
  std::string str() const;
  friend bool operator==(const Arn&, const Arn&) = default;
};

// nullopt unless it starts with "arn:" and has at least six parts.
std::optional<Arn> parse_arn(std::string_view text);

}  // namespace trivet
