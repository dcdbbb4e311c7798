// SPDX-License-Identifier: Apache-2.0
//
// Makes a login token, byte for byte as botocore's generate_db_auth_token does. Needs no network.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "core/sigv4/sign.h"

namespace trivet::token {

struct TokenRequest {
  std::string host;  // a name, or an IPv6 address in brackets
  std::uint16_t port = 3306;
  std::string db_user;
  std::string region;
};

// Valid for 15 minutes from `now`.
std::string make_db_token(const TokenRequest& request, const sigv4::Credentials& credentials,
                          WallTime now);

}  // namespace trivet::token
