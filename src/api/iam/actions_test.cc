// SPDX-License-Identifier: Apache-2.0
//
// IAM and STS as a client meets them: signed requests through the dispatcher onto a real IAM in
// memory.
#include "api/iam/actions.h"

#include <gtest/gtest.h>

#include "adapter/store_memory/store.h"
#include "api/dispatch.h"
#include "api/iam/identities.h"
#include "api/sts/actions.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "base/uri.h"
#include "core/sigv4/sign.h"

namespace trivet::api {
namespace {

class SetClock final : public Clock {
 public:
  WallTime time = *parse_iso8601("2026-01-02T03:04:05Z");
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override { return time; }
};

constexpr const char* kTrustAccount =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",)"
    R"("Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]})";
constexpr const char* kAllowRds = R"({"Version": "2012-10-17", "Statement": )"
                                  R"([{"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]})";

class IamApiTest : public testing::Test {
 protected:
  IamApiTest() {
    auto opened = service::IamService::open({.store = &store_, .sealer = sealer_, .realm = realm_});
    EXPECT_TRUE(opened);
    iam_ = std::move(*opened);
    sts_ = std::make_unique<service::StsService>(*iam_, sealer_);
    identities_ = std::make_unique<IamIdentities>(*iam_, sealer_, clock_);
    add_iam_actions(actions_, *iam_);
    add_sts_actions(actions_, *sts_);
    auto root = iam_->create_root_key(clock_.time);
    root_ = {root->record.id.str(), std::move(root->secret), ""};
  }

  // `query` is "Action=…&…", its values encoded already.
  net::HttpResponse call(const sigv4::Credentials& who, const std::string& service,
                         const std::string& query) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Host", "127.0.0.1:4566"},
                       {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.body = query + "&Version=" + (service == "iam" ? "2010-05-08" : "2011-06-15");
    request.peer_address = "127.0.0.9";
    sigv4::SignedRequest to_sign;
    to_sign.method = "POST";
    to_sign.headers = request.headers;
    to_sign.payload_sha256 = to_hex(sha256(request.body));
    auto headers = sigv4::sign_request(
        to_sign, who, {.region = "eu-west-1", .service = service, .now = clock_.time});
    EXPECT_TRUE(headers);
    request.headers.insert(request.headers.end(), headers->begin(), headers->end());
    const Dispatcher dispatcher(
        {.clock = clock_, .identities = *identities_, .actions = actions_, .realm = realm_});
    net::HttpResponse response;
    dispatcher.handle(request, [&](net::HttpResponse answer) { response = std::move(answer); });
    return response;
  }
  net::HttpResponse iam(const std::string& query) { return call(root_, "iam", query); }
  void must(const std::string& query) {
    const net::HttpResponse response = iam(query);
    EXPECT_EQ(response.status, 200) << query << "\n" << response.body;
  }
  static std::string between(const std::string& text, const std::string& tag) {
    const auto start = text.find("<" + tag + ">");
    const auto end = text.find("</" + tag + ">");
    return start == std::string::npos || end == std::string::npos
               ? ""
               : text.substr(start + tag.size() + 2, end - start - tag.size() - 2);
  }
  static std::string outcome(const net::HttpResponse& response) {
    return std::to_string(response.status) + " " + between(response.body, "Code");
  }
  static sigv4::Credentials credentials(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return {between(response.body, "AccessKeyId"),
            SecretString(between(response.body, "SecretAccessKey")),
            between(response.body, "SessionToken")};
  }

  SetClock clock_;
  Realm realm_{.account = AccountId("123456789012")};
  store_memory::MemoryStore store_;
  std::shared_ptr<const service::Sealer> sealer_ =
      *service::Sealer::create(SecretString(std::string(32, 'k')));
  std::unique_ptr<service::IamService> iam_;
  std::unique_ptr<service::StsService> sts_;
  std::unique_ptr<IamIdentities> identities_;
  ActionTable actions_;
  sigv4::Credentials root_;
};

