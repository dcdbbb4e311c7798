// SPDX-License-Identifier: Apache-2.0
//
// Calls of the JSON services from request to response.
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "api/dispatch.h"
#include "api/shapes/lambda.h"
#include "api/shapes/logs.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "base/worker.h"
#include "core/sigv4/sign.h"

namespace trivet::api {
namespace {

using nlohmann::json;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override { return *parse_iso8601("2026-01-02T03:04:05Z"); }
};

class FakeIdentities final : public Identities {
 public:
  std::set<std::string> allowed;  // "action resource"

  Result<AuthenticatedKey> find_key(std::string_view id, std::string_view) override {
    if (id != "AKIDEXAMPLE") {
      return aws_fault(Errc::kDenied, "InvalidClientTokenId",
                       "The security token included in the request is invalid.");
    }
    Principal principal;
    principal.account = AccountId("123456789012");
    principal.arn = principal.principal_arn = "arn:aws:iam::123456789012:user/ana";
    principal.access_key_id = AccessKeyId("AKIDEXAMPLE");
    return AuthenticatedKey{SecretString("secret"), std::move(principal)};
  }
  Status authorize(const AccessRequest& request) override {
    if (allowed.contains(std::string(request.action) + " " + std::string(request.resource))) {
      return ok();
    }
    return aws_fault(Errc::kDenied, "AccessDenied", "not authorized");
  }
};

class FakeAudit final : public AuditSink {
 public:
  void add(LoginRecord) override {}
  void add(ApiRecord record) override { records.push_back(std::move(record)); }
  std::vector<ApiRecord> records;
};

class JsonDispatchTest : public testing::Test {
 protected:
  JsonDispatchTest() {
    identities_.allowed = {"lambda:InvokeFunction f", "lambda:GetFunction f", "logs:GetLogEvents *",
                           "lambda:ListTags arn:aws:lambda:us-east-1:123456789012:function:f"};
    actions_.add(make_deferred_action<lambda::InvokeRequest>(
        [](const Call&, const lambda::InvokeRequest& request) {
          return std::vector<Permission>{
              {.action = "lambda:InvokeFunction", .resource = request.FunctionName}};
        },
        [this](const Call&, lambda::InvokeRequest request, Reply<lambda::InvokeRequest> reply) {
          waiting_ = [request = std::move(request), reply = std::move(reply)] {
            lambda::InvokeResponse response;
            response.Payload = "<" + request.Payload.value_or("none") + ">";
            response.FunctionError = request.InvocationType;
            response.ExecutedVersion = request.Qualifier;
            reply(std::move(response));
          };
        }));
    actions_.add(make_action<lambda::GetFunctionRequest>(
        [](const Call&, const lambda::GetFunctionRequest& request) {
          return std::vector<Permission>{
              {.action = "lambda:GetFunction", .resource = request.FunctionName}};
        },
        [](const Call&, const lambda::GetFunctionRequest&) -> Result<lambda::GetFunctionResponse> {
          return aws_fault(Errc::kNotFound, "ResourceNotFoundException", "Function not found: f");
        }));
    actions_.add(make_action<lambda::ListTagsRequest>(
        [](const Call&, const lambda::ListTagsRequest& request) {
          return std::vector<Permission>{
              {.action = "lambda:ListTags", .resource = request.Resource}};
        },
        [](const Call&, const lambda::ListTagsRequest&) -> Result<lambda::ListTagsResponse> {
          return lambda::ListTagsResponse();
        }));
    actions_.add(make_action<logs::GetLogEventsRequest>(
        [](const Call&, const logs::GetLogEventsRequest&) {
          return std::vector<Permission>{{.action = "logs:GetLogEvents", .resource = "*"}};
        },
        [](const Call&,
           const logs::GetLogEventsRequest& request) -> Result<logs::GetLogEventsResponse> {
          logs::GetLogEventsResponse response;
          auto& event = response.events.emplace_back();
          event.message = request.logStreamName + " \"\n" + "\xff";
          event.timestamp = 1767323045678;
          return response;
        }));
  }

