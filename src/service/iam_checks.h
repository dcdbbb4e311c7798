// SPDX-License-Identifier: Apache-2.0
//
// What IAM refuses at writing: names, paths, tags, sizes; and its faults with AWS's words. The
// limits are AWS's default quotas.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/iam.h"

namespace trivet::service {

inline constexpr std::size_t kUsersMax = 5000;
inline constexpr std::size_t kGroupsMax = 300;
inline constexpr std::size_t kGroupsPerUserMax = 10;
inline constexpr std::size_t kRolesMax = 1000;
inline constexpr std::size_t kInstanceProfilesMax = 1000;
inline constexpr std::size_t kPolicyVersionsMax = 5;
inline constexpr std::size_t kOidcProvidersMax = 100;
inline constexpr std::size_t kClientIdsMax = 100;
inline constexpr std::size_t kPoliciesMax = 1500;
inline constexpr std::size_t kAccessKeysMax = 2;
inline constexpr std::size_t kAttachedPoliciesMax = 10;
inline constexpr std::size_t kTagsMax = 50;
inline constexpr std::size_t kUserInlineBytesMax = 2048;
inline constexpr std::size_t kGroupInlineBytesMax = 5120;
inline constexpr std::size_t kRoleInlineBytesMax = 10240;
inline constexpr std::size_t kManagedPolicyBytesMax = 6144;
inline constexpr std::size_t kTrustPolicyBytesMax = 2048;

using TagList = std::vector<std::pair<std::string, std::string>>;

// Faults, named as the SDKs' exceptions; messages are AWS's.
Error no_such_entity(std::string message);
Error already_exists(std::string message);
Error delete_conflict(std::string message);
Error limit_exceeded(std::string message);
Error malformed_policy(std::string message);
Error invalid_input(std::string message);
Error validation_error(std::string message);
// "1 validation error detected: Value 'x' at 'userName' failed to satisfy constraint: …"
Error constraint_error(std::string_view value, std::string_view field, std::string_view constraint);

// `[\w+=,.@-]+`, 1 to `max` characters.
Status check_name(std::string_view field, std::string_view name, std::size_t max);
// "/" or "/…/" of printable ASCII, at most 512.
Status check_path(std::string_view field, std::string_view path);
// Keys 1-128, values 0-256, their characters, no key twice whatever its case, none of AWS's own.
// `have` are the tags that are there already; returns all together (new values win), at most 50.
Result<Tags> merge_tags(const Tags& have, const TagList& added);
// Takes away those of these keys, whatever their case.
void remove_tags(Tags& tags, const std::vector<std::string>& keys);
Status check_description(std::string_view description);

}  // namespace trivet::service