TEST_F(IamApiTest, UserFromCreationToDeletion) {
  const net::HttpResponse created = iam(
      "Action=CreateUser&UserName=ana&Path=%2Fdev%2F&Tags.member.1.Key=team&Tags.member.1.Value=x");
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(between(created.body, "Arn"), "arn:aws:iam::123456789012:user/dev/ana");
  EXPECT_EQ(between(created.body, "CreateDate"), "2026-01-02T03:04:05Z");
  EXPECT_NE(
      created.body.find("<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"),
      std::string::npos);
  EXPECT_EQ(between(iam("Action=GetUser&UserName=ana").body, "Value"), "x");
  EXPECT_EQ(outcome(iam("Action=CreateUser&UserName=Ana")), "409 EntityAlreadyExists");
  EXPECT_EQ(between(iam("Action=ListUsers&PathPrefix=%2Fdev%2F").body, "UserName"), "ana");
  EXPECT_EQ(between(iam("Action=ListUsers&PathPrefix=%2Fops%2F").body, "UserName"), "");
  EXPECT_EQ(between(iam("Action=ListUsers").body, "IsTruncated"), "false");
  must("Action=UpdateUser&UserName=ana&NewPath=%2F");
  EXPECT_EQ(between(iam("Action=GetUser&UserName=ana").body, "Path"), "/");
  must("Action=DeleteUser&UserName=ana");
  const net::HttpResponse gone = iam("Action=GetUser&UserName=ana");
  EXPECT_EQ(outcome(gone), "404 NoSuchEntity");
  EXPECT_EQ(between(gone.body, "Message"), "The user with name ana cannot be found.");
}

TEST_F(IamApiTest, GetUserWithoutANameIsTheCaller) {
  EXPECT_EQ(between(iam("Action=GetUser").body, "Arn"), "arn:aws:iam::123456789012:root");
  must("Action=CreateUser&UserName=ana");
  must("Action=AttachUserPolicy&UserName=ana&PolicyArn=arn:aws:iam::aws:policy/IAMFullAccess");
  const auto ana = credentials(iam("Action=CreateAccessKey&UserName=ana"));
  EXPECT_EQ(between(call(ana, "iam", "Action=GetUser").body, "UserName"), "ana");
  EXPECT_EQ(between(call(ana, "iam", "Action=ListAccessKeys").body, "UserName"), "ana");
}

TEST_F(IamApiTest, PoliciesGrantAndDenialsSayWhy) {
  must("Action=CreateUser&UserName=ana&Path=%2Fdev%2F");
  const auto ana = credentials(iam("Action=CreateAccessKey&UserName=ana"));
  const net::HttpResponse denied = call(ana, "iam", "Action=GetUser&UserName=ana");
  EXPECT_EQ(outcome(denied), "403 AccessDenied");
  EXPECT_EQ(
      between(denied.body, "Message"),
      "User: arn:aws:iam::123456789012:user/dev/ana is not authorized to perform: iam:GetUser "
      "on resource: arn:aws:iam::123456789012:user/dev/ana because no identity-based policy "
      "allows the iam:GetUser action");
  must(
      "Action=PutUserPolicy&UserName=ana&PolicyName=self&PolicyDocument=" +
      percent_encode(
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Get*","Resource":"arn:aws:iam::*:user/dev/${aws:username}"}]})"));
  EXPECT_EQ(call(ana, "iam", "Action=GetUser&UserName=ana").status, 200);
  EXPECT_EQ(outcome(call(ana, "iam", "Action=GetUser&UserName=bo")), "403 AccessDenied")
      << "whether bo exists is not for ana to know";
  EXPECT_EQ(outcome(call(ana, "iam", "Action=DeleteUser&UserName=ana")), "403 AccessDenied");
}

TEST_F(IamApiTest, AccessKeysStopWorkingWhenSwitchedOff) {
  must("Action=CreateUser&UserName=ana");
  const auto ana = credentials(iam("Action=CreateAccessKey&UserName=ana"));
  EXPECT_EQ(call(ana, "sts", "Action=GetCallerIdentity").status, 200);
  EXPECT_EQ(between(iam("Action=GetAccessKeyLastUsed&AccessKeyId=" + ana.access_key_id).body,
                    "ServiceName"),
            "N/A");
  EXPECT_EQ(outcome(call(ana, "iam", "Action=ListUsers")), "403 AccessDenied");
  const auto used = iam("Action=GetAccessKeyLastUsed&AccessKeyId=" + ana.access_key_id);
  EXPECT_EQ(between(used.body, "ServiceName"), "iam");
  EXPECT_EQ(between(used.body, "Region"), "eu-west-1");
  EXPECT_EQ(between(used.body, "UserName"), "ana");
  must("Action=UpdateAccessKey&UserName=ana&Status=Inactive&AccessKeyId=" + ana.access_key_id);
  EXPECT_EQ(outcome(call(ana, "sts", "Action=GetCallerIdentity")), "403 InvalidClientTokenId");
  EXPECT_EQ(between(iam("Action=ListAccessKeys&UserName=ana").body, "Status"), "Inactive");
  must("Action=DeleteAccessKey&UserName=ana&AccessKeyId=" + ana.access_key_id);
  EXPECT_EQ(between(iam("Action=ListAccessKeys&UserName=ana").body, "AccessKeyId"), "");
  EXPECT_EQ(outcome(iam("Action=UpdateAccessKey&UserName=ana&Status=On&AccessKeyId=" +
                        ana.access_key_id)),
            "400 ValidationError");
}

