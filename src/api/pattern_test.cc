// SPDX-License-Identifier: Apache-2.0
#include "api/pattern.h"

#include <gtest/gtest.h>

#include <string>

#include "api/shapes/iam.h"

namespace trivet::api {
namespace {

// The patterns of the models are reached through the shapes that have them.
bool is_accepted(const std::string& member, const std::string& value) {
  QueryParameters parameters = {{"UserName", "ana"}};
  if (member == "UserName") {
    parameters[0].second = value;
  } else {
    parameters.emplace_back(member, value);
    if (member == "Tags.member.1.Key") {
      parameters.emplace_back("Tags.member.1.Value", "");
    }
  }
  const auto params = QueryParams::from(parameters);
  return params && iam::parse_CreateUserRequest(*params).has_value();
}

TEST(Pattern, MatchesTheWholeText) {
  EXPECT_TRUE(is_accepted("UserName", "Ana_1+=,.@-"));
  EXPECT_FALSE(is_accepted("UserName", "ana!"));
  EXPECT_FALSE(is_accepted("UserName", "!ana"));
  EXPECT_FALSE(is_accepted("UserName", "a na"));
  EXPECT_FALSE(is_accepted("UserName", "anä"));
  EXPECT_FALSE(is_accepted("UserName", "ana\n"));
  EXPECT_FALSE(is_accepted("UserName", ""));
}

TEST(Pattern, UnderstandsAlternatives) {
  EXPECT_TRUE(is_accepted("Path", "/"));
  EXPECT_TRUE(is_accepted("Path", "/a/"));
  EXPECT_TRUE(is_accepted("Path", "/a/b~!/"));
  EXPECT_FALSE(is_accepted("Path", "a/"));
  EXPECT_FALSE(is_accepted("Path", "/a"));
  EXPECT_FALSE(is_accepted("Path", "/a b/"));
  EXPECT_FALSE(is_accepted("Path", "//"));
}

TEST(Pattern, UnderstandsUnicodeCategories) {
  EXPECT_TRUE(is_accepted("Tags.member.1.Key", "Größe 1"));
  EXPECT_TRUE(is_accepted("Tags.member.1.Key", "値_.:/=+-@"));
  EXPECT_FALSE(is_accepted("Tags.member.1.Key", "a*b"));
  EXPECT_FALSE(is_accepted("Tags.member.1.Key", "a\tb"));
}

TEST(Pattern, HandlesRepeatsGroupsAndOptions) {
  static constexpr CodeRange kA[] = {{'a', 'a'}};
  static constexpr CodeRange kB[] = {{'b', 'b'}};
  static constexpr std::span<const CodeRange> kClasses[] = {kA, kB};
  using Kind = PatternStep::Kind;
  // (ab?)*
  static constexpr PatternStep kSteps[] = {{Kind::kSplit, 1, 5}, {Kind::kClass, 0},
                                           {Kind::kSplit, 3, 4}, {Kind::kClass, 1},
                                           {Kind::kJump, 0, 0},  {Kind::kMatch}};
  const Pattern pattern{"(ab?)*", kSteps, kClasses};
  for (const char* good : {"", "a", "ab", "aab", "abaab"}) {
    EXPECT_TRUE(matches(pattern, good)) << good;
  }
  for (const char* bad : {"b", "abb", "ba", "abc"}) {
    EXPECT_FALSE(matches(pattern, bad)) << bad;
  }
}

TEST(Pattern, TakesLongTextsWithoutRecursion) {
  const auto params = QueryParams::from(
      {{"UserName", "ana"}, {"PolicyName", "p"}, {"PolicyDocument", std::string(131072, '{')}});
  ASSERT_TRUE(params);
  EXPECT_TRUE(iam::parse_PutUserPolicyRequest(*params).has_value());
}

TEST(Pattern, CountsCharactersNotBytes) {
  EXPECT_EQ(count_characters(""), 0);
  EXPECT_EQ(count_characters("aä値😀"), 4);
}

}  // namespace
}  // namespace trivet::api
