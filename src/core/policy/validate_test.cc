// SPDX-License-Identifier: Apache-2.0
//
// AWS's answers to broken policies, as recorded by others from real accounts.
#include <gtest/gtest.h>

#include "core/policy/document.h"

namespace trivet::policy {
namespace {

constexpr std::string_view kGoodResource = R"("Resource":"arn:aws:s3:::example_bucket")";

std::string message_of(const Result<Policy>& result) {
  if (result.has_value()) {
    return "";
  }
  EXPECT_EQ(result.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(result.error().fault, "MalformedPolicyDocument");
  return result.error().message;
}
std::string identity(const std::string& elements) {
  return message_of(
      parse_identity_policy(R"({"Version":"2012-10-17","Statement":{)" + elements + "}}"));
}
std::string with_resource(const std::string& resource) {
  return identity(R"("Effect":"Allow","Action":"s3:ListBucket","Resource":)" + resource);
}
std::string with_condition(const std::string& condition) {
  return identity(R"("Effect":"Allow","Action":"s3:ListBucket",)" + std::string(kGoodResource) +
                  R"(,"Condition":)" + condition);
}
std::string with_action(const std::string& action) {
  return identity(R"("Effect":"Allow",)" + action + "," + std::string(kGoodResource));
}

constexpr std::string_view kSyntax = "Syntax errors in policy.";
constexpr std::string_view kLegacy = "The policy failed legacy parsing";

TEST(IdentityPolicy, SyntaxErrors) {
  EXPECT_EQ(message_of(parse_identity_policy("This is not a json document")), kSyntax);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2012-10-17"})")), kSyntax);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2012-10-17","Statement":["afd"]})")),
            kSyntax);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2012-10-17","Statement":[]})")),
            kSyntax);
  EXPECT_EQ(with_resource(R"({"a":"arn:aws:s3:::example_bucket"})"), kSyntax);
  EXPECT_EQ(with_resource(R"(["adfdf",{}])"), kSyntax);
  EXPECT_EQ(with_resource(R"("*","NotResource":[])"), kSyntax);
  EXPECT_EQ(with_action(R"("Action":[[]])"), kSyntax);
  EXPECT_EQ(with_action(R"("NotAction":"s3:x","Action":[])"), kSyntax);
  EXPECT_EQ(with_action(R"("Sid":{},"Action":"s3:x")"), kSyntax);
  EXPECT_EQ(identity(R"("Effect":"invalid","Action":"s3:x",)" + std::string(kGoodResource)),
            kSyntax);
  EXPECT_EQ(identity(R"("Action":"s3:x",)" + std::string(kGoodResource)), kSyntax);
  for (const char* condition :
       {"[]", "\"a\"", R"({"a":"b"})", R"({"DateGreaterThan":"b"})", R"({"DateGreaterThan":[]})",
        R"({"DateGreaterThan":{"a":{}}})", R"({"x":{"a":"1"}})",
        R"({"ForAnyValue::StringEqualsIfExists":{"a":"asf"}})",
        R"([{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}])"}) {
    EXPECT_EQ(with_condition(condition), kSyntax) << condition;
  }
}

TEST(IdentityPolicy, Version) {
  const std::string statement =
      R"("Statement":{"Effect":"denY","Action":"s3:x",)" + std::string(kGoodResource) + "}}";
  const std::string text = "Policy document must be version 2012-10-17 or greater.";
  EXPECT_EQ(message_of(parse_identity_policy("{" + statement)), text);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2008-10-17",)" + statement)), text);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2013-10-17",)" + statement)), kSyntax);
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2012-10-17",)" + statement)), kLegacy);
}

TEST(IdentityPolicy, LegacyParsing) {
  for (const char* resource : {R"("arn:aws:s3::example_bucket")", R"("arn:aws::fdsasf")",
                               R"("arn:aws::::example_bucket")"}) {
    EXPECT_EQ(with_resource(resource), kLegacy) << resource;
  }
  EXPECT_EQ(identity(R"("Effect":"Allow","Action":"s3:x","NotResource":"arn:aws:s3::x")"), kLegacy);
  EXPECT_EQ(identity(R"("Effect":"Allow","Resource":"arn:aws:s3::example_bucket")"), kLegacy);
  EXPECT_EQ(identity(R"("Effect":"allow","Resource":"arn:aws:s3:us-east-1::b")"), kLegacy);
  for (const char* date : {"sdfdsf", "234-13", "2016-12-13t2:00:00.593194+1",
                           "2016-12-13t2:00:00.1999999999+10:59", "9223372036854775808"}) {
    EXPECT_EQ(with_condition(R"({"DateLessThan":{"a":")" + std::string(date) + R"("}})"), kLegacy)
        << date;
  }
  for (const char* date : {"01T", "2019-07-01T13:20:15Z", "2016-12-13T21:20:37.593194+00:00",
                           "2016-12-13t2:00:00.593194+23", "-292275054"}) {
    EXPECT_EQ(with_condition(R"({"DateLessThan":{"a":")" + std::string(date) + R"("}})"), "")
        << date;
  }
}

