// SPDX-License-Identifier: Apache-2.0
//
// The installation's sealing key and its replacement. The next key is written beside the present
// one, everything sealed is sealed again under it, then it takes the other's place: a daemon that
// is killed anywhere in between finds both files and goes on where it was, since each sealed value
// says which of the two it is under.
#pragma once

#include <functional>
#include <memory>

#include "model/installation.h"
#include "service/iam_service.h"
#include "service/sealer.h"

namespace trivet::daemon {

// Everything that is sealed and stays.
struct SealedThings {
  std::shared_ptr<service::Sealer> sealer;
  service::IamService& identities;
  std::function<Status()> reseal_clusters;
  std::function<Status()> reseal_functions;
};

// The sealer of a home: rotating, when a replacement was cut off.
Result<std::shared_ptr<service::Sealer>> open_sealer(const HomePaths& paths);
Result<SecretString> open_authority_key(const HomePaths& paths, const service::Sealer& sealer);

// Replaces the key; first ends a replacement that was cut off, and that is then all. An error
// leaves both keys in place: call it again. Not by two threads at once.
Status replace_sealing_key(const HomePaths& paths, const SealedThings& things);
// Ends a replacement that was cut off; there is none: success.
Status finish_replacement(const HomePaths& paths, const SealedThings& things);
// `trivetd rotate-key`: the same for a home that no daemon serves. kAlreadyExists when one does.
Status replace_sealing_key_offline(const HomePaths& paths);

}  // namespace trivet::daemon
