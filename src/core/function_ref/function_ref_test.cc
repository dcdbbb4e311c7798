// SPDX-License-Identifier: Apache-2.0
#include "core/function_ref/function_ref.h"

#include <gtest/gtest.h>

namespace trivet::function_ref {
namespace {

TEST(FunctionRef, ReadsNamesPartsAndArns) {
  EXPECT_EQ(parse("report")->name, "report");
  EXPECT_EQ(parse("report:live")->qualifier, "live");
  EXPECT_EQ(parse("report:$LATEST")->qualifier, "$LATEST");
  const auto partial = parse("123456789012:function:report:7");
  ASSERT_TRUE(partial.has_value());
  EXPECT_EQ(partial->account, "123456789012");
  EXPECT_EQ(partial->name, "report");
  EXPECT_EQ(partial->qualifier, "7");
  EXPECT_EQ(parse("function:report")->name, "report");
  const auto whole = parse("arn:aws:lambda:us-east-1:123456789012:function:report:live");
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->region, "us-east-1");
  EXPECT_EQ(whole->account, "123456789012");
  EXPECT_EQ(whole->name, "report");
  EXPECT_EQ(whole->qualifier, "live");
}

TEST(FunctionRef, RefusesWhatNamesNone) {
  for (const char* text :
       {"", "a b", "a:b:c", "a:", ":a", "x:function:report", "arn:aws:lambda:us-east-1::function:f",
        "arn:aws:s3:::bucket", "arn:aws:lambda:us-east-1:123456789012:layer:l", "a/b",
        "arn:aws:lambda:us-east-1:123456789012:function:f:g:h"}) {
    EXPECT_FALSE(parse(text).has_value()) << text;
  }
}

TEST(FunctionRef, TellsVersionsFromAliases) {
  EXPECT_TRUE(is_version("12"));
  EXPECT_FALSE(is_version("1a"));
  EXPECT_TRUE(is_alias("1a"));
  EXPECT_FALSE(is_alias("12"));
  EXPECT_FALSE(is_alias("$LATEST"));
}

TEST(FunctionRef, ReadsLayers) {
  EXPECT_EQ(parse_layer("pymysql")->name, "pymysql");
  const auto version = parse_layer("arn:aws:lambda:us-east-1:123456789012:layer:pymysql:3");
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(version->name, "pymysql");
  EXPECT_EQ(version->version, "3");
  EXPECT_EQ(parse_layer("arn:aws:lambda:us-east-1:123456789012:layer:pymysql")->version, "");
  EXPECT_FALSE(parse_layer("arn:aws:lambda:us-east-1:123456789012:layer:p:x").has_value());
  EXPECT_FALSE(parse_layer("arn:aws:lambda:us-east-1:123456789012:function:p").has_value());
  EXPECT_EQ(layer_arn({.account = AccountId("123456789012")}, "pymysql"),
            "arn:aws:lambda:us-east-1:123456789012:layer:pymysql");
}

}  // namespace
}  // namespace trivet::function_ref