TEST_F(IamApiTest, DocumentsComeBackUrlEncoded) {
  const std::string document = percent_encode(kAllowRds);
  must("Action=CreateRole&RoleName=app&AssumeRolePolicyDocument=" + percent_encode(kTrustAccount));
  must("Action=PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument=" + document);
  EXPECT_EQ(between(iam("Action=GetRolePolicy&RoleName=app&PolicyName=p").body, "PolicyDocument"),
            document);
  const auto role = iam("Action=GetRole&RoleName=app");
  EXPECT_EQ(between(role.body, "AssumeRolePolicyDocument"), percent_encode(kTrustAccount));
  EXPECT_EQ(between(role.body, "MaxSessionDuration"), "3600");
  const auto made = iam("Action=CreatePolicy&PolicyName=managed&PolicyDocument=" + document);
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string arn = percent_encode(between(made.body, "Arn"));
  EXPECT_EQ(between(iam("Action=GetPolicyVersion&VersionId=v1&PolicyArn=" + arn).body, "Document"),
            document);
  EXPECT_EQ(outcome(iam("Action=GetPolicyVersion&VersionId=v2&PolicyArn=" + arn)),
            "404 NoSuchEntity");
  EXPECT_EQ(between(iam("Action=ListPolicyVersions&PolicyArn=" + arn).body, "VersionId"), "v1");
  must("Action=AttachRolePolicy&RoleName=app&PolicyArn=" + arn);
  EXPECT_EQ(between(iam("Action=GetPolicy&PolicyArn=" + arn).body, "AttachmentCount"), "1");
  EXPECT_EQ(between(iam("Action=ListEntitiesForPolicy&PolicyArn=" + arn).body, "RoleName"), "app");
  EXPECT_EQ(between(iam("Action=ListAttachedRolePolicies&RoleName=app").body, "PolicyName"),
            "managed");
  EXPECT_EQ(outcome(iam("Action=DeletePolicy&PolicyArn=" + arn)), "409 DeleteConflict");
  EXPECT_EQ(outcome(iam("Action=DeleteRole&RoleName=app")), "409 DeleteConflict");
  must("Action=DetachRolePolicy&RoleName=app&PolicyArn=" + arn);
  must("Action=DeletePolicy&PolicyArn=" + arn);
  must("Action=DeleteRolePolicy&RoleName=app&PolicyName=p");
  must("Action=DeleteRole&RoleName=app");
}

TEST_F(IamApiTest, BadDocumentsAreMalformed) {
  EXPECT_EQ(outcome(iam("Action=CreateRole&RoleName=app&AssumeRolePolicyDocument=%7B%7D")),
            "400 MalformedPolicyDocument");
  must("Action=CreateUser&UserName=ana");
  EXPECT_EQ(outcome(iam("Action=PutUserPolicy&UserName=ana&PolicyName=p&PolicyDocument=x")),
            "400 MalformedPolicyDocument");
  EXPECT_EQ(
      outcome(iam("Action=CreateUser&UserName=bo&PermissionsBoundary=arn:aws:iam::aws:policy/x")),
      "404 NoSuchEntity");
}

TEST_F(IamApiTest, PagesFollowTheirMarkers) {
  for (const char* name : {"a", "b", "c"}) {
    must(std::string("Action=CreateUser&UserName=") + name);
  }
  const auto first = iam("Action=ListUsers&MaxItems=2");
  EXPECT_EQ(between(first.body, "IsTruncated"), "true");
  const auto second =
      iam("Action=ListUsers&MaxItems=2&Marker=" + percent_encode(between(first.body, "Marker")));
  EXPECT_EQ(between(second.body, "UserName"), "c");
  EXPECT_EQ(between(second.body, "IsTruncated"), "false");
}

