// SPDX-License-Identifier: Apache-2.0
#include "service/authorization_message.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace trivet::service {
namespace {

using nlohmann::json;

constexpr std::string_view kMessageContext = "sts-authorization-message";

json items(json list) {
  return {{"items", std::move(list)}};
}

}  // namespace

std::string encode_authorization_message(const AccessQuestion& question,
                                         const policy::Decision& decision, const Sealer& sealer) {
  json conditions = json::array();
  for (const auto& [key, values] : question.context) {
    json listed = json::array();
    for (const std::string& value : values) {
      listed.push_back({{"value", value}});
    }
    conditions.push_back({{"key", key}, {"values", items(std::move(listed))}});
  }
  json matched = json::array();
  if (!decision.policy.empty()) {
    matched.push_back({{"statementId", decision.sid},
                       {"statementIndex", decision.statement},
                       {"policy", decision.policy},
                       {"policyType", policy::to_string(decision.kind)},
                       {"effect", decision.allowed() ? "ALLOW" : "DENY"}});
  }
  const json message = {{"allowed", decision.allowed()},
                        {"explicitDeny", decision.outcome == policy::Outcome::kExplicitDeny},
                        {"matchedStatements", items(std::move(matched))},
                        {"failures", items(json::array())},
                        {"context",
                         {{"principal",
                           {{"id", question.principal.user_id},
                            {"name", question.principal.name},
                            {"arn", question.principal.arn}}},
                          {"action", question.action},
                          {"resource", question.resource},
                          {"conditions", items(std::move(conditions))}}}};
  return to_base64(sealer.seal_bytes(kMessageContext,
                                     message.dump(-1, ' ', false, json::error_handler_t::replace)));
}

Result<std::string> decode_authorization_message(std::string_view encoded, const Sealer& sealer) {
  const auto sealed = from_base64(encoded);
  if (sealed) {
    if (const auto text = sealer.open(kMessageContext, *sealed)) {
      return std::string(text->reveal());
    }
  }
  return aws_fault(Errc::kInvalidArgument, "InvalidAuthorizationMessageException",
                   "The encoded authorization message is invalid.");
}

}  // namespace trivet::service
