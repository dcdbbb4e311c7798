// SPDX-License-Identifier: Apache-2.0
#include "cli/iam_import.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

constexpr const char* kDetails = R"({
  "UserDetailList": [{"UserName": "ana", "Path": "/dev/",
    "Arn": "arn:aws:iam::111122223333:user/dev/ana",
    "GroupList": ["g"], "Tags": [{"Key": "a", "Value": "b"}],
    "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/p"},
    "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": "%7B%22x%22%3A1%7D"}]}],
  "GroupDetailList": [{"GroupName": "g", "Path": "/",
    "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}],
  "RoleDetailList": [
    {"RoleName": "app", "Path": "/", "AssumeRolePolicyDocument":
      {"Statement": {"Principal": {"AWS": "arn:aws:iam::111122223333:role/later"}}},
     "RolePolicyList": [{"PolicyName": "r", "PolicyDocument": {}}]},
    {"RoleName": "AWSServiceRoleForRDS", "Path": "/aws-service-role/rds.amazonaws.com/"}],
  "Policies": [{"PolicyName": "p", "Arn": "arn:aws:iam::111122223333:policy/p",
     "PolicyVersionList": [
      {"VersionId": "v10", "IsDefaultVersion": true, "Document": {"v": 10}},
      {"VersionId": "v2", "IsDefaultVersion": false, "Document": {"v": 2}}]},
    {"PolicyName": "ReadOnlyAccess", "Arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]})";

std::string value_of(const ImportCall& call, const std::string& name) {
  for (const auto& [key, value] : call.parameters) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

TEST(PlanImport, MakesPoliciesGroupsUsersAndRolesInThatOrder) {
  const auto calls = plan_import(kDetails, "999999999999");
  ASSERT_TRUE(calls.has_value());
  std::vector<std::string> actions;
  for (const ImportCall& call : *calls) {
    actions.push_back(call.action);
  }
  EXPECT_EQ(actions, (std::vector<std::string>{"CreatePolicy", "CreatePolicyVersion", "CreateGroup",
                                               "AttachGroupPolicy", "CreateUser", "PutUserPolicy",
                                               "AddUserToGroup", "CreateRole", "PutRolePolicy"}));
  EXPECT_EQ(value_of(calls->at(0), "PolicyDocument"), R"({"v":2})");
  EXPECT_EQ(value_of(calls->at(1), "PolicyArn"), "arn:aws:iam::999999999999:policy/p");
  EXPECT_EQ(value_of(calls->at(1), "SetAsDefault"), "true");
  EXPECT_EQ(value_of(calls->at(4), "PermissionsBoundary"), "arn:aws:iam::999999999999:policy/p");
  EXPECT_EQ(value_of(calls->at(4), "Tags.member.1.Key"), "a");
  EXPECT_EQ(value_of(calls->at(5), "PolicyDocument"), R"({"x":1})");
  EXPECT_NE(value_of(calls->at(7), "AssumeRolePolicyDocument").find("999999999999:role/later"),
            std::string::npos);
  EXPECT_TRUE(calls->at(7).is_repeatable);
}

TEST(PlanImport, OtherJsonIsRefused) {
  EXPECT_EQ(plan_import("{}", "1").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(plan_import("", "1").error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace trivet::cli
