// SPDX-License-Identifier: Apache-2.0
//
// Reads cases of authorisation, one JSON object a line, and writes the verdict of each, one a line:
// "allowed", "implicitDeny", "explicitDeny", or "refused: " and why a policy could not be read. For
// comparing the policy core with another implementation; differential.mjs says what a case has.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "core/policy/evaluate.h"

namespace trivet::policy {
namespace {

using nlohmann::json;

Status read_policies(const json& test_case, const char* member, std::vector<NamedPolicy>& out) {
  if (!test_case.contains(member)) {
    return ok();
  }
  for (const json& document : test_case[member]) {
    TRIVET_TRY(Policy policy, parse_policy(document.dump()));
    out.push_back({std::string(member) + std::to_string(out.size()),
                   std::make_shared<const Policy>(std::move(policy))});
  }
  return ok();
}

Principal principal_of(const std::string& arn_text) {
  const ArnText arn(arn_text);
  Principal out{.arn = arn_text, .account = std::string(arn.parts[4])};
  const std::string_view name = arn.parts[5];
  const std::string_view behind = name.substr(name.find('/') + 1);
  if (name == "root") {
    out.type = Principal::Type::kRoot;
  } else if (name.starts_with("assumed-role/")) {
    out.type = Principal::Type::kAssumedRole;
    out.role_arn =
        "arn:aws:iam::" + out.account + ":role/" + std::string(behind.substr(0, behind.find('/')));
    out.session_name = behind.substr(behind.find('/') + 1);
  } else if (name.starts_with("federated-user/")) {
    out.type = Principal::Type::kFederatedUser;
    out.session_name = behind;
  }
  return out;
}

Context context_of(const json& given) {
  Context out;
  for (const auto& [key, value] : given.items()) {
    std::vector<std::string>& values = out[to_lower(key)];
    for (const json& one : value.is_array() ? value : json::array({value})) {
      values.push_back(one.get<std::string>());
    }
  }
  return out;
}

Result<Decision> decide(const json& test_case) {
  PolicySet set;
  TRIVET_CHECK_OK(read_policies(test_case, "guardrails", set.guardrails));
  TRIVET_CHECK_OK(read_policies(test_case, "resourcePolicies", set.resource));
  TRIVET_CHECK_OK(read_policies(test_case, "identity", set.identity));
  TRIVET_CHECK_OK(read_policies(test_case, "boundary", set.boundary));
  TRIVET_CHECK_OK(read_policies(test_case, "session", set.session));
  set.is_trust = test_case["action"] == "sts:AssumeRole" && !set.resource.empty();
  const Request request{.action = test_case["action"],
                        .resource = test_case["resource"],
                        .principal = principal_of(test_case["principal"]),
                        .resource_account = test_case["resourceAccount"],
                        .context = context_of(test_case["context"])};
  return evaluate(set, request);
}

int run() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const Result<Decision> decision = decide(json::parse(line));
    if (decision) {
      std::cout << to_string(decision->outcome) << '\n';
    } else {
      std::cout << "refused: " << decision.error().message << '\n';
    }
  }
  return 0;
}

}  // namespace
}  // namespace trivet::policy

int main() {
  return trivet::policy::run();
}
