// SPDX-License-Identifier: Apache-2.0
//
// AWS's identifiers: made here and nowhere else. Access key ids carry the account, as AWS's do, so
// that tools which read it from a key work.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "model/arn.h"
#include "model/ids.h"

namespace trivet::service {

// "AIDA" + 17, "AROA" + 17, "ANPA" + 17 (prefix as given).
std::string make_unique_id(std::string_view prefix);
// "AKIA" or "ASIA" + 16: eight of base32(account / 2 + 0x8000000000), one whose half of the
// alphabet is the account's lowest bit, seven at random.
AccessKeyId make_access_key_id(std::string_view prefix, const AccountId& account);
// The account in it; nullopt when it is no such id.
std::optional<AccountId> account_of_access_key(std::string_view key_id);
SecretString make_secret_access_key();  // 40 of [A-Za-z0-9/+]

// arn:PARTITION:iam::ACCOUNT:KIND PATH NAME, KIND "user", "role" or "policy".
std::string iam_arn(const Realm& realm, std::string_view kind, std::string_view path,
                    std::string_view name);
std::string root_arn(const Realm& realm);  // arn:PARTITION:iam::ACCOUNT:root
// arn:PARTITION:sts::ACCOUNT:federated-user/NAME
std::string federated_user_arn(const Realm& realm, std::string_view name);
// arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION: without the role's path.
std::string assumed_role_arn(const Realm& realm, std::string_view role, std::string_view session);

}  // namespace trivet::service
