// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace trivet::cli {
namespace {

SessionCredentials credentials() {
  auto out = parse_credentials(
      R"json({"access_key_id":"ASIAX","secret_access_key":"a/b+c","session_token":"t'$(x)",
          "expiration":"2026-01-02T03:04:05Z","endpoint_url":"http://127.0.0.1:4566",
          "region":"us-east-1","ca_bundle":"/var/lib/my home/ca-bundle.pem"})json");
  EXPECT_TRUE(out.has_value());
  return out ? std::move(*out) : SessionCredentials();
}

std::string value_of(const Variables& variables, std::string_view name) {
  for (const auto& [key, value] : variables) {
    if (key == name) {
      return value;
    }
  }
  return "(unset)";
}

TEST(ShellQuote, LeavesPlainWordsAndQuotesTheRest) {
  EXPECT_EQ(shell_quote("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("$(rm)`x`\"\\\n"), "'$(rm)`x`\"\\\n'");
  EXPECT_EQ(shell_quote("~"), "'~'");
  EXPECT_EQ(shell_quote("a*?[!#;&|<>"), "'a*?[!#;&|<>'");
}

TEST(Environment, ExportsEveryVariableQuoted) {
  EXPECT_EQ(render_exports(session_variables(credentials(), {})),
            "export AWS_ACCESS_KEY_ID=ASIAX\n"
            "export AWS_SECRET_ACCESS_KEY=a/b+c\n"
            "export AWS_SESSION_TOKEN='t'\\''$(x)'\n"
            "export AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\n"
            "export AWS_ENDPOINT_URL=http://127.0.0.1:4566\n"
            "export AWS_REGION=us-east-1\n"
            "export AWS_DEFAULT_REGION=us-east-1\n"
            "export TRIVET_CA_BUNDLE='/var/lib/my home/ca-bundle.pem'\n");
}

TEST(Environment, JsonIsOneObjectInTheSameOrder) {
  EXPECT_EQ(render_json({{"B", "1"}, {"A", "\"x\""}}), "{\"B\":\"1\",\"A\":\"\\\"x\\\"\"}\n");
}

TEST(Environment, KeepsTheApiOutOfTheProxy) {
  const auto with = [](const char* proxy, const char* no_proxy) {
    return value_of(session_variables(credentials(), {proxy, no_proxy}), "NO_PROXY");
  };
  EXPECT_EQ(with("", ""), "(unset)");
  EXPECT_EQ(with("http://p:3128", ""), "127.0.0.1");
  EXPECT_EQ(with("http://p:3128", "a.example,b"), "a.example,b,127.0.0.1");
  EXPECT_EQ(with("http://p:3128", "a.example, 127.0.0.1"), "(unset)");
  EXPECT_EQ(with("http://p:3128", "*"), "(unset)");
}

TEST(Environment, ErrorsOfCredentialsShowNothingOfThem) {
  const auto broken =
      parse_credentials(R"({"access_key_id":"ASIAX","secret_access_key":["s3cret"]})");
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, Errc::kCorrupt);
  EXPECT_EQ(broken.error().message.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace trivet::cli
