// SPDX-License-Identifier: Apache-2.0
//
// The permissions boundary of a user or role at the moment of writing: a managed policy that is
// there, and that counts who uses it. Only for IamService's files.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "model/ids.h"
#include "ports/state_store.h"
#include "service/iam_state.h"

namespace trivet::service {

// `arn` empty: fine. NoSuchEntity otherwise when there is no such policy.
Status check_boundary(const IamState& state, const Realm& realm, std::string_view arn);
// Adds to the commit what keeps the policy's count of uses right. Empty and AWS's own: nothing.
void count_boundary(const IamState& state, const Realm& realm, std::string_view arn,
                    std::int64_t by, Commit& commit);

}  // namespace trivet::service
