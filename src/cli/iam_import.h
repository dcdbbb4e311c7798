// SPDX-License-Identifier: Apache-2.0
//
// From the JSON of `aws iam get-account-authorization-details` to the IAM calls that make the same
// identities and policies here. Pure: commands_iam.cc makes the calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uri.h"

namespace trivet::cli {

struct ImportCall {
  std::string action;
  QueryParameters parameters;
  std::string what;  // for people: "role app", "policy p of user ana"
  // May be tried again when others went through: a role whose trust names another role.
  bool is_repeatable = false;
};

// In an order in which they can be made: policies, groups, users, roles. ARNs of the other account
// become ones of `account`. What AWS keeps itself (its policies, service-linked roles) is left out.
// kInvalidArgument when the text is not that JSON.
Result<std::vector<ImportCall>> plan_import(std::string_view json, std::string_view account);

}  // namespace trivet::cli
