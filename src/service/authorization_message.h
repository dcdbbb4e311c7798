// SPDX-License-Identifier: Apache-2.0
//
// The encoded message of a refusal: what was decided and why, sealed, so that only whoever may call
// DecodeAuthorizationMessage reads it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "service/identity_access.h"
#include "service/sealer.h"

namespace trivet::service {

std::string encode_authorization_message(const AccessQuestion& question,
                                         const policy::Decision& decision, const Sealer& sealer);
// JSON of AWS's form. InvalidAuthorizationMessageException when it was not made here.
Result<std::string> decode_authorization_message(std::string_view encoded, const Sealer& sealer);

}  // namespace trivet::service
