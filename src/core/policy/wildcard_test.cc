// SPDX-License-Identifier: Apache-2.0
#include "core/policy/wildcard.h"

#include <gtest/gtest.h>

namespace trivet::policy {
namespace {

const Context kContext = {{"aws:username", {"jane"}},
                          {"aws:principaltag/star", {"a*b"}},
                          {"aws:principaltag/many", {"x", "y"}}};

bool glob(std::string_view pattern, std::string_view text) {
  return Template::compile(pattern, {}).match(text, kContext) == Match::kYes;
}
Match with_variables(std::string_view pattern, std::string_view text) {
  return Template::compile(pattern, {.variables = true}).match(text, kContext);
}

TEST(Glob, StarAndQuestionMark) {
  EXPECT_TRUE(glob("", ""));
  EXPECT_FALSE(glob("", "a"));
  EXPECT_TRUE(glob("*", ""));
  EXPECT_TRUE(glob("*", "anything:at/all"));
  EXPECT_TRUE(glob("a*c", "ac"));
  EXPECT_TRUE(glob("a*c", "abcbc"));
  EXPECT_FALSE(glob("a*c", "abcb"));
  EXPECT_TRUE(glob("a?c", "abc"));
  EXPECT_FALSE(glob("a?c", "ac"));
  EXPECT_TRUE(glob("*ab*ab", "abxabab"));
  EXPECT_FALSE(glob("a.c", "abc"));
  EXPECT_TRUE(glob("a[b]", "a[b]"));
  EXPECT_FALSE(glob("A", "a"));
}

TEST(Glob, QuestionMarkIsOneCharacterNotOneByte) {
  EXPECT_TRUE(glob("?", "\xC3\xA9"));
  EXPECT_FALSE(glob("??", "\xC3\xA9"));
  EXPECT_TRUE(glob("*?", "\xC3\xA9"));
  EXPECT_FALSE(glob("*??", "\xC3\xA9"));
  EXPECT_TRUE(glob("x?y", "x\xF0\x9F\x98\x80y"));
}

TEST(Glob, ManyStarsStayCheap) {
  // Exponential for a backtracking matcher: this would not end.
  std::string pattern;
  for (int i = 0; i < 50; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(glob(pattern + "b", std::string(2000, 'a')));
  EXPECT_TRUE(glob(pattern, std::string(2000, 'a')));
}

TEST(Template, VariablesAreLiteralText) {
  EXPECT_EQ(with_variables("u/${aws:username}", "u/jane"), Match::kYes);
  EXPECT_EQ(with_variables("u/${AWS:UserName}/*", "u/jane/x"), Match::kYes);
  EXPECT_EQ(with_variables("${aws:PrincipalTag/star}", "a*b"), Match::kYes);
  EXPECT_EQ(with_variables("${aws:PrincipalTag/star}", "aXb"), Match::kNo);
  EXPECT_EQ(with_variables("${*}${?}${$}", "*?$"), Match::kYes);
  EXPECT_EQ(with_variables("${*}", "x"), Match::kNo);
}

TEST(Template, VariablesWithoutOneValueAreUnresolved) {
  EXPECT_EQ(with_variables("${aws:absent}", ""), Match::kUnresolved);
  EXPECT_EQ(with_variables("${aws:PrincipalTag/many}", "x"), Match::kUnresolved);
  EXPECT_EQ(with_variables("${aws:absent, 'dflt'}", "dflt"), Match::kYes);
  EXPECT_EQ(with_variables("${aws:absent,''}x", "x"), Match::kYes);
  EXPECT_EQ(with_variables("${aws:absent, dflt}", "dflt"), Match::kUnresolved);
  EXPECT_EQ(with_variables("${aws:username, 'dflt'}", "dflt"), Match::kNo);
  EXPECT_EQ(with_variables("${unclosed", "${unclosed"), Match::kYes);
}

TEST(Template, WithoutVariablesTheTextIsLiteral) {
  EXPECT_TRUE(glob("${aws:username}", "${aws:username}"));
  EXPECT_FALSE(glob("${aws:username}", "jane"));
  EXPECT_EQ(Template::compile("A*", {.wildcards = false}).match("A*", {}), Match::kYes);
  EXPECT_EQ(Template::compile("A*", {.wildcards = false}).match("AB", {}), Match::kNo);
  EXPECT_EQ(Template::compile("RDS-DB:Con*", {.ignore_case = true}).match("rds-db:connect", {}),
            Match::kYes);
}

Match narrow(std::string_view pattern, std::string_view text) {
  return ArnPattern::compile(pattern, ArnPattern::Variables::kResourcePart)
      .match_narrow(ArnText(text), kContext);
}
Match wide(std::string_view pattern, std::string_view text) {
  return ArnPattern::compile(pattern, ArnPattern::Variables::kResourcePart)
      .match_wide(ArnText(text), kContext);
}

constexpr std::string_view kArn = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-X/jane";

TEST(ArnPattern, WildcardsStayInTheirPart) {
  EXPECT_EQ(narrow("*", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:*:*:dbuser:*/jane", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:us-*-1:123456789012:dbuser:cluster-?/j*", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:*:dbuser:cluster-X/jane", kArn), Match::kNo);
  EXPECT_EQ(wide("arn:aws:rds-db:*:dbuser:cluster-X/jane", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db::123456789012:dbuser:cluster-X/jane", kArn), Match::kNo);
  EXPECT_EQ(narrow("arn:aws:RDS-DB:*:*:*", kArn), Match::kNo);
}

TEST(ArnPattern, MissingPartsMatchAnything) {
  EXPECT_EQ(narrow("arn:aws:rds-db", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:us-east-1", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:eu-west-1", kArn), Match::kNo);
}

TEST(ArnPattern, OnlyTheStarMatchesWhatIsNoArn) {
  EXPECT_EQ(narrow("*", "*"), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds:*:*:*", "*"), Match::kNo);
  EXPECT_EQ(wide("arn:aws:rds:*:*:*", "*"), Match::kNo);
}

TEST(ArnPattern, VariablesStandInTheResourcePartOnly) {
  EXPECT_EQ(narrow("arn:aws:rds-db:*:*:dbuser:*/${aws:username}", kArn), Match::kYes);
  EXPECT_EQ(narrow("arn:aws:rds-db:*:*:dbuser:*/${aws:absent}", kArn), Match::kUnresolved);
  EXPECT_EQ(narrow("arn:aws:${aws:username}:*:*:x", "arn:aws:jane:r:a:x"), Match::kNo);
  EXPECT_EQ(
      ArnPattern::compile("arn:aws:iam::*:${aws:username}", ArnPattern::Variables::kEverywhere)
          .match_narrow(ArnText("arn:aws:iam::1:jane"), kContext),
      Match::kYes);
}

}  // namespace
}  // namespace trivet::policy
