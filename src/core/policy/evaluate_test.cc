// SPDX-License-Identifier: Apache-2.0
#include "core/policy/evaluate.h"

#include <gtest/gtest.h>

#include "base/iso8601.h"

namespace trivet::policy {
namespace {

constexpr std::string_view kAccount = "123456789012";
const std::string kCluster = "arn:aws:rds:us-east-1:123456789012:cluster:demo";

NamedPolicy named(const std::string& name, const std::string& statements) {
  auto policy = parse_policy(R"({"Version":"2012-10-17","Statement":[)" + statements + "]}");
  EXPECT_TRUE(policy.has_value()) << statements;
  return {name, std::make_shared<const Policy>(std::move(*policy))};
}
std::string allow(const std::string& action, const std::string& more = "") {
  return R"({"Sid":"A","Effect":"Allow","Action":")" + action + R"(","Resource":"*")" + more + "}";
}
std::string deny(const std::string& action, const std::string& more = "") {
  return R"({"Sid":"D","Effect":"Deny","Action":")" + action + R"(","Resource":"*")" + more + "}";
}

Principal jane() {
  return {.type = Principal::Type::kUser,
          .arn = "arn:aws:iam::123456789012:user/jane",
          .account = std::string(kAccount),
          .user_name = "jane",
          .unique_id = "AIDAJANE000000000001"};
}
Principal session() {
  return {.type = Principal::Type::kAssumedRole,
          .arn = "arn:aws:sts::123456789012:assumed-role/App/s1",
          .account = std::string(kAccount),
          .unique_id = "AROAAPP0000000000001",
          .role_arn = "arn:aws:iam::123456789012:role/path/App",
          .session_name = "s1"};
}
Principal root() {
  return {.type = Principal::Type::kRoot,
          .arn = "arn:aws:iam::123456789012:root",
          .account = std::string(kAccount),
          .unique_id = std::string(kAccount)};
}
Request delete_by(Principal principal) {
  return {.action = "rds:DeleteDBCluster", .resource = kCluster, .principal = std::move(principal)};
}

TEST(Evaluate, KnowsWhereTheContextCannotMatter) {
  const Request request = delete_by(jane());
  const std::string condition = R"(,"Condition":{"Bool":{"aws:SecureTransport":"true"}})";
  const auto with = [&](const std::string& statement) {
    return is_independent_of_context({.identity = {named("p", statement)}}, request);
  };
  EXPECT_TRUE(is_independent_of_context({}, request));
  EXPECT_TRUE(with(allow("rds:*")));
  EXPECT_FALSE(with(allow("rds:*", condition)));
  EXPECT_FALSE(with(allow("*") + "," + deny("rds:Delete*", condition)));
  EXPECT_TRUE(with(allow("*") + "," + deny("s3:*", condition)));  // about something else
  EXPECT_FALSE(with(
      R"({"Effect":"Allow","NotAction":"s3:*","Resource":"arn:aws:rds:*:*:cluster:${aws:username}"})"));
  EXPECT_FALSE(is_independent_of_context(
      {.identity = {named("p", allow("*"))}, .boundary = {named("b", allow("*", condition))}},
      request));
  EXPECT_FALSE(is_independent_of_context(
      {.guardrails = {named("g", allow("*", condition))}, .identity = {named("p", allow("*"))}},
      request));
}

TEST(Evaluate, DeniesByDefaultAndSaysWhy) {
  const Request request = delete_by(jane());
  const Decision decision = evaluate({}, request);
  EXPECT_EQ(decision.outcome, Outcome::kImplicitDeny);
  EXPECT_EQ(decision.kind, PolicyKind::kIdentity);
  EXPECT_EQ(access_denied_message(decision, request),
            "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: "
            "rds:DeleteDBCluster on resource: arn:aws:rds:us-east-1:123456789012:cluster:demo "
            "because no identity-based policy allows the rds:DeleteDBCluster action");
}

TEST(Evaluate, NamesTheStatementThatDecided) {
  PolicySet set;
  set.identity = {named("first", allow("s3:*")),
                  named("second", allow("iam:*") + "," + allow("RDS:delete*"))};
  Decision decision = evaluate(set, delete_by(jane()));
  EXPECT_TRUE(decision.allowed());
  EXPECT_EQ(decision.kind, PolicyKind::kIdentity);
  EXPECT_EQ(decision.policy, "second");
  EXPECT_EQ(decision.statement, 1);
  EXPECT_EQ(decision.sid, "A");

  set.identity.push_back(named("third", deny("rds:DeleteDBCluster")));
  decision = evaluate(set, delete_by(jane()));
  EXPECT_EQ(decision.outcome, Outcome::kExplicitDeny);
  EXPECT_EQ(decision.policy, "third");
  EXPECT_EQ(decision.statement, 0);
  const std::string text = access_denied_message(decision, delete_by(jane()));
  EXPECT_TRUE(text.ends_with(" with an explicit deny in an identity-based policy")) << text;
}

TEST(Evaluate, ExplicitDenyWinsInEveryKind) {
  const PolicySet allowed = {.guardrails = {named("g", allow("*"))},
                             .identity = {named("i", allow("*"))},
                             .boundary = {named("b", allow("*"))},
                             .session = {named("s", allow("*"))}};
  ASSERT_TRUE(evaluate(allowed, delete_by(jane())).allowed());
  const NamedPolicy no = named("no", allow("*") + "," + deny("rds:*"));
  PolicySet set = allowed;
  set.guardrails = {no};
  EXPECT_EQ(evaluate(set, delete_by(jane())).kind, PolicyKind::kGuardrail);
  set = allowed;
  set.boundary = {no};
  EXPECT_EQ(evaluate(set, delete_by(jane())).kind, PolicyKind::kBoundary);
  EXPECT_TRUE(access_denied_message(evaluate(set, delete_by(jane())), delete_by(jane()))
                  .ends_with("with an explicit deny in a permissions boundary"));
  set = allowed;
  set.session = {no};
  EXPECT_EQ(evaluate(set, delete_by(jane())).outcome, Outcome::kExplicitDeny);
  set = allowed;
  set.resource = {named("no", R"({"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"})")};
  EXPECT_EQ(evaluate(set, delete_by(jane())).kind, PolicyKind::kResource);
}

TEST(Evaluate, EveryLayerMustAllow) {
  const auto kind_of = [](PolicySet set) { return evaluate(set, delete_by(session())).kind; };
  const NamedPolicy yes = named("yes", allow("rds:*"));
  const NamedPolicy other = named("other", allow("s3:*"));
  EXPECT_EQ(kind_of({.guardrails = {other}, .identity = {yes}}), PolicyKind::kGuardrail);
  EXPECT_EQ(kind_of({.identity = {yes}, .boundary = {other}}), PolicyKind::kBoundary);
  EXPECT_EQ(kind_of({.identity = {yes}, .boundary = {yes}, .session = {other}}),
            PolicyKind::kSession);
  // Session policies are one set: any of them may allow.
  EXPECT_TRUE(
      evaluate({.identity = {yes}, .session = {other, yes}}, delete_by(session())).allowed());
  // A session policy alone gives nothing.
  EXPECT_FALSE(evaluate({.session = {yes}}, delete_by(session())).allowed());
}

TEST(Evaluate, RootNeedsNoPolicyButObeysGuardrails) {
  EXPECT_TRUE(evaluate({}, delete_by(root())).allowed());
  EXPECT_EQ(evaluate({}, delete_by(root())).kind, PolicyKind::kNone);
  const PolicySet set = {.guardrails = {named("g", allow("s3:*"))}};
  EXPECT_EQ(evaluate(set, delete_by(root())).kind, PolicyKind::kGuardrail);
}

TEST(Evaluate, FederatedUserNeedsASessionPolicy) {
  Principal user = jane();
  user.type = Principal::Type::kFederatedUser;
  user.arn = "arn:aws:sts::123456789012:federated-user/bob";
  const NamedPolicy yes = named("yes", allow("rds:*"));
  EXPECT_EQ(evaluate({.identity = {yes}}, delete_by(user)).kind, PolicyKind::kSession);
  EXPECT_TRUE(evaluate({.identity = {yes}, .session = {yes}}, delete_by(user)).allowed());
}

PolicySet trust(const std::string& principal, std::vector<NamedPolicy> identity = {}) {
  return {.resource = {named("trust", R"({"Effect":"Allow","Principal":)" + principal +
                                          R"(,"Action":"sts:AssumeRole"})")},
          .is_trust = true,
          .identity = std::move(identity)};
}
Request assume(Principal principal) {
  return {.action = "sts:AssumeRole",
          .resource = "arn:aws:iam::123456789012:role/App",
          .principal = std::move(principal)};
}

TEST(EvaluateTrust, MustAllowWhoeverAsks) {
  const NamedPolicy admin = named("admin", allow("*"));
  const Decision decision =
      evaluate(trust(R"({"Service":"lambda.amazonaws.com"})", {admin}), assume(jane()));
  EXPECT_EQ(decision.outcome, Outcome::kImplicitDeny);
  EXPECT_EQ(decision.kind, PolicyKind::kTrust);
  EXPECT_TRUE(access_denied_message(decision, assume(jane()))
                  .ends_with("because no role trust policy allows the sts:AssumeRole action"));
  EXPECT_FALSE(evaluate(trust(R"({"Service":"lambda.amazonaws.com"})"), assume(root())).allowed());
}

TEST(EvaluateTrust, NamingTheUserIsEnoughNamingTheAccountIsNot) {
  const NamedPolicy may = named("may", allow("sts:AssumeRole"));
  const std::string user = R"({"AWS":"arn:aws:iam::123456789012:user/jane"})";
  EXPECT_TRUE(evaluate(trust(user), assume(jane())).allowed());
  EXPECT_TRUE(evaluate(trust(R"({"AWS":"AIDAJANE000000000001"})"), assume(jane())).allowed());
  EXPECT_FALSE(evaluate(trust(R"({"AWS":"AIDAJANE000000000002"})"), assume(jane())).allowed());
  for (const std::string account :
       {R"({"AWS":"123456789012"})", R"({"AWS":"arn:aws:iam::123456789012:root"})"}) {
    EXPECT_EQ(evaluate(trust(account), assume(jane())).kind, PolicyKind::kIdentity);
    EXPECT_TRUE(evaluate(trust(account, {may}), assume(jane())).allowed());
  }
  EXPECT_FALSE(evaluate(trust(R"({"AWS":"210987654321"})", {may}), assume(jane())).allowed());
}

TEST(EvaluateTrust, RoleSessionsServicesAndConditions) {
  const std::string role = R"({"AWS":"arn:aws:iam::123456789012:role/path/App"})";
  EXPECT_TRUE(evaluate(trust(role), assume(session())).allowed());
  PolicySet bounded = trust(role);
  bounded.session = {named("s", allow("s3:*"))};
  EXPECT_EQ(evaluate(bounded, assume(session())).kind, PolicyKind::kSession);

  Principal service;
  service.type = Principal::Type::kService;
  service.arn = "lambda.amazonaws.com";
  EXPECT_TRUE(evaluate(trust(R"({"Service":"lambda.amazonaws.com"})"), assume(service)).allowed());
  EXPECT_FALSE(evaluate(trust(R"({"Service":"ec2.amazonaws.com"})"), assume(service)).allowed());

  PolicySet external = trust(R"("*","Condition":{"StringEquals":{"sts:ExternalId":"42"}})");
  Request request = assume(jane());
  EXPECT_FALSE(evaluate(external, request).allowed());
  request.context["sts:externalid"] = {"42"};
  EXPECT_TRUE(evaluate(external, request).allowed());
}

TEST(EvaluateTrust, OtherAccountsNeedBothSides) {
  Request request = assume(jane());
  request.resource_account = "210987654321";
  const std::string user = R"({"AWS":"arn:aws:iam::123456789012:user/jane"})";
  EXPECT_EQ(evaluate(trust(user), request).kind, PolicyKind::kIdentity);
  EXPECT_TRUE(evaluate(trust(user, {named("m", allow("sts:*"))}), request).allowed());
}

TEST(Evaluate, NotPrincipalNamesEverybodyElse) {
  PolicySet set = {.identity = {named("i", allow("*"))}};
  set.resource = {named("r",
                        R"({"Effect":"Deny","NotPrincipal":{"AWS":
                        "arn:aws:iam::123456789012:user/jane"},"Action":"*","Resource":"*"})")};
  EXPECT_TRUE(evaluate(set, delete_by(jane())).allowed());
  EXPECT_EQ(evaluate(set, delete_by(session())).outcome, Outcome::kExplicitDeny);
}

TEST(Evaluate, NotPrincipalWithDenyDeniesWhoeverHasABoundary) {
  const NamedPolicy all_but_jane = named(
      "bucket", deny("*", R"(,"NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/jane"})"));
  PolicySet set{.resource = {all_but_jane}, .identity = {named("mine", allow("*"))}};
  EXPECT_TRUE(evaluate(set, delete_by(jane())).allowed());
  set.boundary = {named("fence", allow("*"))};
  EXPECT_EQ(evaluate(set, delete_by(jane())).outcome, Outcome::kExplicitDeny);
}

TEST(Evaluate, ArnsThatAreCutShortAllowLittleAndDenyMuch) {
  const auto on = [](const std::string& effect, const std::string& element) {
    return named("p", R"({"Effect":")" + effect + R"(","Action":"*",)" + element + "}");
  };
  const Request request = delete_by(jane());
  const NamedPolicy all = named("all", allow("*"));
  const std::string short_one = R"("Resource":"arn:aws:rds:us-east-1:123456789012")";
  const std::string short_not = R"("NotResource":"arn:aws:iam:")";
  EXPECT_TRUE(evaluate({.identity = {on("Allow", short_one)}}, request).allowed());
  EXPECT_FALSE(
      evaluate({.guardrails = {on("Allow", short_one)}, .identity = {all}}, request).allowed());
  EXPECT_FALSE(evaluate({.identity = {on("Allow", short_not)}}, request).allowed());
  EXPECT_FALSE(evaluate({.identity = {all, on("Deny", short_not)}}, request).allowed());
}

TEST(EvaluateTrust, AWebIdentityIsTrustedByItsProvidersNameOnly) {
  Principal nobody{.type = Principal::Type::kWebIdentity,
                   .arn = "arn:aws:iam::123456789012:oidc-provider/example.com"};
  const Request request{.action = "sts:AssumeRoleWithWebIdentity",
                        .resource = "arn:aws:iam::123456789012:role/ci",
                        .principal = nobody};
  const auto asked = [&](const std::string& principal) {
    const NamedPolicy trust =
        named("trust", R"({"Effect":"Allow","Action":"sts:*","Principal":)" + principal + "}");
    return evaluate({.resource = {trust}, .is_trust = true}, request).allowed();
  };
  EXPECT_TRUE(asked(R"({"Federated":"arn:aws:iam::123456789012:oidc-provider/example.com"})"));
  EXPECT_FALSE(asked(R"({"Federated":"arn:aws:iam::123456789012:oidc-provider/other.com"})"));
  EXPECT_FALSE(asked(R"("*")"));
  EXPECT_FALSE(asked(R"({"AWS":"*"})"));
}

TEST(Evaluate, UnresolvedVariablesAreDecidedForSafety) {
  const auto statement = [](const std::string& effect, const std::string& element) {
    return R"({"Effect":")" + effect + R"(","Action":"*",")" + element +
           R"(":"arn:aws:rds:*:*:cluster:${aws:PrincipalTag/cluster}"})";
  };
  const NamedPolicy all = named("all", allow("*"));
  EXPECT_FALSE(
      evaluate({.identity = {named("p", statement("Allow", "Resource"))}}, delete_by(jane()))
          .allowed());
  EXPECT_FALSE(
      evaluate({.identity = {named("p", statement("Allow", "NotResource"))}}, delete_by(jane()))
          .allowed());
  EXPECT_TRUE(
      evaluate({.identity = {all, named("p", statement("Deny", "Resource"))}}, delete_by(jane()))
          .allowed());
  EXPECT_FALSE(
      evaluate({.identity = {all, named("p", statement("Deny", "NotResource"))}}, delete_by(jane()))
          .allowed());
  Request request = delete_by(jane());
  request.context["aws:principaltag/cluster"] = {"demo"};
  EXPECT_TRUE(
      evaluate({.identity = {named("p", statement("Allow", "Resource"))}}, request).allowed());
}

