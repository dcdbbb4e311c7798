// SPDX-License-Identifier: Apache-2.0
#include "api/dispatch.h"

#include <gtest/gtest.h>

#include <set>

#include "api/shapes/ec2.h"
#include "api/shapes/iam.h"
#include "api/shapes/rds.h"
#include "api/shapes/sts.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "core/sigv4/sign.h"

namespace trivet::api {
namespace {

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override { return *parse_iso8601("2026-01-02T03:04:05Z"); }
};

// One user whose key is AKIDEXAMPLE / "secret", and what they are allowed to do.
class FakeIdentities final : public Identities {
 public:
  std::set<std::string> allowed;  // "action resource"
  bool is_broken = false;
  ConditionKeys last_context;
  std::vector<std::string> asked;

  Result<AuthenticatedKey> find_key(std::string_view id, std::string_view token) override {
    if (id != "AKIDEXAMPLE" || (!token.empty() && token != "session")) {
      return aws_fault(Errc::kDenied, "InvalidClientTokenId",
                       "The security token included in the request is invalid.");
    }
    Principal principal;
    principal.account = AccountId("123456789012");
    principal.arn = principal.principal_arn = "arn:aws:iam::123456789012:user/dev/ana";
    principal.user_id = "AIDAEXAMPLE";
    principal.name = "ana";
    principal.path = "/dev/";
    principal.tags = {{"team", "blue"}};
    principal.access_key_id = AccessKeyId("AKIDEXAMPLE");
    if (!token.empty()) {
      principal.token_issued_at = *parse_iso8601("2026-01-02T03:00:00Z");
    }
    return AuthenticatedKey{SecretString("secret"), std::move(principal)};
  }

  Status authorize(const AccessRequest& request) override {
    last_context = request.context;
    asked.push_back(std::string(request.action) + " " + std::string(request.resource));
    if (request.decided_by != nullptr) {
      *request.decided_by = {"identity-based policy", "p", 3, "S"};
    }
    if (is_broken) {
      return make_error(Errc::kCorrupt, "the policies cannot be read");
    }
    if (allowed.contains(asked.back())) {
      return ok();
    }
    return aws_fault(Errc::kDenied, "AccessDenied",
                     "User: " + request.principal.arn +
                         " is not authorized to perform: " + std::string(request.action));
  }
};

class FakeAudit final : public AuditSink {
 public:
  void add(LoginRecord) override {}
  void add(ApiRecord record) override { records.push_back(std::move(record)); }
  std::vector<ApiRecord> records;
};

// How a test signs its request.
struct Signing {
  std::string key = "AKIDEXAMPLE";
  std::string secret = "secret";
  std::string token{};
  std::string region = "us-east-1";
  std::string service = "rds";
  std::int64_t late_s = 0;
};

class DispatchTest : public testing::Test {
 protected:
  DispatchTest() {
    actions_.add(make_action<rds::DescribeDBClustersRequest>(
        [](const Call&, const rds::DescribeDBClustersRequest& request) -> std::vector<Permission> {
          return {{.action = "rds:DescribeDBClusters",
                   .resource = "arn:" + request.DBClusterIdentifier.value_or("*"),
                   .context = {{"rds:DatabaseEngine", {"mysql"}}, {"aws:SourceIp", {"6.6.6.6"}}}}};
        },
        [this](const Call& call,
               const rds::DescribeDBClustersRequest&) -> Result<rds::DescribeDBClustersResponse> {
          ++runs_;
          rds::DescribeDBClustersResponse out;
          out.DBClusters.emplace_back().DBClusterIdentifier = call.principal.name;
          return out;
        }));
    actions_.add(make_action<rds::DeleteDBClusterRequest>(
        [](const Call&, const rds::DeleteDBClusterRequest&) { return std::vector<Permission>(); },
        [](const Call&, const rds::DeleteDBClusterRequest&)
            -> Result<rds::DeleteDBClusterResponse> { return rds::DeleteDBClusterResponse(); }));
    actions_.add(make_action<rds::FailoverDBClusterRequest>(
        [](const Call&, const rds::FailoverDBClusterRequest&) {
          return std::vector<Permission>{{.action = "rds:FailoverDBCluster", .resource = "*"}};
        },
        [](const Call&,
           const rds::FailoverDBClusterRequest&) -> Result<rds::FailoverDBClusterResponse> {
          return aws_fault(Errc::kNotFound, "DBClusterNotFoundFault", "DBCluster c9 not found.");
        }));
    actions_.add(make_action<sts::GetCallerIdentityRequest>(
        NoPermission{},
        [](const Call& call,
           const sts::GetCallerIdentityRequest&) -> Result<sts::GetCallerIdentityResponse> {
          return sts::GetCallerIdentityResponse{.UserId = call.principal.user_id,
                                                .Account = call.principal.account.str(),
                                                .Arn = call.principal.arn};
        }));
    actions_.add(make_action<ec2::CreateTagsRequest>(
        [](const Call&, const ec2::CreateTagsRequest&) {
          return std::vector<Permission>{{.action = "ec2:CreateTags", .resource = "*"}};
        },
        [this](const Call&, const ec2::CreateTagsRequest&) -> Result<ec2::CreateTagsResponse> {
          ++runs_;
          return ec2::CreateTagsResponse();
        }));
  }

