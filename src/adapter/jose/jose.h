// SPDX-License-Identifier: Apache-2.0
//
// Signed JSON web tokens, checked with libcjose: is this text signed with one of these keys? What
// it says is the caller's to judge.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet::jose {

// The payload of `token` (compact JWS) when one of the RSA or EC keys of `jwks` (a JSON Web Key
// Set) signed it; a key id in the token's head must be that key's. kDenied otherwise, also for
// "none" and symmetric algorithms. kInvalidArgument when `jwks` is no key set. Thread-safe.
Result<std::string> verify_jws(std::string_view token, std::string_view jwks);

// How many keys of a key set could check a signature; kInvalidArgument when it is none, or has
// none.
Result<int> count_keys(std::string_view jwks);

}  // namespace trivet::jose
