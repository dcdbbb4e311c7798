// SPDX-License-Identifier: Apache-2.0
//
// What `trivet iam guardrail` says about a policy. Pure.
#pragma once

#include <string>
#include <string_view>

namespace trivet::cli {

// A policy that is good but allows nothing, which locks everybody but root out: the warning, with
// the statement that is missing; else empty. Whether it is a policy is the daemon's check.
std::string guardrail_warning(std::string_view document);

}  // namespace trivet::cli