  net::HttpRequest post(const std::string& body, const Signing& how) const {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Host", "127.0.0.1:4566"},
                       {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                       {"User-Agent", "test/1"}};
    request.body = body;
    request.peer_address = "127.0.0.9";
    sigv4::SignedRequest to_sign;
    to_sign.method = "POST";
    to_sign.headers = request.headers;
    to_sign.payload_sha256 = to_hex(sha256(body));
    auto headers = sigv4::sign_request(to_sign, {how.key, SecretString(how.secret), how.token},
                                       context_of(how));
    EXPECT_TRUE(headers.has_value());
    request.headers.insert(request.headers.end(), headers->begin(), headers->end());
    return request;
  }

  sigv4::SigningContext context_of(const Signing& how) const {
    sigv4::SigningContext out;
    out.region = how.region;
    out.service = how.service;
    out.now = clock_.wall_now() - std::chrono::seconds(how.late_s);
    return out;
  }

  net::HttpResponse call(const std::string& body, const Signing& how = {}) const {
    return handle(post(body, how));
  }
  net::HttpResponse handle(const net::HttpRequest& request) const {
    const Dispatcher dispatcher({.clock = clock_,
                                 .identities = identities_,
                                 .actions = actions_,
                                 .realm = {.account = AccountId("123456789012")},
                                 .audit = &audit_});
    net::HttpResponse response;
    dispatcher.handle(request, [&](net::HttpResponse answer) { response = std::move(answer); });
    EXPECT_EQ(net::find_header(response.headers, "x-amzn-requestid").size(), 36U);
    EXPECT_EQ(net::find_header(response.headers, "content-type"), "text/xml");
    EXPECT_EQ(audit_.records.back().request_id,
              net::find_header(response.headers, "x-amzn-requestid"));
    EXPECT_EQ(audit_.records.back().status, response.status);
    EXPECT_NE(response.body.find(net::find_header(response.headers, "x-amzn-requestid")),
              std::string::npos);
    return response;
  }

  static std::string between(const std::string& text, const std::string& open,
                             const std::string& close) {
    const auto start = text.find(open);
    const auto end = text.find(close);
    return start == std::string::npos || end == std::string::npos
               ? ""
               : text.substr(start + open.size(), end - start - open.size());
  }
  static std::string outcome(const net::HttpResponse& response) {
    return std::to_string(response.status) + " " + between(response.body, "<Code>", "</Code>");
  }
  static std::string message(const net::HttpResponse& response) {
    return between(response.body, "<Message>", "</Message>");
  }

