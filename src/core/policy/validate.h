// SPDX-License-Identifier: Apache-2.0
//
// What AWS refuses when a policy is written, with its texts and in its order, as recorded by others
// from real accounts. Used by document.cc only.
#pragma once

#include <string_view>

#include "base/result.h"
#include "core/policy/raw_document.h"

namespace trivet::policy {

// Tab, line feed, carriage return and U+0020 to U+00FF. ValidationError otherwise.
Status check_characters(std::string_view text);
// "This policy contains invalid Json".
Status check_is_json(std::string_view text);
// "The policy failed legacy parsing" unless each Effect is exactly Allow or Deny.
Status check_effects(const RawPolicy& policy);
Status check_identity_policy(const RawPolicy& policy);
Status check_trust_policy(const RawPolicy& policy);

}  // namespace trivet::policy
