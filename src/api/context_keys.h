// SPDX-License-Identifier: Apache-2.0
//
// The global condition keys (aws:…) that follow from a call itself, with AWS's names and value
// forms. Those of its principal and of the time (aws:PrincipalArn, aws:userid, aws:CurrentTime, …)
// are added by whoever implements Identities, because they hold for database logins too.
#pragma once

#include "api/action.h"
#include "api/identities.h"

namespace trivet::api {

ConditionKeys request_condition_keys(const Call& call);

}  // namespace trivet::api
