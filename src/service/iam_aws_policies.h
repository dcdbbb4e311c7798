// SPDX-License-Identifier: Apache-2.0
//
// The policies that AWS keeps for everybody, as far as Trivet has them: attachable by their ARNs,
// never changed. What they grant on services that Trivet does not have is kept where it is short.
// Ids are AWS's, but for AWSLambda_ReadOnlyAccess's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace trivet::service {

// Static storage.
struct AwsPolicy {
  std::string_view name, path, id, description, document;
};

inline constexpr std::int64_t kAwsPoliciesCreatedMs = 1'423'249'177'000;  // 2015-02-06T18:59:37Z

std::span<const AwsPolicy> aws_policies();
// arn:PARTITION:iam::aws:policy PATH NAME
std::string aws_policy_arn(const Realm& realm, const AwsPolicy& policy);
// nullptr when there is none.
const AwsPolicy* find_aws_policy(const Realm& realm, std::string_view arn);

}  // namespace trivet::service
