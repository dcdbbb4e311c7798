// SPDX-License-Identifier: Apache-2.0
//
// Policy documents at the moment of writing and of loading: checked as IAM checks them, parsed
// once, shared by every snapshot.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/policy/evaluate.h"
#include "model/ids.h"

namespace trivet::service {

// A parsed document under the name that decisions show; the document itself is shared and never
// changed.
using policy::NamedPolicy;

// Write time: MalformedPolicyDocument with AWS's message. Sizes are the caller's to check.
Result<NamedPolicy> check_identity_policy(std::string name, std::string_view document);
Result<NamedPolicy> check_trust_policy(std::string_view document);
// A document that was stored, and so was accepted once. kCorrupt, naming `where`, when it cannot be
// read: a policy that is left out could be the one that denies.
Result<NamedPolicy> read_stored_policy(std::string name, std::string_view document,
                                       std::string_view where);

// Stands for a user's or a role's ARN: its unique id; nullopt when there is no such user or role.
using FindUniqueId = std::function<std::optional<std::string>(const std::string& arn)>;
// The account's users and roles among the principals of a trust policy, ARN → unique id.
// MalformedPolicyDocument `Invalid principal in policy: "AWS":"…"` when one does not exist.
Result<std::map<std::string, std::string>> find_trusted_ids(const policy::Policy& trust,
                                                            const Realm& realm,
                                                            const FindUniqueId& find);

using Replacements = std::map<std::string, std::string>;
// A copy whose principals are replaced: what counts.
NamedPolicy with_principals(const NamedPolicy& trust, const Replacements& replacements);
// The text with each whole JSON string that is to be replaced: what is shown. Strings that were
// written with escapes stay.
std::string with_strings(std::string_view document, const Replacements& replacements);

}  // namespace trivet::service
