// SPDX-License-Identifier: Apache-2.0
#include "api/query_params.h"

#include <gtest/gtest.h>

namespace trivet::api {
namespace {

net::HttpRequest post(std::string body, std::string content_type) {
  net::HttpRequest out;
  out.method = "POST";
  out.target = "/";
  out.headers = {{"Content-Type", std::move(content_type)}};
  out.body = std::move(body);
  return out;
}

std::string_view fault_of(const net::HttpRequest& request) {
  const auto params = read_query_params(request);
  return params ? "none" : params.error().fault;
}

constexpr const char* kForm = "application/x-www-form-urlencoded; charset=utf-8";

TEST(QueryParams, ReadsAForm) {
  const auto params = read_query_params(post("Action=X&A.member.1=a+b%2B&Empty=&Bare", kForm));
  ASSERT_TRUE(params);
  EXPECT_EQ(params->get("Action"), "X");
  EXPECT_EQ(params->get("A.member.1"), "a b+");
  ASSERT_NE(params->find("Empty"), nullptr);
  ASSERT_NE(params->find("Bare"), nullptr);
  EXPECT_EQ(params->find("Absent"), nullptr);
}

TEST(QueryParams, ReadsAQueryStringWithoutItsAuthentication) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/?Action=GetUser&X-Amz-Algorithm=AWS4-HMAC-SHA256&x-amz-signature=00&A=1%202";
  const auto params = read_query_params(request);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->all().size(), 2U);
  EXPECT_EQ(params->get("A"), "1 2");
}

TEST(QueryParams, RefusesWhatCanBeReadInTwoWays) {
  EXPECT_EQ(fault_of(post("A=1&A=2", kForm)), "InvalidQueryParameter");
  EXPECT_EQ(fault_of(post("A=1&%41=1", kForm)), "InvalidQueryParameter");
  net::HttpRequest both = post("A=1", kForm);
  both.target = "/?A=2";
  EXPECT_EQ(fault_of(both), "InvalidQueryParameter");
}

TEST(QueryParams, RefusesMalformedText) {
  EXPECT_EQ(fault_of(post("A=%", kForm)), "MalformedQueryString");
  EXPECT_EQ(fault_of(post("A=%4", kForm)), "MalformedQueryString");
  EXPECT_EQ(fault_of(post("A=%zz", kForm)), "MalformedQueryString");
  EXPECT_EQ(fault_of(post("A=%ff", kForm)), "MalformedQueryString");
  EXPECT_EQ(fault_of(post("A=%C0%80", kForm)), "MalformedQueryString");
  std::string many;
  for (std::size_t i = 0; i <= QueryParams::kParametersMax; ++i) {
    many += "P" + std::to_string(i) + "=&";
  }
  EXPECT_EQ(fault_of(post(many, kForm)), "MalformedQueryString");
}

TEST(QueryParams, RefusesOtherContentTypes) {
  EXPECT_EQ(fault_of(post("A=1", "application/json")), "UnsupportedMediaType");
  EXPECT_EQ(fault_of(post("A=1", "")), "UnsupportedMediaType");
  EXPECT_EQ(fault_of(post("A=1", "application/x-www-form-urlencoded; charset=latin1")),
            "UnsupportedMediaType");
  EXPECT_EQ(fault_of(post("A=1", "multipart/form-data; boundary=x")), "UnsupportedMediaType");
  EXPECT_EQ(fault_of(post("A=1", "APPLICATION/X-WWW-FORM-URLENCODED;Charset=\"UTF-8\"")), "none");
  EXPECT_EQ(fault_of(post("A=1", "application/x-www-form-urlencoded")), "none");
  EXPECT_EQ(fault_of(post("", "")), "none");
}

TEST(QueryParams, ListsAreInNumericOrderAndMayHaveGaps) {
  const auto params = QueryParams::from({{"T.Tag.10.Key", "c"},
                                         {"T.Tag.2.Key", "b"},
                                         {"T.Tag.2.Value", "b"},
                                         {"T.Tag.1.Key", "a"},
                                         {"U", ""}});
  ASSERT_TRUE(params);
  const auto indices = params->indices("T.Tag.");
  ASSERT_TRUE(indices);
  EXPECT_EQ(*indices, (std::vector<int>{1, 2, 10}));
  EXPECT_TRUE(params->has_prefix("T.Tag."));
  EXPECT_FALSE(params->has_prefix("V"));
}

TEST(QueryParams, RefusesAListIndexThatIsNoNumber) {
  for (const char* name :
       {"T.x", "T.0", "T.-1", "T.", "T.1x.Key", "T.100001", "T.99999999999999999999"}) {
    const auto params = QueryParams::from({{name, "a"}});
    ASSERT_TRUE(params);
    const auto indices = params->indices("T.");
    ASSERT_FALSE(indices) << name;
    EXPECT_EQ(indices.error().fault, "InvalidParameterValue");
  }
}

}  // namespace
}  // namespace trivet::api