TEST(PrincipalContext, HasTheKeysOfEachKind) {
  const WallTime now = *parse_iso8601("2024-05-06T07:08:09Z");
  Principal user = jane();
  user.tags["Team"] = "A";
  const Context of_user = principal_context(user, now);
  EXPECT_EQ(of_user.at("aws:username"), std::vector<std::string>{"jane"});
  EXPECT_EQ(of_user.at("aws:principaltype"), std::vector<std::string>{"User"});
  EXPECT_EQ(of_user.at("aws:principaltag/team"), std::vector<std::string>{"A"});
  EXPECT_EQ(of_user.at("aws:currenttime"), std::vector<std::string>{"2024-05-06T07:08:09Z"});
  EXPECT_EQ(of_user.at("aws:epochtime"), std::vector<std::string>{"1714979289"});
  EXPECT_EQ(of_user.count("aws:tokenissuetime"), 0U);
  Principal of_role = session();
  of_role.session_issued_at = now;
  const Context context = principal_context(of_role, now);
  EXPECT_EQ(context.at("aws:userid"), std::vector<std::string>{"AROAAPP0000000000001:s1"});
  EXPECT_EQ(context.at("aws:principalarn"),
            std::vector<std::string>{"arn:aws:iam::123456789012:role/path/App"});
  EXPECT_EQ(context.at("aws:tokenissuetime"), std::vector<std::string>{"2024-05-06T07:08:09Z"});
  EXPECT_EQ(context.count("aws:username"), 0U);
}

}  // namespace
}  // namespace trivet::policy
