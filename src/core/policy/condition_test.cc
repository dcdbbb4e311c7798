// SPDX-License-Identifier: Apache-2.0
#include "core/policy/condition.h"

#include <gtest/gtest.h>

namespace trivet::policy {
namespace {

using Values = std::vector<std::string>;

bool holds(std::string_view op, const Values& wanted, const Values& given, bool on_error = false) {
  const auto parsed = parse_operator(op);
  EXPECT_TRUE(parsed.has_value()) << op;
  Context context = {{"aws:username", {"jane"}}};
  if (!given.empty()) {
    context["k:key"] = given;
  }
  return Condition::compile(*parsed, "K:Key", wanted, true).holds(context, on_error);
}

TEST(ParseOperator, ReadsPrefixAndSuffix) {
  const auto op = parse_operator("ForAnyValue:StringNotLikeIfExists");
  ASSERT_TRUE(op.has_value());
  EXPECT_EQ(op->family, Operator::Family::kLike);
  EXPECT_EQ(op->set, Operator::Set::kForAnyValue);
  EXPECT_TRUE(op->is_negated);
  EXPECT_TRUE(op->if_exists);
  for (const char* bad : {"", "stringequals", "StringMatches", "ForAnyValue::StringEquals",
                          "NullIfExists", "IfExists", "ForSomeValues:StringEquals"}) {
    EXPECT_FALSE(parse_operator(bad).has_value()) << bad;
  }
}

TEST(Condition, Strings) {
  EXPECT_TRUE(holds("StringEquals", {"a", "b"}, {"b"}));
  EXPECT_FALSE(holds("StringEquals", {"a"}, {"A"}));
  EXPECT_FALSE(holds("StringEquals", {"a*"}, {"ab"}));
  EXPECT_TRUE(holds("StringEquals", {"a*"}, {"a*"}));
  EXPECT_TRUE(holds("StringEquals", {"${aws:username}"}, {"jane"}));
  EXPECT_FALSE(holds("StringEquals", {"${aws:absent}"}, {""}));
  EXPECT_FALSE(holds("StringNotEquals", {"a", "b"}, {"b"}));
  EXPECT_TRUE(holds("StringNotEquals", {"a", "b"}, {"c"}));
  EXPECT_TRUE(holds("StringEqualsIgnoreCase", {"AbC"}, {"aBc"}));
  EXPECT_TRUE(holds("StringEqualsIgnoreCase", {"${aws:absent, 'ABC'}"}, {"aBc"}));
  EXPECT_FALSE(holds("StringNotEqualsIgnoreCase", {"AbC"}, {"aBc"}));
  EXPECT_TRUE(holds("StringLike", {"a*", "x?"}, {"xy"}));
  EXPECT_FALSE(holds("StringNotLike", {"a*"}, {"ab"}));
  EXPECT_FALSE(holds("StringEquals", {}, {"a"}));
  EXPECT_TRUE(holds("StringNotEquals", {}, {"a"}));
}

TEST(Condition, AbsentKey) {
  EXPECT_FALSE(holds("StringEquals", {"a"}, {}));
  EXPECT_TRUE(holds("StringNotEquals", {"a"}, {}));
  EXPECT_TRUE(holds("StringEqualsIfExists", {"a"}, {}));
  EXPECT_FALSE(holds("StringEqualsIfExists", {"a"}, {"b"}));
  EXPECT_TRUE(holds("NotIpAddress", {"10.0.0.0/8"}, {}));
  EXPECT_TRUE(holds("Null", {"true"}, {}));
  EXPECT_FALSE(holds("Null", {"false"}, {}));
  EXPECT_FALSE(holds("Null", {"true"}, {"x"}));
  EXPECT_TRUE(holds("Null", {"False"}, {"x"}));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals", {"a"}, {}));
  EXPECT_FALSE(holds("ForAnyValue:StringNotEquals", {"a"}, {}));
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a"}, {}));
}

TEST(Condition, SeveralValuesInTheRequest) {
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a", "b"}, {"b", "a"}));
  EXPECT_FALSE(holds("ForAllValues:StringEquals", {"a", "b"}, {"b", "c"}));
  EXPECT_TRUE(holds("ForAnyValue:StringEquals", {"a", "b"}, {"c", "b"}));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals", {"a", "b"}, {"c", "d"}));
  EXPECT_TRUE(holds("ForAnyValue:StringNotEquals", {"a"}, {"a", "b"}));
  EXPECT_FALSE(holds("ForAllValues:StringNotEquals", {"a"}, {"a", "b"}));
  EXPECT_TRUE(holds("StringEquals", {"a"}, {"b", "a"}));
  EXPECT_FALSE(holds("StringNotEquals", {"a"}, {"b", "a"}));
}

TEST(Condition, Numbers) {
  EXPECT_TRUE(holds("NumericEquals", {"10"}, {"10.0"}));
  EXPECT_TRUE(holds("NumericNotEquals", {"10"}, {"11"}));
  EXPECT_TRUE(holds("NumericLessThan", {"10"}, {"-1"}));
  EXPECT_FALSE(holds("NumericLessThan", {"10"}, {"10"}));
  EXPECT_TRUE(holds("NumericLessThanEquals", {"10"}, {"10"}));
  EXPECT_TRUE(holds("NumericGreaterThan", {"10"}, {"1e2"}));
  EXPECT_TRUE(holds("NumericGreaterThanEquals", {"10"}, {"10"}));
  EXPECT_FALSE(holds("NumericEquals", {"abc"}, {"1"}));
  for (const char* bad : {"", " 1", "1x", "inf", "nan", "0x10", "+-1", "1e999"}) {
    EXPECT_FALSE(parse_number(bad).has_value()) << bad;
  }
}

TEST(Condition, UnreadableRequestValuesAreDecidedForSafety) {
  for (const char* op :
       {"NumericEquals", "NumericNotEquals", "DateLessThan", "IpAddress", "NotIpAddress", "Bool"}) {
    EXPECT_FALSE(holds(op, {"1"}, {"garbage"}, false)) << op;
    EXPECT_TRUE(holds(op, {"1"}, {"garbage"}, true)) << op;
  }
}

TEST(Condition, Dates) {
  EXPECT_TRUE(holds("DateGreaterThan", {"2024-01-01T00:00:00Z"}, {"2024-01-01T00:00:01Z"}));
  EXPECT_TRUE(holds("DateLessThan", {"2024-01-02"}, {"2024-01-01T23:59:59Z"}));
  EXPECT_TRUE(holds("DateEquals", {"1714979289"}, {"2024-05-06T07:08:09Z"}));
  EXPECT_TRUE(holds("DateNotEquals", {"2024-01-01"}, {"2024-01-02"}));
  EXPECT_TRUE(holds("DateLessThanEquals", {"2024-01-01"}, {"2024-01-01"}));
  EXPECT_FALSE(holds("DateGreaterThanEquals", {"2024-01-01"}, {"2023-12-31"}));
  EXPECT_EQ(parse_date_ms("1970-01-01T00:00:00.25Z"), 250);
  EXPECT_EQ(parse_date_ms("1970-01-01t02:00:00+02:00"), 0);
  EXPECT_EQ(parse_date_ms("1970-01-01T02:00:00-01"), 3 * 3600 * 1000);
  EXPECT_EQ(parse_date_ms("1969-12-31T23:59:59Z"), -1000);
  EXPECT_EQ(parse_date_ms("2024-02-29"), 1709164800000);
  EXPECT_EQ(parse_date_ms("0"), 0);
  EXPECT_TRUE(parse_date_ms("-292275054").has_value());
  EXPECT_TRUE(parse_date_ms("9223372036854775807").has_value());
  for (const char* bad :
       {"", "x", "2024-13", "2024-01-32", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00Z05", "2024-01-01T00:00:00+1",
        "9223372036854775808", "-292275055", "2016-12-13t2:00:00.1999999999+10:59"}) {
    EXPECT_FALSE(parse_date_ms(bad).has_value()) << bad;
  }
}

TEST(Condition, BoolAndBinary) {
  EXPECT_TRUE(holds("Bool", {"true"}, {"True"}));
  EXPECT_FALSE(holds("Bool", {"true"}, {"false"}));
  EXPECT_TRUE(holds("BoolIfExists", {"true"}, {}));
  EXPECT_TRUE(holds("BinaryEquals", {"QQ=="}, {"QQ=="}));
  EXPECT_FALSE(holds("BinaryEquals", {"QQ=="}, {"QR=="}));
}

TEST(Condition, Addresses) {
  EXPECT_TRUE(holds("IpAddress", {"10.0.0.0/8"}, {"10.255.0.1"}));
  EXPECT_FALSE(holds("IpAddress", {"10.0.0.0/8"}, {"11.0.0.1"}));
  EXPECT_TRUE(holds("IpAddress", {"192.168.1.128/25"}, {"192.168.1.129"}));
  EXPECT_FALSE(holds("IpAddress", {"192.168.1.128/25"}, {"192.168.1.127"}));
  EXPECT_TRUE(holds("IpAddress", {"0.0.0.0/0"}, {"8.8.8.8"}));
  EXPECT_FALSE(holds("NotIpAddress", {"10.1.2.3", "10.1.2.4"}, {"10.1.2.4"}));
  EXPECT_TRUE(holds("NotIpAddress", {"10.1.2.3"}, {"10.1.2.4"}));
  EXPECT_TRUE(holds("IpAddress", {"2001:db8::/33"}, {"2001:db8:7fff::1"}));
  EXPECT_FALSE(holds("IpAddress", {"2001:db8::/33"}, {"2001:db8:8000::1"}));
  EXPECT_TRUE(holds("IpAddress", {"127.0.0.1"}, {"::ffff:127.0.0.1"}));
  EXPECT_TRUE(holds("IpAddress", {"::1"}, {"0:0:0:0:0:0:0:1"}));
  EXPECT_FALSE(holds("IpAddress", {"0.0.0.0/0"}, {"2001:db8::1"}));
  for (const char* bad : {"", "10.0.0", "10.0.0.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.0/33",
                          "10.0.0.0/", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                          "12345::", ":1", "1:", "::g", "::1/129", "::1.2.3"}) {
    EXPECT_FALSE(parse_ip_network(bad).has_value()) << bad;
  }
}

TEST(Condition, Arns) {
  const std::string jane = "arn:aws:iam::123456789012:user/team/jane";
  EXPECT_TRUE(holds("ArnEquals", {"arn:aws:iam::123456789012:user/*"}, {jane}));
  EXPECT_TRUE(holds("ArnLike", {"arn:aws:iam::*:user/team/${aws:username}"}, {jane}));
  EXPECT_FALSE(holds("ArnLike", {"arn:aws:iam::*:user/JANE"}, {jane}));
  EXPECT_FALSE(holds("ArnLike", {"arn:aws:*:user/team/jane"}, {jane}));
  EXPECT_FALSE(holds("ArnNotEquals", {"arn:aws:iam::123456789012:user/*"}, {jane}));
  EXPECT_TRUE(holds("ArnNotLike", {"arn:aws:iam::123456789012:role/*"}, {jane}));
}

}  // namespace
}  // namespace trivet::policy
