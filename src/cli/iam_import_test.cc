// SPDX-License-Identifier: Apache-2.0
#include "cli/iam_import.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// An account that has some names already, and knows what was asked of it.
struct Account {
  std::vector<std::string> there;
  std::vector<std::string> asked;

  ImportReport import() {
    const auto calls = plan_import(kDetails, "999999999999");
    return run_import(calls.value(), [this](const ImportCall& call) -> Status {
      if (std::find(there.begin(), there.end(), call.what) != there.end()) {
        return make_error(Errc::kConflict, "EntityAlreadyExists: it exists");
      }
      asked.push_back(call.action);
      return ok();
    });
  }
};

TEST(RunImport, NamesWhatItMade) {
  Account account;
  const ImportReport report = account.import();
  EXPECT_EQ(report.made, 9);
  EXPECT_EQ(report.refused + report.skipped, 0);
  EXPECT_EQ(report.imported, (std::vector<std::string>{"imported policy p", "imported group g",
                                                       "imported user ana", "imported role app"}));
  EXPECT_TRUE(report.problems.empty());
}

TEST(RunImport, WhatExistsGetsNothing) {
  Account account{.there = {"policy p", "group g", "user ana", "role app"}, .asked = {}};
  const ImportReport report = account.import();
  EXPECT_EQ(account.asked, std::vector<std::string>());
  EXPECT_TRUE(report.imported.empty());
  EXPECT_EQ(report.refused, 4);
  EXPECT_EQ(report.skipped, 5);
  EXPECT_EQ(
      report.problems,
      (std::vector<std::string>{
          "policy p: EntityAlreadyExists: it exists",
          "skipped a version of policy p: policy p was not imported",
          "group g: EntityAlreadyExists: it exists",
          "skipped arn:aws:iam::aws:policy/ReadOnlyAccess at group g: group g was not imported",
          "user ana: EntityAlreadyExists: it exists",
          "skipped policy own of user ana: user ana was not imported",
          "skipped user ana in group g: user ana was not imported",
          "role app: EntityAlreadyExists: it exists",
          "skipped policy r of role app: role app was not imported"}));
}

TEST(RunImport, ANewUserDoesNotJoinAGroupThatWasThere) {
  Account account{.there = {"group g"}, .asked = {}};
  const ImportReport report = account.import();
  EXPECT_EQ(account.asked,
            (std::vector<std::string>{"CreatePolicy", "CreatePolicyVersion", "CreateUser",
                                      "PutUserPolicy", "CreateRole", "PutRolePolicy"}));
  EXPECT_EQ(report.problems.back(), "skipped user ana in group g: group g was not imported");
}

TEST(RunImport, ARoleWaitsForTheOneThatItTrusts) {
  std::vector<ImportCall> calls(3);
  calls[0] = {"CreateRole", {}, "role a", {}, true};
  calls[1] = {"CreateRole", {}, "role b", {}, true};
  calls[2] = {"PutRolePolicy", {}, "policy p of role a", {"role a"}};
  bool has_b = false;
  const ImportReport report = run_import(calls, [&has_b](const ImportCall& call) -> Status {
    has_b = has_b || call.what == "role b";
    return has_b ? Status() : Status(make_error(Errc::kConflict, "MalformedPolicyDocument: b"));
  });
  EXPECT_EQ(report.made, 3);
  EXPECT_EQ(report.imported, (std::vector<std::string>{"imported role b", "imported role a"}));
  EXPECT_TRUE(report.problems.empty());
}

TEST(PlanImport, OtherJsonIsRefused) {
  EXPECT_EQ(plan_import("{}", "1").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(plan_import("", "1").error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace trivet::cli
