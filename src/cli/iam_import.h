// SPDX-License-Identifier: Apache-2.0
//
// From the JSON of `aws iam get-account-authorization-details` to the IAM calls that make the same
// identities and policies here, and which of them are made. Pure: commands_iam.cc sends them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uri.h"

namespace trivet::cli {

struct ImportCall {
  std::string action;
  QueryParameters parameters;
  std::string what;  // for people: "role app", "policy own of user ana"
  // Whose part this is, as their `what`; empty: the call makes an identity or a managed policy.
  std::vector<std::string> part_of;
  // May be tried again when others went through: a role whose trust names another role.
  bool is_repeatable = false;
};

// In an order in which they can be made: policies, groups, users, roles. ARNs of the other account
// become ones of `account`. What AWS keeps itself (its policies, service-linked roles) is left out.
// kInvalidArgument when the text is not that JSON.
Result<std::vector<ImportCall>> plan_import(std::string_view json, std::string_view account);

struct ImportReport {
  int made = 0;  // calls
  int refused = 0;
  int skipped = 0;
  std::vector<std::string> imported;  // "imported role app", a line for each that was made
  std::vector<std::string> problems;  // a line for each call that was refused or skipped
};
// Makes the calls of plan_import. Parts of what was refused are skipped: what has the name here is
// another's, and would get permissions that nobody gave it.
ImportReport run_import(const std::vector<ImportCall>& calls,
                        const std::function<Status(const ImportCall&)>& make);

}  // namespace trivet::cli