  net::HttpRequest request(std::string method, std::string target, std::string body,
                           const std::string& service, net::Headers headers = {}) const {
    net::HttpRequest out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.headers = std::move(headers);
    out.headers.emplace_back("Host", "127.0.0.1:4566");
    out.body = std::move(body);
    sigv4::SignedRequest to_sign;
    const auto mark = out.target.find('?');
    to_sign.method = out.method;
    to_sign.path = out.target.substr(0, mark);
    to_sign.query = mark == std::string::npos ? "" : out.target.substr(mark + 1);
    to_sign.headers = out.headers;
    to_sign.payload_sha256 = to_hex(sha256(out.body));
    sigv4::SigningContext context;
    context.region = "us-east-1";
    context.service = service;
    context.now = clock_.wall_now();
    const auto signature =
        sigv4::sign_request(to_sign, {"AKIDEXAMPLE", SecretString("secret"), ""}, context);
    EXPECT_TRUE(signature.has_value());
    out.headers.insert(out.headers.end(), signature->begin(), signature->end());
    return out;
  }
  net::HttpRequest logs(const std::string& action, std::string body) const {
    return request("POST", "/", std::move(body), "logs",
                   {{"X-Amz-Target", "Logs_20140328." + action},
                    {"Content-Type", "application/x-amz-json-1.1"}});
  }
  std::optional<net::HttpResponse> handle(net::HttpRequest what) {
    answer_.reset();
    dispatcher_.handle(std::move(what),
                       [this](net::HttpResponse response) { answer_ = std::move(response); });
    return answer_;
  }
  static std::string error_of(const std::optional<net::HttpResponse>& response) {
    return response ? std::to_string(response->status) + " " +
                          std::string(net::find_header(response->headers, "x-amzn-errortype"))
                    : "none";
  }

  FixedClock clock_;
  FakeIdentities identities_;
  FakeAudit audit_;
  ActionTable actions_;
  const Dispatcher dispatcher_{{.clock = clock_,
                                .identities = identities_,
                                .actions = actions_,
                                .realm = {.account = AccountId("123456789012")},
                                .audit = &audit_}};
  std::function<void()> waiting_;
  std::optional<net::HttpResponse> answer_;
};

constexpr const char* kInvoke = "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST";

TEST_F(JsonDispatchTest, AnActionMayAnswerLaterAndFromAnotherThread) {
  const auto at_once = handle(
      request("POST", kInvoke, "{\"a\": 1}", "lambda", {{"X-Amz-Invocation-Type", "Event"}}));
  EXPECT_FALSE(at_once.has_value());
  EXPECT_TRUE(audit_.records.empty());
  Worker other("other");
  std::promise<void> answered;
  other.post([&] {
    std::exchange(waiting_, nullptr)();
    answered.set_value();
  });
  ASSERT_EQ(answered.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  ASSERT_TRUE(answer_.has_value());
  EXPECT_EQ(answer_->status, 200);
  EXPECT_EQ(answer_->body, "<{\"a\": 1}>");
  EXPECT_EQ(net::find_header(answer_->headers, "X-Amz-Function-Error"), "Event");
  EXPECT_EQ(net::find_header(answer_->headers, "X-Amz-Executed-Version"), "$LATEST");
  EXPECT_EQ(net::find_header(answer_->headers, "x-amzn-requestid").size(), 36U);
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].action, "Invoke");
  EXPECT_EQ(audit_.records[0].service, "lambda");
  EXPECT_EQ(audit_.records[0].permission, "lambda:InvokeFunction");
  EXPECT_EQ(audit_.records[0].verdict, "done");
}

TEST_F(JsonDispatchTest, ErrorsHaveTheServicesForm) {
  const auto missing = handle(request("GET", "/2015-03-31/functions/f", "", "lambda"));
  EXPECT_EQ(error_of(missing), "404 ResourceNotFoundException");
  EXPECT_EQ(json::parse(missing->body),
            json({{"Type", "User"}, {"Message", "Function not found: f"}}));
  EXPECT_EQ(net::find_header(missing->headers, "content-type"), "application/json");
  const auto denied = handle(request("GET", "/2015-03-31/functions/g", "", "lambda"));
  EXPECT_EQ(error_of(denied), "403 AccessDeniedException");
  EXPECT_EQ(audit_.records.back().verdict, "denied");
  const auto log = handle(logs("GetLogEvents", "{}"));
  EXPECT_EQ(log->status, 400);
  EXPECT_EQ(json::parse(log->body)["__type"], "InvalidParameterException");
  EXPECT_EQ(json::parse(log->body)["message"],
            "1 validation error detected: Value null at 'logStreamName' failed to satisfy "
            "constraint: Member must not be null");
}

