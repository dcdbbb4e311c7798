// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/canonical.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "core/sigv4/signing.h"

namespace trivet::sigv4 {
namespace {

// The example that runs through AWS's description of Signature Version 4.
SignedRequest list_users() {
  return {.method = "GET",
          .path = "/",
          .query = "Action=ListUsers&Version=2010-05-08",
          .headers = {{"Host", "iam.amazonaws.com"},
                      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                      {"X-Amz-Date", "20150830T123600Z"}}};
}
const std::vector<std::string> kListUsersHeaders = {"content-type", "host", "x-amz-date"};
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

TEST(CanonicalRequest, IsThePublishedOne) {
  const auto text = canonical_request(list_users(), {kListUsersHeaders, kEmptyPayloadSha256});
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text,
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
            "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
            "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
            "content-type;host;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(*text)),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
}

TEST(CanonicalRequest, SortsAndDeduplicatesSignedHeaders) {
  const std::vector<std::string> shuffled = {"x-amz-date", "host", "content-type", "host"};
  EXPECT_EQ(canonical_request(list_users(), {shuffled, kEmptyPayloadSha256}),
            canonical_request(list_users(), {kListUsersHeaders, kEmptyPayloadSha256}));
}

TEST(CanonicalRequest, NeedsEverySignedHeaderAndAReadableQuery) {
  const std::vector<std::string> absent = {"host", "x-not-there"};
  EXPECT_FALSE(canonical_request(list_users(), {absent, kEmptyPayloadSha256}).has_value());
  SignedRequest broken = list_users();
  broken.query = "a=%2";
  EXPECT_FALSE(canonical_request(broken, {kListUsersHeaders, kEmptyPayloadSha256}).has_value());
}

TEST(CanonicalPath, NormalisesAndEncodesOnceMore) {
  EXPECT_EQ(canonical_path(""), "/");
  EXPECT_EQ(canonical_path("/"), "/");
  EXPECT_EQ(canonical_path("//"), "/");
  EXPECT_EQ(canonical_path("/a/./b//../c%20d/e~f/"), "/a/c%2520d/e~f/");
  EXPECT_EQ(canonical_path("/../../x"), "/x");
  EXPECT_EQ(canonical_path("/a/.."), "/");
  EXPECT_EQ(canonical_path("/2015-03-31/functions/arn%3Aaws"), "/2015-03-31/functions/arn%253Aaws");
}

// '-' is less than '=', so "a-=1" is less than "a=2" as a text.
TEST(CanonicalQuery, SortsNamesThemselvesNotTheirTextWithAValue) {
  EXPECT_EQ(canonical_query({{"a-", "1"}, {"a", "2"}}), "a=2&a-=1");
  EXPECT_EQ(canonical_query({{"a", "2"}, {"a-", "1"}}), "a=2&a-=1");
  EXPECT_EQ(canonical_query({{"", ""}, {"", "x"}}), "=&=x");
}

TEST(CanonicalQuery, SortsByEncodedNameThenValueAndDropsTheSignature) {
  EXPECT_EQ(canonical_query({{"b", "2"}, {"a", "1"}, {"a", " x"}, {"c", ""}}), "a=%20x&a=1&b=2&c=");
  // '%' sorts before letters, so the encoded form decides.
  EXPECT_EQ(canonical_query({{"a", ""}, {"\xC3\xA9", ""}, {"X-Amz-Signature", "00"}}),
            "%C3%A9=&a=");
  EXPECT_EQ(canonical_query({}), "");
}

TEST(CanonicalHeaderValue, TrimsAndJoins) {
  const Headers headers = {{"My-Header", "  a   b  c\t"}, {"my-header", "d"}, {"Other", ""}};
  EXPECT_EQ(canonical_header_value(headers, "MY-HEADER"), "a b c,d");
  EXPECT_EQ(canonical_header_value(headers, "other"), "");
  EXPECT_EQ(canonical_header_value(headers, "absent"), std::nullopt);
}

TEST(Signing, StagesMatchThePublishedExample) {
  const Scope scope{"20150830", "us-east-1", "iam"};
  const auto canonical = canonical_request(list_users(), {kListUsersHeaders, kEmptyPayloadSha256});
  const std::string to_sign = string_to_sign("20150830T123600Z", scope, *canonical);
  EXPECT_EQ(to_sign,
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  const std::string key = signing_key(kSecret, scope);
  EXPECT_EQ(to_hex(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  EXPECT_EQ(signature(key, to_sign),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

}  // namespace
}  // namespace trivet::sigv4
