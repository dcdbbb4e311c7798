// SPDX-License-Identifier: Apache-2.0
//
// `trivetd init`: makes a home. All or nothing: config.json comes last, and a home without it is
// none.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "model/installation.h"

namespace trivet::daemon {

struct InitialisedHome {
  Installation installation;
  std::string root_access_key_id;
  SecretString root_secret_access_key;  // shown once, kept nowhere in clear
};

// `wanted` with id and hash still empty. kAlreadyExists when the home is one already;
// kInvalidArgument names the option that is wrong.
Result<InitialisedHome> initialise(const HomePaths& paths, Installation wanted);

}  // namespace trivet::daemon