TEST(IdentityPolicy, Resources) {
  EXPECT_EQ(with_resource(R"("invalid resource")"),
            "Resource invalid resource must be in ARN format or \"*\".");
  EXPECT_EQ(with_resource(R"("")"), "Resource  must be in ARN format or \"*\".");
  EXPECT_EQ(with_resource(R"(["adf"])"), "Resource adf must be in ARN format or \"*\".");
  EXPECT_EQ(with_resource(R"("a:bsdfdsafsad")"),
            "Partition \"bsdfdsafsad\" is not valid for resource \"arn:bsdfdsafsad:*:*:*:*\".");
  EXPECT_EQ(with_resource(R"("a:b:cadfsdf")"),
            "Partition \"b\" is not valid for resource \"arn:b:cadfsdf:*:*:*\".");
  EXPECT_EQ(with_resource(R"("a:b:c:d:e:f:g:h")"),
            "Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g:h\".");
  EXPECT_EQ(with_resource(R"("aws:s3:::example_bucket")"),
            "Partition \"s3\" is not valid for resource \"arn:s3:::example_bucket:*\".");
  EXPECT_EQ(with_resource(R"(["arn:error:s3:::example_bucket","arn:error:s3::example_bucket"])"),
            "Partition \"error\" is not valid for resource \"arn:error:s3:::example_bucket\".");
  const std::string vendor = "Resource vendor must be fully qualified and cannot contain regexes.";
  EXPECT_EQ(with_resource(R"("arn:aws")"), vendor);
  EXPECT_EQ(with_resource(R"("arn:aws:s*:::x")"), vendor);
  EXPECT_EQ(with_resource(R"("arn:aws:iam:us-east-1::example_bucket")"),
            "IAM resource arn:aws:iam:us-east-1::example_bucket cannot contain region "
            "information.");
  EXPECT_EQ(with_resource(R"("arn:aws:s3:us-east-1::example_bucket")"),
            "Resource arn:aws:s3:us-east-1::example_bucket can not contain region information.");
  EXPECT_EQ(with_resource(R"("arn:aws:iam:::example_bucket")"),
            "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, "
            "group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, "
            "saml-provider/, oidc-provider/, report/, access-report/.");
  EXPECT_EQ(identity(R"("Effect":"Allow","Action":"s3:x")"),
            "Policy statement must contain resources.");
  EXPECT_EQ(with_resource("[]"), "Policy statement must contain resources.");
}

TEST(IdentityPolicy, Actions) {
  const std::string none = "Policy statement must contain actions.";
  EXPECT_EQ(identity(R"("Effect":"Allow",)" + std::string(kGoodResource)), none);
  EXPECT_EQ(identity(R"("Effect":"Allow")"), none);
  EXPECT_EQ(with_action(R"("Action":[])"), none);
  const std::string vendor =
      "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  EXPECT_EQ(with_action(R"("Action":"invalid")"), vendor);
  EXPECT_EQ(with_action(R"("NotAction":"")"), vendor);
  EXPECT_EQ(identity(R"("Effect":"Allow","Action":"invalid")"), vendor);
  EXPECT_EQ(with_action(R"("Action":"a a:ListBucket")"), "Vendor a a is not valid");
  EXPECT_EQ(with_action(R"("Action":"rds*:connect")"), "Vendor rds* is not valid");
  EXPECT_EQ(with_action(R"("Action":"s3:List:Bucket")"),
            "Actions/Condition can contain only one colon.");
  EXPECT_EQ(identity(R"("Effect":"Allow","Action":"s:3:ListBucket","Resource":"sdfsadf")"),
            "Resource sdfsadf must be in ARN format or \"*\".");
}

TEST(IdentityPolicy, SidsAndPrincipals) {
  const std::string one = R"({"Sid":"sdf","Effect":"Allow","Action":"s3:x","Resource":"*"})";
  EXPECT_EQ(message_of(parse_identity_policy(R"({"Version":"2012-10-17","Statement":[)" + one +
                                             R"(,{"Sid":"sdf","Effect":"Allow"}]})")),
            "Statement IDs (SID) in a single policy must be unique.");
  EXPECT_EQ(with_action(R"("Principal":"*","Action":"s3:x")"),
            "Policy document should not specify a principal.");
}