  static constexpr const char* kDescribe =
      "Action=DescribeDBClusters&Version=2014-10-31&DBClusterIdentifier=demo";
  FixedClock clock_;
  mutable FakeIdentities identities_;
  mutable FakeAudit audit_;
  ActionTable actions_;
  int runs_ = 0;
};

TEST_F(DispatchTest, RunsAnAllowedCall) {
  identities_.allowed = {"rds:DescribeDBClusters arn:demo"};
  const auto response = call(kDescribe);
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("<DBClusterIdentifier>ana</DBClusterIdentifier>"),
            std::string::npos);
  EXPECT_EQ(runs_, 1);
}

TEST_F(DispatchTest, EveryCallLeavesARecord) {
  identities_.allowed = {"rds:DescribeDBClusters arn:demo"};
  call(kDescribe);
  ASSERT_EQ(audit_.records.size(), 1U);
  const ApiRecord done = audit_.records.back();
  EXPECT_EQ(done.verdict, "done");
  EXPECT_EQ(done.principal_arn, "arn:aws:iam::123456789012:user/dev/ana");
  EXPECT_EQ(done.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(done.source, "127.0.0.9");
  EXPECT_EQ(done.service, "rds");
  EXPECT_EQ(done.action, "DescribeDBClusters");
  EXPECT_TRUE(done.is_known_action);
  EXPECT_EQ(done.permission, "rds:DescribeDBClusters");
  EXPECT_EQ(done.resource, "arn:demo");
  EXPECT_EQ(done.decided_by.policy, "p");
  EXPECT_EQ(done.decided_by.statement, 3);
  identities_.allowed.clear();
  call(kDescribe);
  EXPECT_EQ(audit_.records.back().verdict, "denied");
  EXPECT_EQ(audit_.records.back().code, "AccessDenied");
  call(kDescribe, {.secret = "wrong"});
  EXPECT_EQ(audit_.records.back().verdict, "refused");
  EXPECT_EQ(audit_.records.back().principal_arn, "");
  EXPECT_EQ(audit_.records.back().access_key_id, "AKIDEXAMPLE");
  call("Action=MadeUp&Version=2014-10-31");
  EXPECT_EQ(audit_.records.back().verdict, "rejected");
  EXPECT_FALSE(audit_.records.back().is_known_action);
}

TEST_F(DispatchTest, RunsAPresignedGet) {
  identities_.allowed = {"rds:DescribeDBClusters arn:demo"};
  sigv4::SignedRequest to_sign;
  to_sign.query = kDescribe;
  to_sign.headers = {{"Host", "127.0.0.1:4566"}};
  auto query = sigv4::presign(to_sign, {"AKIDEXAMPLE", SecretString("secret"), ""}, context_of({}));
  ASSERT_TRUE(query);
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/?" + *query;
  request.headers = to_sign.headers;
  EXPECT_EQ(handle(request).status, 200);
  request.target.replace(request.target.find("demo"), 4, "dema");
  EXPECT_EQ(outcome(handle(request)), "403 SignatureDoesNotMatch");
  request.body = "x";
  EXPECT_EQ(outcome(handle(request)), "400 InvalidQueryParameter");
}

TEST_F(DispatchTest, RefusesWithoutPermission) {
  const auto response = call(kDescribe);
  EXPECT_EQ(outcome(response), "403 AccessDenied");
  EXPECT_EQ(message(response),
            "User: arn:aws:iam::123456789012:user/dev/ana is not authorized to perform: "
            "rds:DescribeDBClusters");
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(outcome(call("Action=CreateTags&Version=2016-11-15&ResourceId.1=a&Tag.1.Key=a",
                         {.service = "ec2"})),
            "403 UnauthorizedOperation");
}

TEST_F(DispatchTest, RefusesWhenItCannotDecide) {
  identities_.is_broken = true;
  const auto response = call(kDescribe);
  EXPECT_EQ(outcome(response), "500 InternalFailure");
  EXPECT_EQ(response.body.find("policies"), std::string::npos);
  // An action that asks for nothing is a fault of ours, not an open door.
  identities_.is_broken = false;
  EXPECT_EQ(outcome(call("Action=DeleteDBCluster&Version=2014-10-31&DBClusterIdentifier=a")),
            "500 InternalFailure");
  EXPECT_EQ(runs_, 0);
}

TEST_F(DispatchTest, GetCallerIdentityNeedsNoPermissionAndAnyRegion) {
  const auto response = call("Action=GetCallerIdentity&Version=2011-06-15",
                             {.region = "eu-west-1", .service = "sts"});
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("<Arn>arn:aws:iam::123456789012:user/dev/ana</Arn>"),
            std::string::npos);
  EXPECT_TRUE(identities_.asked.empty());
}

