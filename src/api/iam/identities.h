// SPDX-License-Identifier: Apache-2.0
//
// The API's questions to IAM, answered from the current snapshot.
#pragma once

#include <memory>
#include <string_view>

#include "api/identities.h"
#include "base/clock.h"
#include "service/iam_service.h"
#include "service/sealer.h"

namespace trivet::api {

// Thread-safe. `iam` and `clock` outlive it.
class IamIdentities final : public Identities {
 public:
  IamIdentities(service::IamService& iam, std::shared_ptr<const service::Sealer> sealer,
                const Clock& clock)
      : iam_(iam), sealer_(std::move(sealer)), clock_(clock) {}

  Result<AuthenticatedKey> find_key(std::string_view access_key_id,
                                    std::string_view session_token) override;
  Status authorize(const AccessRequest& request) override;

 private:
  void note_use(const AccessRequest& request, WallTime now);

  service::IamService& iam_;
  const std::shared_ptr<const service::Sealer> sealer_;
  const Clock& clock_;
};

}  // namespace trivet::api
