// SPDX-License-Identifier: Apache-2.0
//
// The same checks as check_db_token, but all of them that can be made, each with what it found: for
// people who ask why a login is refused. The first that failed is the verifier's reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/token/db_token.h"

namespace trivet::token {

struct Check {
  std::string_view name;  // stable: "signature"; static storage
  bool ok = false;
  std::string detail;  // one line; never holds a signature or a session token
};

// What was found. Plain value.
struct Explanation {
  std::vector<Check> checks;  // in the verifier's order
  std::vector<std::string_view>
      not_checked;                  // other mistakes made it impossible, or only a login shows it
  std::string reason = "accepted";  // of the first check that failed
  std::string db_user;              // whom the token names, as far as that could be read
  bool is_accepted() const { return reason == "accepted"; }

  void right(std::string_view name, std::string detail);
  void wrong(std::string_view name, std::string_view why, std::string detail);
};

// An empty server.login_user stands for the one that the token names. `lookup` is called at most
// once, as soon as the token names a key.
Explanation explain_db_token(std::string_view text, const ServerFacts& server, WallTime now,
                             const KeyLookup& lookup);

// {"verdict":"accept|reject","reason":"…","checks":[{"name":"…","ok":true,"detail":"…"},…],
//  "not_checked":["…",…]}
std::string to_json(const Explanation& explanation);

}  // namespace trivet::token