TEST_F(DispatchTest, GivesPoliciesTheKeysOfTheCall) {
  identities_.allowed = {"rds:DescribeDBClusters arn:demo"};
  EXPECT_EQ(call(kDescribe, {.token = "session"}).status, 200);
  const ConditionKeys expected = {
      {"aws:MultiFactorAuthPresent", {"false"}},
      {"aws:PrincipalIsAWSService", {"false"}},
      {"aws:RequestedRegion", {"us-east-1"}},
      {"aws:ResourceAccount", {"123456789012"}},
      {"aws:SecureTransport", {"false"}},
      {"aws:SourceIp", {"127.0.0.9"}},  // the action could not replace it
      {"aws:UserAgent", {"test/1"}},
      {"aws:ViaAWSService", {"false"}},
      {"rds:DatabaseEngine", {"mysql"}},
  };
  EXPECT_EQ(identities_.last_context, expected);
}

TEST_F(DispatchTest, NoCallIsAnonymous) {
  net::HttpRequest request = post(kDescribe, {});
  std::erase_if(request.headers,
                [](const auto& header) { return header.first == "Authorization"; });
  EXPECT_EQ(outcome(handle(request)), "403 MissingAuthenticationToken");
  request.body = "Action=CreateTags&Version=2016-11-15";
  EXPECT_EQ(outcome(handle(request)), "401 AuthFailure");
  request.body = "Action=Nonsense";
  EXPECT_EQ(outcome(handle(request)), "403 MissingAuthenticationToken");
  EXPECT_TRUE(identities_.asked.empty());
}

TEST_F(DispatchTest, RefusesBadSignatures) {
  EXPECT_EQ(outcome(call(kDescribe, {.secret = "wrong"})), "403 SignatureDoesNotMatch");
  EXPECT_EQ(outcome(call(kDescribe, {.key = "AKIDOTHER"})), "403 InvalidClientTokenId");
  EXPECT_EQ(outcome(call(kDescribe, {.token = "forged"})), "403 InvalidClientTokenId");
  EXPECT_EQ(outcome(call(kDescribe, {.late_s = 901})), "403 SignatureDoesNotMatch");
  EXPECT_TRUE(message(call(kDescribe, {.late_s = 901})).starts_with("Signature expired: "));
  EXPECT_EQ(outcome(call(kDescribe, {.late_s = -901})), "403 SignatureDoesNotMatch");
  EXPECT_EQ(message(call(kDescribe, {.region = "eu-west-1"})),
            "Credential should be scoped to a valid region, not 'eu-west-1'. The region here is "
            "'us-east-1'.");
  net::HttpRequest request = post(kDescribe, {});
  request.body += "&MaxRecords=20";
  EXPECT_EQ(outcome(handle(request)), "403 SignatureDoesNotMatch");
  request = post(kDescribe, {});
  for (auto& [name, value] : request.headers) {
    if (name == "Authorization") {
      value = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE";
    }
  }
  EXPECT_EQ(outcome(handle(request)), "400 IncompleteSignature");
  const std::string tags = "Action=CreateTags&Version=2016-11-15&ResourceId.1=a&Tag.1.Key=a";
  EXPECT_EQ(outcome(call(tags, {.secret = "wrong", .service = "ec2"})), "401 AuthFailure");
  EXPECT_EQ(outcome(call(tags, {.service = "ec2", .late_s = 901})), "400 RequestExpired");
  EXPECT_EQ(runs_, 0);
}

