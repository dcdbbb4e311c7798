// SPDX-License-Identifier: Apache-2.0
#include "service/iam_ids.h"

#include <cstdint>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/random.h"

namespace trivet::service {
namespace {

constexpr std::uint64_t kAccountOffset = 0x8000000000;
constexpr std::size_t kAccountCharacters = 8;
constexpr std::uint64_t kAccountMax = 999'999'999'999;

std::optional<std::uint64_t> account_number(std::string_view account) {
  if (account.empty() || account.size() > 12) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (const char c : account) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

}  // namespace

std::string make_unique_id(std::string_view prefix) {
  return std::string(prefix) + random_text(21 - prefix.size(), kBase32);
}

AccessKeyId make_access_key_id(std::string_view prefix, const AccountId& account) {
  const std::uint64_t number = account_number(account.str()).value_or(0);
  const std::uint64_t shifted = number / 2 + kAccountOffset;
  std::string id(prefix);
  for (std::size_t i = 0; i < kAccountCharacters; ++i) {
    const std::uint64_t digit = (shifted >> (5 * (kAccountCharacters - 1 - i))) & 31;
    id += kBase32[static_cast<std::size_t>(digit)];
  }
  id += random_text(1, kBase32.substr(number % 2 == 0 ? 0 : 16, 16));
  return AccessKeyId(id + random_text(7, kBase32));
}

std::optional<AccountId> account_of_access_key(std::string_view key_id) {
  if (key_id.size() != 20 || (!key_id.starts_with("AKIA") && !key_id.starts_with("ASIA"))) {
    return std::nullopt;
  }
  std::uint64_t shifted = 0;
  for (const char c : key_id.substr(4, kAccountCharacters)) {
    const std::size_t digit = kBase32.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    shifted = shifted << 5 | digit;
  }
  const std::size_t parity = kBase32.find(key_id[4 + kAccountCharacters]);
  if (parity == std::string_view::npos || shifted < kAccountOffset) {
    return std::nullopt;
  }
  const std::uint64_t number = (shifted - kAccountOffset) * 2 + (parity >= 16 ? 1 : 0);
  if (number > kAccountMax) {
    return std::nullopt;
  }
  std::string text = std::to_string(number);
  return AccountId(std::string(12 - text.size(), '0') + text);
}

SecretString make_secret_access_key() {
  return SecretString(to_base64(random_bytes(30)));
}

std::string iam_arn(const Realm& realm, std::string_view kind, std::string_view path,
                    std::string_view name) {
  return "arn:" + realm.partition + ":iam::" + realm.account.str() + ":" + std::string(kind) +
         std::string(path) + std::string(name);
}

std::string root_arn(const Realm& realm) {
  return "arn:" + realm.partition + ":iam::" + realm.account.str() + ":root";
}

std::string federated_user_arn(const Realm& realm, std::string_view name) {
  return "arn:" + realm.partition + ":sts::" + realm.account.str() + ":federated-user/" +
         std::string(name);
}

std::string assumed_role_arn(const Realm& realm, std::string_view role, std::string_view session) {
  return "arn:" + realm.partition + ":sts::" + realm.account.str() + ":assumed-role/" +
         std::string(role) + "/" + std::string(session);
}

}  // namespace trivet::service