TEST(IdentityPolicy, AcceptsWhatAwsAccepts) {
  for (const char* resource :
       {R"(["arn:aws:s3:::example_bucket","*"])", R"("arn:aws:iam:::user/example_bucket")",
        R"("arn:aws:s33:::example_bucket")", R"("arn:aws:fdsasf")",
        R"("arn:aws:cloudwatch:us-east-1::example_bucket")", R"("arn:aws:iam::*:role/*")",
        R"("arn:aws:iam::123456789012:*")", R"("arn:*:rds-db:*:*:dbuser:*/jane")",
        R"("arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-X/${aws:username}")"}) {
    EXPECT_EQ(with_resource(resource), "") << resource;
  }
  for (const char* action : {R"("Action":"*")", R"("Action":"iam: asdf safdsf af ")",
                             R"("NotAction":"s3.s:x")", R"("Action":["rds-db:connect","sts:*"])"}) {
    EXPECT_EQ(with_action(action), "") << action;
  }
  for (const char* condition :
       {"{}", R"({"DateGreaterThan":{}})", R"({"DateGreaterThan":{"a":[]}})", R"({"a":{}})",
        R"({"Bool":{"aws:MultiFactorAuthPresent":true}})",
        R"({"ForAnyValue:StringEqualsIfExists":{"a":"asf"}})"}) {
    EXPECT_EQ(with_condition(condition), "") << condition;
  }
}

TEST(IdentityPolicy, OnlyLatinCharacters) {
  const auto refused = [](const std::string& sid) {
    const auto result = parse_identity_policy(R"({"Version":"2012-10-17","Statement":{"Sid":")" +
                                              sid + R"(","Effect":"Allow","Action":"*",
                                              "Resource":"*"}})");
    return !result.has_value() && result.error().fault == "ValidationError";
  };
  EXPECT_FALSE(refused("\xC3\xBF"));
  EXPECT_TRUE(refused("\xC4\x80"));
  EXPECT_TRUE(refused("\xE7\x94\xA8"));
  EXPECT_TRUE(refused("\x01"));
  EXPECT_TRUE(refused("\xFF"));
}

std::string trust(const std::string& elements) {
  return message_of(parse_trust_policy(
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)" + elements + "}]}"));
}

TEST(TrustPolicy, AcceptsTheUsualOnes) {
  for (const char* principal :
       {R"("*")", R"({"AWS":"*"})", R"({"AWS":"123456789012"})",
        R"({"AWS":["arn:aws:iam::123456789012:root","arn:aws:iam::123456789012:user/a/jane"]})",
        R"({"AWS":"arn:aws:sts::123456789012:assumed-role/App/s"})",
        R"({"Service":["lambda.amazonaws.com","rds.amazonaws.com"]})",
        R"({"Federated":"cognito-identity.amazonaws.com"})"}) {
    EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","Principal":)" + std::string(principal)), "")
        << principal;
  }
  EXPECT_EQ(trust(R"("Action":["sts:AssumeRole","sts:TagSession"],"Principal":"*",
                  "Condition":{"StringEquals":{"sts:ExternalId":"42"}})"),
            "");
  EXPECT_EQ(message_of(parse_trust_policy(
                R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}})")),
            "");
}

TEST(TrustPolicy, RefusesWithAwssWords) {
  EXPECT_EQ(message_of(parse_trust_policy("not json")), "This policy contains invalid Json");
  EXPECT_EQ(message_of(parse_trust_policy(R"({"Statement":1,"Statement":2})")), kSyntax);
  const std::string who = R"("Principal":{"AWS":"123456789012"})";
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","Resource":"*",)" + who),
            "Has prohibited field Resource.");
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","NotPrincipal":"*")"),
            "Has prohibited field NotPrincipal.");
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole")"), "Missing required field Principal");
  EXPECT_EQ(trust(who), "Policy statement must contain actions.");
  for (const char* action : {R"("iam:CreateUser")", R"("sts:GetCallerIdentity")", R"("*")",
                             R"(["sts:AssumeRole","s3:Get*"])"}) {
    EXPECT_EQ(trust(R"("Action":)" + std::string(action) + "," + who),
              "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  "
              "and sts:AssumeRoleWithWebIdentity")
        << action;
  }
  for (const char* value :
       {"", "jane", "arn:aws:iam::123456789012:user/*", "arn:aws:iam::1234:root", "arn:aws:s3:::x",
        "arn:aws:iam::123456789012:group/g"}) {
    EXPECT_EQ(
        trust(R"("Action":"sts:AssumeRole","Principal":{"AWS":")" + std::string(value) + R"("})"),
        "Invalid principal in policy: \"AWS\":\"" + std::string(value) + "\"");
  }
}

}  // namespace
}  // namespace trivet::policy