TEST_F(IamApiTest, TagsOfUsersAndRoles) {
  must("Action=CreateUser&UserName=ana");
  must("Action=TagUser&UserName=ana&Tags.member.1.Key=k&Tags.member.1.Value=v");
  EXPECT_EQ(between(iam("Action=ListUserTags&UserName=ana").body, "Key"), "k");
  must("Action=UntagUser&UserName=ana&TagKeys.member.1=k");
  EXPECT_EQ(between(iam("Action=ListUserTags&UserName=ana").body, "Key"), "");
}

TEST_F(IamApiTest, AssumedRoleIsWhoItIs) {
  must("Action=CreateRole&RoleName=app&AssumeRolePolicyDocument=" + percent_encode(kTrustAccount));
  must("Action=PutRolePolicy&RoleName=app&PolicyName=p&PolicyDocument=" +
       percent_encode(kAllowRds));
  const auto assumed = call(root_, "sts",
                            "Action=AssumeRole&RoleSessionName=s1&DurationSeconds=900&RoleArn=" +
                                percent_encode("arn:aws:iam::123456789012:role/app"));
  const auto session = credentials(assumed);
  EXPECT_EQ(between(assumed.body, "Expiration"), "2026-01-02T03:19:05Z");
  const auto identity = call(session, "sts", "Action=GetCallerIdentity");
  EXPECT_EQ(between(identity.body, "Arn"), "arn:aws:sts::123456789012:assumed-role/app/s1");
  EXPECT_EQ(between(identity.body, "Account"), "123456789012");
  EXPECT_EQ(between(identity.body, "UserId"), between(assumed.body, "AssumedRoleId"));
  EXPECT_EQ(outcome(call(session, "iam", "Action=ListUsers")), "403 AccessDenied");
  EXPECT_EQ(outcome(call(session, "iam", "Action=GetUser")), "403 AccessDenied");
  EXPECT_EQ(outcome(call(session, "sts", "Action=GetSessionToken")), "403 AccessDenied");
  sigv4::Credentials without{session.access_key_id, session.secret_access_key.copy(), ""};
  EXPECT_EQ(outcome(call(without, "sts", "Action=GetCallerIdentity")), "403 InvalidClientTokenId");
  clock_.time += std::chrono::minutes(15);
  EXPECT_EQ(outcome(call(session, "sts", "Action=GetCallerIdentity")), "403 ExpiredToken");
  EXPECT_EQ(outcome(call(root_, "sts",
                         "Action=AssumeRole&RoleSessionName=s1&RoleArn=" +
                             percent_encode("arn:aws:iam::123456789012:role/none"))),
            "403 AccessDenied");
}

TEST_F(IamApiTest, EveryListedActionIsBuilt) {
  const ServiceInfo* iam_info = find_service("iam");
  for (const char* name : {"CreateUser",
                           "GetUser",
                           "ListUsers",
                           "UpdateUser",
                           "DeleteUser",
                           "CreateAccessKey",
                           "ListAccessKeys",
                           "UpdateAccessKey",
                           "DeleteAccessKey",
                           "GetAccessKeyLastUsed",
                           "CreateRole",
                           "GetRole",
                           "ListRoles",
                           "DeleteRole",
                           "UpdateAssumeRolePolicy",
                           "PutUserPolicy",
                           "GetUserPolicy",
                           "ListUserPolicies",
                           "DeleteUserPolicy",
                           "PutRolePolicy",
                           "GetRolePolicy",
                           "ListRolePolicies",
                           "DeleteRolePolicy",
                           "CreatePolicy",
                           "GetPolicy",
                           "ListPolicies",
                           "DeletePolicy",
                           "GetPolicyVersion",
                           "ListPolicyVersions",
                           "AttachUserPolicy",
                           "DetachUserPolicy",
                           "AttachRolePolicy",
                           "DetachRolePolicy",
                           "ListAttachedUserPolicies",
                           "ListAttachedRolePolicies",
                           "ListEntitiesForPolicy",
                           "TagUser",
                           "UntagUser",
                           "ListUserTags",
                           "TagRole",
                           "UntagRole",
                           "ListRoleTags"}) {
    EXPECT_NE(actions_.find(*iam_info, name), nullptr) << name;
  }
  for (const char* name : {"GetCallerIdentity", "AssumeRole", "GetSessionToken"}) {
    EXPECT_NE(actions_.find(*find_service("sts"), name), nullptr) << name;
  }
}

}  // namespace
}  // namespace trivet::api
