// SPDX-License-Identifier: Apache-2.0
//
// Every authorisation case of rds-db:connect, and tokens whose fate the policy decides: token core
// and policy core together, as a login uses them.
#include "base/bytes.h"
#include "base/iso8601.h"
#include "core/policy/evaluate.h"
#include "core/token/db_token.h"
#include "core/token/make.h"
#include "vectors.h"

namespace trivet::policy {
namespace {

using nlohmann::json;

NamedPolicy named(const std::string& name, const json& document) {
  auto policy = parse_policy(document.dump());
  EXPECT_TRUE(policy.has_value()) << document.dump();
  return {name, std::make_shared<const Policy>(policy.has_value() ? std::move(*policy) : Policy{})};
}

std::vector<NamedPolicy> named_list(const std::string& name, const json& test_case,
                                    const char* member) {
  std::vector<NamedPolicy> out;
  if (!test_case.contains(member)) {
    return out;
  }
  const json& value = test_case[member];
  for (const json& document : value.is_array() ? value : json::array({value})) {
    out.push_back(named(name + std::to_string(out.size()), document));
  }
  return out;
}

Principal principal_of(const std::string& arn_text) {
  const ArnText arn(arn_text);
  Principal out{.arn = arn_text, .account = std::string(arn.parts[4])};
  const std::string_view name = arn.parts[5];
  if (name.starts_with("assumed-role/")) {
    out.type = Principal::Type::kAssumedRole;
    const std::string_view rest = name.substr(name.find('/') + 1);
    out.role_arn =
        "arn:aws:iam::" + out.account + ":role/" + std::string(rest.substr(0, rest.find('/')));
    out.session_name = rest.substr(rest.find('/') + 1);
  } else {
    EXPECT_TRUE(name.starts_with("user/")) << arn_text;
  }
  return out;
}

std::string text_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllowed:
      return "Allowed";
    case Outcome::kImplicitDeny:
      return "ImplicitlyDenied";
    case Outcome::kExplicitDeny:
      return "ExplicitlyDenied";
  }
  return "";
}

TEST(PolicyVectors, EveryCaseHasItsVerdict) {
  const json vectors = read_vectors("rds-db-connect-policies.json");
  int count = 0;
  for (const json& test_case : vectors["cases"]) {
    SCOPED_TRACE(test_case["name"].get<std::string>());
    const json& asked = test_case["request"];
    Request request{.action = asked["action"],
                    .resource = asked["resource"]["resource"],
                    .principal = principal_of(asked["principal"]),
                    .resource_account = asked["resource"]["accountId"]};
    for (const auto& [key, value] : asked["contextVariables"].items()) {
      std::vector<std::string>& values = request.context[to_lower(key)];
      for (const json& one : value.is_array() ? value : json::array({value})) {
        values.push_back(one.get<std::string>());
      }
    }
    const PolicySet set{.guardrails = named_list("scp", test_case, "scps"),
                        .identity = named_list("identity", test_case, "identityPolicies"),
                        .boundary = named_list("boundary", test_case, "permissionBoundary"),
                        .session = named_list("session", test_case, "sessionPolicy")};
    const Decision decision = evaluate(set, request);
    EXPECT_EQ(text_of(decision.outcome), test_case["expected"].get<std::string>())
        << test_case.dump();
    // Whoever decided is named, unless nobody did.
    EXPECT_EQ(decision.policy.empty(), decision.outcome == Outcome::kImplicitDeny);
    ++count;
  }
  EXPECT_EQ(count, 81);
}

TEST(PolicyVectors, ATokenLogsInOnlyAsTheUserThatThePolicyNames) {
  const WallTime now = *parse_amz_date("20240506T070809Z");
  const Realm realm{.account = AccountId("123456789012"), .region = "us-east-1"};
  const NamedPolicy may_be_jane = named("may-be-jane", json::parse(R"({"Version":"2012-10-17",
      "Statement":{"Effect":"Allow","Action":"rds-db:connect",
      "Resource":"arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-ABC/jane"}})"));
  const auto reason_of = [&](const std::string& user, const std::string& resource_id) {
    const token::ServerFacts server{.realm = realm,
                                    .hosts = {*token::parse_allowed_host("db:3306")},
                                    .resource_id = resource_id,
                                    .login_user = user};
    const std::string text =
        token::make_db_token({.host = "db", .port = 3306, .db_user = user, .region = "us-east-1"},
                             {"AKIAIOSFODNN7EXAMPLE", SecretString("secret"), ""}, now);
    const auto verdict = token::check_db_token(
        text, server, now, [](const std::string&, const std::optional<std::string>&) {
          return token::KeyFacts{.status = token::KeyFacts::Status::kActive,
                                 .secret = SecretString("secret")};
        });
    if (const auto* rejection = std::get_if<token::Rejection>(&verdict)) {
      return rejection->reason;
    }
    const Principal principal = principal_of("arn:aws:iam::123456789012:user/somebody");
    const Request request{.action = "rds-db:connect",
                          .resource = std::get<token::Accepted>(verdict).resource_arn,
                          .principal = principal,
                          .context = principal_context(principal, now)};
    return evaluate({.identity = {may_be_jane}}, request).allowed() ? token::Reason::kAccepted
                                                                    : token::Reason::kPolicy;
  };
  EXPECT_EQ(reason_of("jane", "cluster-ABC"), token::Reason::kAccepted);
  EXPECT_EQ(reason_of("root", "cluster-ABC"), token::Reason::kPolicy);
  EXPECT_EQ(reason_of("jane", "cluster-DEF"), token::Reason::kPolicy);
  EXPECT_EQ(reason_of("jane*", "cluster-ABC"), token::Reason::kPolicy);
}

}  // namespace
}  // namespace trivet::policy
