// SPDX-License-Identifier: Apache-2.0
#include "api/context_keys.h"

namespace trivet::api {

ConditionKeys request_condition_keys(const Call& call) {
  ConditionKeys out;
  out["aws:SecureTransport"] = {call.is_tls ? "true" : "false"};
  out["aws:RequestedRegion"] = {call.region};
  out["aws:ResourceAccount"] = {call.realm.account.str()};
  out["aws:PrincipalIsAWSService"] = {"false"};
  out["aws:ViaAWSService"] = {"false"};
  if (!call.source_ip.empty()) {
    out["aws:SourceIp"] = {call.source_ip};
  }
  if (!call.user_agent.empty()) {
    out["aws:UserAgent"] = {call.user_agent};
  }
  if (call.principal.is_temporary()) {
    // Long-lived keys do not have it: conditions tell "no MFA" from "does not apply".
    out["aws:MultiFactorAuthPresent"] = {"false"};
  }
  return out;
}

}  // namespace trivet::api
