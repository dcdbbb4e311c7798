// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/verify.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "core/sigv4/sign.h"

namespace trivet::sigv4 {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WallTime kNow = *parse_amz_date("20240506T070809Z");

Credentials credentials(std::string session_token = "") {
  return {"AKIAIOSFODNN7EXAMPLE", SecretString(std::string(kSecret)), std::move(session_token)};
}

SignedRequest unsigned_post(std::string_view body = "Action=GetCallerIdentity&Version=2011-06-15") {
  return {.method = "POST",
          .path = "/",
          .headers = {{"Host", "127.0.0.1:4566"}, {"Content-Type", "application/x"}},
          .payload_sha256 = to_hex(sha256(body))};
}

SignedRequest sign(SignedRequest request, const std::string& region = "us-east-1",
                   const std::string& session_token = "") {
  const auto added = sign_request(request, credentials(session_token), {region, "sts", kNow});
  EXPECT_TRUE(added.has_value());
  request.headers.insert(request.headers.end(), added->begin(), added->end());
  return request;
}

SignedRequest presigned_get(std::int64_t expires_s = 60) {
  SignedRequest request = {.method = "GET",
                           .path = "/",
                           .query = "Action=GetCallerIdentity&Version=2011-06-15",
                           .headers = {{"Host", "127.0.0.1:4566"}}};
  request.query = *presign(request, credentials(), {"us-east-1", "sts", kNow, expires_s});
  return request;
}

VerifyOptions options(std::chrono::seconds later = {}) {
  return {.now = kNow + later, .region = "us-east-1", .service = "sts"};
}

std::string& header(SignedRequest& request, std::string_view name) {
  for (auto& [key, value] : request.headers) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  ADD_FAILURE() << "no header " << name;
  return request.headers.front().second;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

Verdict check(const SignedRequest& request, const VerifyOptions& how = options(),
              std::string_view secret = kSecret) {
  const ParseResult result = parse_auth(request);
  if (const auto* verdict = std::get_if<Verdict>(&result)) {
    EXPECT_FALSE(verdict->ok());
    return *verdict;
  }
  return verify(std::get<ParsedAuth>(result), request, secret, how);
}

TEST(VerifyHeader, AcceptsWhatBotocoreSigned) {
  SignedRequest request = unsigned_post();
  header(request, "content-type") = "application/x-www-form-urlencoded; charset=utf-8";
  request.headers.emplace_back("x-amz-date", "20240506T070809Z");
  request.headers.emplace_back("User-Agent", "anything");
  request.headers.emplace_back(
      "authorization",
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240506/us-east-1/sts/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=e8462655d6d997d6ae7a0e809e425cc7be6afb3d349891c88ee290938dc6dcfa");
  const ParseResult result = parse_auth(request);
  const auto* auth = std::get_if<ParsedAuth>(&result);
  ASSERT_NE(auth, nullptr);
  EXPECT_EQ(auth->access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(auth->scope, (Scope{"20240506", "us-east-1", "sts"}));
  EXPECT_EQ(auth->amz_date, "20240506T070809Z");
  EXPECT_EQ(auth->signed_at, kNow);
  EXPECT_EQ(auth->session_token, std::nullopt);
  EXPECT_FALSE(auth->is_presigned);
  EXPECT_TRUE(verify(*auth, request, kSecret, options()).ok());
}

TEST(VerifyHeader, NoticesEveryChange) {
  const SignedRequest good = sign(unsigned_post());
  ASSERT_TRUE(check(good).ok());
  EXPECT_EQ(check(good, options(), "other").reason, Reason::kSignatureMismatch);
  EXPECT_EQ(aws_code(check(good, options(), "other").reason), "SignatureDoesNotMatch");

  SignedRequest bad = good;
  bad.method = "PUT";
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
  bad = good;
  bad.path = "/other";
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
  bad = good;
  bad.query = "x=1";
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
  bad = good;
  bad.payload_sha256 = to_hex(sha256("Action=DeleteUser"));
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
  bad = good;
  header(bad, "host") = "127.0.0.1:4567";
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
  bad = good;
  header(bad, "x-amz-date") = "20240506T070810Z";
  EXPECT_EQ(check(bad).reason, Reason::kSignatureMismatch);
}

TEST(VerifyHeader, UnsignedHeadersMayChangeButNotAmazonsOwn) {
  SignedRequest request = sign(unsigned_post());
  request.headers.emplace_back("X-Amzn-Trace-Id", "Root=1");
  request.headers.emplace_back("Accept-Encoding", "identity");
  EXPECT_TRUE(check(request).ok());
  request.headers.emplace_back("X-Amz-Target", "Evil");
  EXPECT_EQ(check(request).reason, Reason::kHeaderNotSigned);
}

TEST(VerifyHeader, HostMustBeSigned) {
  SignedRequest request = sign(unsigned_post());
  replace(header(request, "authorization"), ";host;", ";");
  const Verdict verdict = check(request);
  EXPECT_EQ(verdict.reason, Reason::kHostNotSigned);
  EXPECT_EQ(verdict.message,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST(VerifyHeader, ClockMayBeOffByFifteenMinutes) {
  using std::chrono::seconds;
  const SignedRequest request = sign(unsigned_post());
  EXPECT_TRUE(check(request, options(seconds(900))).ok());
  EXPECT_TRUE(check(request, options(seconds(-900))).ok());
  const Verdict late = check(request, options(seconds(901)));
  EXPECT_EQ(late.reason, Reason::kExpired);
  EXPECT_EQ(late.message,
            "Signature expired: 20240506T070809Z is now earlier than 20240506T070810Z "
            "(20240506T072310Z - 15 min.)");
  EXPECT_EQ(aws_code(late.reason), "SignatureDoesNotMatch");
  const Verdict early = check(request, options(seconds(-901)));
  EXPECT_EQ(early.reason, Reason::kNotYetCurrent);
  EXPECT_EQ(early.message,
            "Signature not yet current: 20240506T070809Z is still later than 20240506T070808Z "
            "(20240506T065308Z + 15 min.)");
  VerifyOptions strict = options(seconds(301));
  strict.skew_max = std::chrono::minutes(5);
  EXPECT_EQ(check(request, strict).reason, Reason::kExpired);
}

TEST(VerifyHeader, ScopeIsChecked) {
  SignedRequest request = sign(unsigned_post());
  VerifyOptions how = options();
  how.region = "eu-west-1";
  EXPECT_EQ(check(request, how).message,
            "Credential should be scoped to a valid region, not 'us-east-1'.");
  how = options();
  how.service = "rds";
  EXPECT_EQ(check(request, how).message, "Credential should be scoped to correct service: 'rds'.");
  // Neither expected: any scope will do.
  how = {.now = kNow};
  EXPECT_TRUE(check(sign(unsigned_post(), "local"), how).ok());

  SignedRequest other_day = request;
  replace(header(other_day, "authorization"), "/20240506/", "/20240505/");
  EXPECT_EQ(check(other_day).reason, Reason::kScopeDate);
  EXPECT_EQ(check(other_day).message,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '20240505' != '20240506', from '20240506T070809Z'.");
  replace(header(request, "authorization"), "aws4_request", "aws5_request");
  EXPECT_EQ(check(request).message,
            "Credential should be scoped with a valid terminator: 'aws4_request', not "
            "'aws5_request'.");
}

TEST(VerifyHeader, SessionTokenIsReadAndSigned) {
  SignedRequest request = sign(unsigned_post(), "us-east-1", "TOKEN");
  const ParseResult result = parse_auth(request);
  EXPECT_EQ(std::get<ParsedAuth>(result).session_token, "TOKEN");
  EXPECT_TRUE(check(request).ok());
  header(request, "x-amz-security-token") = "OTHER";
  EXPECT_EQ(check(request).reason, Reason::kSignatureMismatch);
}

TEST(VerifyHeader, DateHeaderWillDo) {
  SignedRequest request = unsigned_post();
  request.headers.emplace_back("Date", "Mon, 06 May 2024 07:08:09 GMT");
  const std::vector<std::string> names = {"date", "host"};
  const Scope scope{"20240506", "us-east-1", "sts"};
  const auto canonical = canonical_request(request, {names, request.payload_sha256});
  request.headers.emplace_back(
      "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/" + scope.str() +
                           ",SignedHeaders=date;host,Signature=" +
                           signature(signing_key(kSecret, scope),
                                     string_to_sign("20240506T070809Z", scope, *canonical)));
  EXPECT_TRUE(check(request).ok());
  header(request, "date") = "yesterday";
  EXPECT_EQ(check(request).reason, Reason::kIncomplete);
}

TEST(VerifyHeader, DeclaredPayloadHashMustBeTrue) {
  SignedRequest request = unsigned_post();
  request.headers.emplace_back("X-Amz-Content-Sha256", request.payload_sha256);
  SignedRequest good = sign(request);
  EXPECT_TRUE(check(good).ok());
  good.payload_sha256 = to_hex(sha256("other body"));
  EXPECT_EQ(check(good).reason, Reason::kPayloadMismatch);
  EXPECT_EQ(http_status(Reason::kPayloadMismatch), 400);

  header(request, "x-amz-content-sha256") = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  EXPECT_EQ(check(sign(request)).reason, Reason::kPayloadMismatch);

  header(request, "x-amz-content-sha256") = std::string(kUnsignedPayload);
  const SignedRequest open = sign(request);
  EXPECT_EQ(check(open).reason, Reason::kPayloadNotSigned);
  VerifyOptions tls = options();
  tls.is_tls = true;
  EXPECT_TRUE(check(open, tls).ok());
}

TEST(ParseAuth, SaysWhatIsMissing) {
  const SignedRequest bare = unsigned_post();
  Verdict verdict = check(bare);
  EXPECT_EQ(verdict.reason, Reason::kMissingAuthentication);
  EXPECT_EQ(verdict.message, "Request is missing Authentication Token");
  EXPECT_EQ(verdict.error().fault, "MissingAuthenticationToken");
  EXPECT_EQ(verdict.error().code, Errc::kDenied);

  SignedRequest request = bare;
  request.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e");
  verdict = check(request);
  EXPECT_EQ(verdict.error().fault, "IncompleteSignature");
  EXPECT_EQ(verdict.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(verdict.message,
            "Authorization header requires 'Signature' parameter. Authorization header requires "
            "'SignedHeaders' parameter. Authorization header requires existence of either a "
            "'X-Amz-Date' or a 'Date' header.");
}

TEST(ParseAuth, RefusesMalformedHeaders) {
  const SignedRequest good = sign(unsigned_post());
  const auto refused = [&good](std::string_view from, std::string_view to) {
    SignedRequest bad = good;
    replace(header(bad, "authorization"), from, to);
    return check(bad).reason == Reason::kIncomplete;
  };
  EXPECT_TRUE(refused("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "));
  EXPECT_TRUE(refused("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256X "));
  EXPECT_TRUE(refused("AWS4-HMAC-SHA256 ", "Bearer "));
  EXPECT_TRUE(refused("/sts/", "/"));
  EXPECT_TRUE(refused("/sts/", "/sts/x/"));
  EXPECT_TRUE(refused("Credential=AKIAIOSFODNN7EXAMPLE", "Credential="));
  EXPECT_TRUE(refused("content-type;", "Content-Type;"));
  EXPECT_TRUE(refused("content-type;", "content-type;;"));
  EXPECT_TRUE(refused("Credential=", "Signature=00, Credential="));
  EXPECT_TRUE(refused("Credential=", "Extra=1, Credential="));
  SignedRequest twice = good;
  twice.headers.emplace_back("authorization", header(twice, "authorization"));
  EXPECT_EQ(check(twice).reason, Reason::kIncomplete);
  SignedRequest both = presigned_get();
  both.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 x");
  EXPECT_EQ(check(both).reason, Reason::kIncomplete);
}

TEST(VerifyPresigned, AcceptsUntilItsEnd) {
  using std::chrono::seconds;
  const SignedRequest request = presigned_get(60);
  EXPECT_TRUE(check(request).ok());
  EXPECT_TRUE(check(request, options(seconds(60))).ok());
  const Verdict late = check(request, options(seconds(61)));
  EXPECT_EQ(late.reason, Reason::kExpired);
  EXPECT_EQ(late.message,
            "Signature expired: 20240506T070909Z is now earlier than 20240506T070910Z.");
  EXPECT_EQ(check(request, options(seconds(-901))).reason, Reason::kNotYetCurrent);
  // Long-lived presigned requests outlive the clock skew.
  EXPECT_TRUE(check(presigned_get(7 * 24 * 3600), options(seconds(7 * 24 * 3600))).ok());
  EXPECT_EQ(check(presigned_get(7 * 24 * 3600 + 1)).reason, Reason::kExpiresTooLong);
}

TEST(VerifyPresigned, NoticesChanges) {
  SignedRequest request = presigned_get();
  replace(request.query, "GetCallerIdentity", "GetSessionToken");
  EXPECT_EQ(check(request).reason, Reason::kSignatureMismatch);
  request = presigned_get();
  request.query += "&Extra=1";
  EXPECT_EQ(check(request).reason, Reason::kSignatureMismatch);
  // A body cannot be smuggled in beside a signature over none.
  request = presigned_get();
  request.payload_sha256 = to_hex(sha256("Action=DeleteUser"));
  EXPECT_EQ(check(request).reason, Reason::kSignatureMismatch);
}

TEST(VerifyPresigned, UnsignedPayloadMeansNoBody) {
  SignedRequest request = {.method = "GET", .path = "/", .headers = {{"Host", "h"}}};
  const Scope scope{"20240506", "us-east-1", "sts"};
  request.query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA/20240506/us-east-1/sts/"
      "aws4_request&X-Amz-Date=20240506T070809Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host";
  const std::vector<std::string> names = {"host"};
  const auto canonical = canonical_request(request, {names, kUnsignedPayload});
  request.query +=
      "&X-Amz-Signature=" +
      signature(signing_key(kSecret, scope), string_to_sign("20240506T070809Z", scope, *canonical));
  EXPECT_TRUE(check(request).ok());
  request.payload_sha256 = to_hex(sha256("Action=DeleteUser"));
  EXPECT_EQ(check(request).reason, Reason::kSignatureMismatch);
}

TEST(ParseAuth, RefusesMalformedQueries) {
  const auto refused = [](std::string_view from, std::string_view to) {
    SignedRequest bad = presigned_get();
    replace(bad.query, from, to);
    return check(bad).reason == Reason::kIncomplete;
  };
  EXPECT_TRUE(refused("X-Amz-Expires=60", "X-Amz-Expires=0"));
  EXPECT_TRUE(refused("X-Amz-Expires=60", "X-Amz-Expires=-1"));
  EXPECT_TRUE(refused("X-Amz-Expires=60", "X-Amz-Expires=9999999999"));
  EXPECT_TRUE(refused("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"));
  EXPECT_TRUE(refused("&X-Amz-Expires=60", ""));
  EXPECT_TRUE(refused("X-Amz-Date=2024", "X-Amz-Date=24"));
  EXPECT_TRUE(refused("=AWS4-HMAC-SHA256", "=none"));
  EXPECT_TRUE(refused("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""));
  EXPECT_TRUE(refused("Action=", "Action=%4"));
}

}  // namespace
}  // namespace trivet::sigv4