TEST_F(JsonDispatchTest, ServicesThatAreNotBuiltAreRefusedInTheirForm) {
  net::HttpRequest call = request("POST", "/", "{}", "secretsmanager");
  call.headers.emplace_back("Content-Type", "application/x-amz-json-1.1");
  call.headers.emplace_back("X-Amz-Target", "secretsmanager.ListSecrets");
  const auto refused = handle(call);
  EXPECT_EQ(refused->status, 501);
  EXPECT_EQ(json::parse(refused->body)["__type"], "NotImplemented");
  EXPECT_TRUE(json::parse(refused->body)["message"].get<std::string>().starts_with(
      "The service 'secretsmanager' is not built. Built are: "))
      << refused->body;
}

TEST_F(JsonDispatchTest, CallsNeedASignatureThatFits) {
  net::HttpRequest altered = request("POST", kInvoke, "{}", "lambda");
  altered.body = "[]";
  EXPECT_EQ(error_of(handle(altered)), "403 InvalidSignatureException");
  net::HttpRequest moved = request("POST", kInvoke, "{}", "lambda");
  moved.target = "/2015-03-31/functions/g/invocations?Qualifier=%24LATEST";
  EXPECT_EQ(error_of(handle(moved)), "403 InvalidSignatureException");
  net::HttpRequest unsigned_one;
  unsigned_one.method = "GET";
  unsigned_one.target = "/2015-03-31/functions/f";
  EXPECT_EQ(error_of(handle(unsigned_one)), "403 MissingAuthenticationTokenException");
  EXPECT_FALSE(waiting_);
}

TEST_F(JsonDispatchTest, RoutesByMethodPathAndParameter) {
  EXPECT_EQ(error_of(handle(request("GET", "/2015-03-31/nothing", "", "lambda"))),
            "404 UnknownOperationException");
  EXPECT_EQ(error_of(handle(request("PATCH", "/2015-03-31/functions/f", "", "lambda"))),
            "404 UnknownOperationException");
  const auto not_built =
      handle(request("GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", "", "lambda"));
  EXPECT_EQ(not_built->status, 501);
  EXPECT_NE(not_built->body.find("GetLayerVersionByArn"), std::string::npos);
  const auto list = handle(request("GET", "/2018-10-31/layers", "", "lambda"));
  EXPECT_NE(list->body.find("ListLayers"), std::string::npos);
  const auto unknown = handle(logs("NoSuchThing", "{}"));
  EXPECT_EQ(json::parse(unknown->body)["__type"], "UnknownOperationException");
}

TEST_F(JsonDispatchTest, LabelsAreDecodedAndEmptyMapsOfAListingAreShown) {
  const auto tags = handle(request(
      "GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af", "",
      "lambda"));
  EXPECT_EQ(tags->status, 200) << tags->body;
  EXPECT_EQ(tags->body, "{\"Tags\":{}}");
  EXPECT_EQ(error_of(handle(request("GET", "/2017-03-31/tags/%ff", "", "lambda"))),
            "400 SerializationException");
}

TEST_F(JsonDispatchTest, TextThatIsNoUtf8IsReplacedInAnswers) {
  const auto events = handle(logs("GetLogEvents", R"({"logStreamName": "s"})"));
  ASSERT_EQ(events->status, 200) << events->body;
  EXPECT_EQ(net::find_header(events->headers, "content-type"), "application/x-amz-json-1.1");
  const json body = json::parse(events->body);
  EXPECT_EQ(body["events"][0]["message"], "s \"\n\xEF\xBF\xBD");
  EXPECT_EQ(body["events"][0]["timestamp"], 1767323045678);
}

TEST_F(JsonDispatchTest, LongBodiesAreForCodeAndEventsOnly) {
  EXPECT_EQ(body_bytes_max("/"), std::size_t{1} << 20);
  EXPECT_EQ(body_bytes_max("/2015-03-31/functions/f/policy"), std::size_t{1} << 20);
  EXPECT_EQ(body_bytes_max("/2015-03-31/functions/"), std::size_t{1} << 20);
  EXPECT_GT(body_bytes_max("/2015-03-31/functions"), 70'000'000U);
  EXPECT_GT(body_bytes_max("/2015-03-31/functions/f/code?x"), 70'000'000U);
  EXPECT_GT(body_bytes_max("/2018-10-31/layers/l/versions"), 70'000'000U);
  EXPECT_GT(body_bytes_max(kInvoke), 6U << 20);
  EXPECT_EQ(error_of(handle(request("GET", "/2015-03-31/functions/f",
                                    std::string((1U << 20) + 1, ' '), "lambda"))),
            "413 RequestEntityTooLargeException");
}

}  // namespace
}  // namespace trivet::api
