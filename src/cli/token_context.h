// SPDX-License-Identifier: Apache-2.0
//
// A server described in a file, so that a token can be explained where no daemon runs:
// {"expected_hosts":["HOST:PORT"],"region":"…","now":"2024-05-06T07:10:00Z","mysql_user":"…",
//  "keys":{"AKIA…":{"secret":"…","token":null,"status":"Active","expires":"…"}},
//  "max_clock_skew_s":300,"max_expires_s":900}. Hosts and region must be there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/token/db_token.h"

namespace trivet::cli {

// Move-only, because of the secrets.
struct TokenContext {
  struct Key {
    SecretString secret;
    std::optional<std::string> session_token;
    bool is_active = true;
    std::optional<WallTime> expires;
  };
  token::ServerFacts server;
  std::map<std::string, Key> keys;
  std::optional<WallTime> now;  // nullopt: the clock's

  token::KeyFacts look_up(const std::string& access_key_id,
                          const std::optional<std::string>& session_token) const;
};

// Errors: kInvalidArgument, without a word of the file's values.
Result<TokenContext> parse_token_context(std::string_view json);

}  // namespace trivet::cli