TEST_F(DispatchTest, TellsUnknownActionsFromUnbuiltOnes) {
  const auto unbuilt = call("Action=CreateBlueGreenDeployment&Version=2014-10-31");
  EXPECT_EQ(outcome(unbuilt), "501 NotImplemented");
  EXPECT_NE(message(unbuilt).find("CreateBlueGreenDeployment"), std::string::npos);
  const auto unknown = call("Action=Frobnicate&Version=2014-10-31");
  EXPECT_EQ(outcome(unknown), "400 InvalidAction");
  EXPECT_EQ(message(unknown), "Could not find operation Frobnicate for version 2014-10-31");
  EXPECT_EQ(message(call("Action=DescribeDBClusters")),
            "Could not find operation DescribeDBClusters for version NO_VERSION_SPECIFIED");
  EXPECT_EQ(outcome(call("Action=DescribeDBClusters&Version=2013-01-01")), "400 InvalidAction");
  EXPECT_EQ(outcome(call("Version=2014-10-31")), "400 MissingAction");
  // The signature says which service is meant, not the Version.
  EXPECT_EQ(outcome(call("Action=GetCallerIdentity&Version=2011-06-15")), "400 InvalidAction");
  EXPECT_EQ(outcome(call("Action=ListQueues", {.service = "sqs"})), "501 NotImplemented");
  net::HttpRequest other = post("", {.service = "s3"});
  other.target = "/2015-03-31/functions/";
  EXPECT_EQ(outcome(handle(other)), "501 NotImplemented");
}

TEST_F(DispatchTest, PassesOnTheHandlersFault) {
  identities_.allowed = {"rds:FailoverDBCluster *"};
  const auto response = call("Action=FailoverDBCluster&Version=2014-10-31&DBClusterIdentifier=c9");
  EXPECT_EQ(outcome(response), "404 DBClusterNotFoundFault");
  EXPECT_EQ(message(response), "DBCluster c9 not found.");
}

TEST_F(DispatchTest, DryRunStopsBehindThePermission) {
  const std::string body =
      "Action=CreateTags&Version=2016-11-15&ResourceId.1=a&Tag.1.Key=a&DryRun=true";
  EXPECT_EQ(outcome(call(body, {.service = "ec2"})), "403 UnauthorizedOperation");
  identities_.allowed = {"ec2:CreateTags *"};
  EXPECT_EQ(outcome(call(body, {.service = "ec2"})), "412 DryRunOperation");
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(
      call("Action=CreateTags&Version=2016-11-15&ResourceId.1=a&Tag.1.Key=a", {.service = "ec2"})
          .status,
      200);
  EXPECT_EQ(runs_, 1);
}

TEST_F(DispatchTest, RefusesWhatIsNoCall) {
  net::HttpRequest request = post(kDescribe, {});
  request.method = "PUT";
  EXPECT_EQ(outcome(handle(request)), "405 MethodNotAllowed");
  request = post(kDescribe, {});
  request.target = "/console";
  EXPECT_EQ(outcome(handle(request)), "404 UnknownOperationException");
  request = post(kDescribe, {});
  request.body = std::string((1U << 20) + 1, 'a');
  EXPECT_EQ(outcome(handle(request)), "413 RequestEntityTooLarge");
  request = post("A=%zz", {});
  EXPECT_EQ(outcome(handle(request)), "404 MalformedQueryString");
  request = post(kDescribe, {});
  request.headers[1].second = "application/json";
  EXPECT_EQ(outcome(handle(request)), "415 UnsupportedMediaType");
  EXPECT_EQ(outcome(handle(net::HttpRequest())), "405 MethodNotAllowed");
}

}  // namespace
}  // namespace trivet::api
