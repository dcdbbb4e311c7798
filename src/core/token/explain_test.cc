// SPDX-License-Identifier: Apache-2.0
//
// What is explained beside the verdict; that the verdict is the verifier's, the shared vectors show
// (tests/vectors).
#include "core/token/explain.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/iso8601.h"
#include "core/token/make.h"

namespace trivet::token {
namespace {

using std::chrono::seconds;

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WallTime kSignedAt = *parse_amz_date("20240506T070809Z");

ServerFacts server() {
  return {.realm = {.account = AccountId("123456789012"), .region = "us-east-1"},
          .hosts = {*parse_allowed_host("db.example.com:3306")},
          .resource_id = "cluster-ABC",
          .login_user = "jane"};
}

std::string token_for(const std::string& host = "db.example.com", const std::string& session = "") {
  return make_db_token({.host = host, .port = 3306, .db_user = "jane", .region = "us-east-1"},
                       {session.empty() ? "AKIAIOSFODNN7EXAMPLE" : "ASIAIOSFODNN7EXAMPLE",
                        SecretString(kSecret), session},
                       kSignedAt);
}

KeyFacts active() {
  return {.status = KeyFacts::Status::kActive, .secret = SecretString(kSecret)};
}

Explanation explain(std::string_view text, const ServerFacts& facts = server(),
                    seconds later = seconds(10), KeyFacts key = active()) {
  return explain_db_token(
      text, facts, kSignedAt + later,
      [&key](const std::string&, const std::optional<std::string>&) { return std::move(key); });
}

const Check* find(const Explanation& explanation, std::string_view name) {
  const auto found = std::find_if(explanation.checks.begin(), explanation.checks.end(),
                                  [&](const Check& check) { return check.name == name; });
  return found == explanation.checks.end() ? nullptr : &*found;
}

TEST(Explain, SaysAllThatIsWrong) {
  ServerFacts facts = server();
  facts.login_user = "Jane";
  const Explanation all = explain(token_for("other.example.com"), facts, seconds(1000));
  EXPECT_EQ(all.reason, "host-mismatch");
  EXPECT_TRUE(find(all, "signature")->ok);
  EXPECT_FALSE(find(all, "host")->ok);
  EXPECT_FALSE(find(all, "user")->ok);
  EXPECT_EQ(find(all, "time")->detail, "expired 100 s ago: make a new token");
  EXPECT_TRUE(all.not_checked.empty());
}

TEST(Explain, SaysWhatCouldNotBeChecked) {
  const Explanation unknown = explain(token_for(), server(), seconds(1), KeyFacts{});
  EXPECT_EQ(unknown.reason, "unknown-key");
  EXPECT_EQ(unknown.not_checked,
            (std::vector<std::string_view>{"session-token", "signature", "session"}));
  EXPECT_TRUE(find(unknown, "host")->ok);
  const Explanation no_token = explain("secret");
  EXPECT_EQ(no_token.reason, "malformed");
  EXPECT_EQ(no_token.not_checked.front(), "parameters");
  EXPECT_EQ(no_token.checks.size() + no_token.not_checked.size() + 2, 21U);  // host-form, query
  EXPECT_EQ(explain("").reason, "empty");
}

TEST(Explain, WithoutALoginTheTokensUserCounts) {
  ServerFacts facts = server();
  facts.login_user.clear();
  const Explanation all = explain(token_for(), facts);
  EXPECT_TRUE(all.is_accepted());
  EXPECT_EQ(all.db_user, "jane");
  EXPECT_EQ(find(all, "user")->detail, "for logins as 'jane'");
}

TEST(Explain, TimesAreSaidInSeconds) {
  EXPECT_EQ(find(explain(token_for()), "time")->detail, "signed 10 s ago, good for another 890 s");
  EXPECT_EQ(find(explain(token_for(), server(), seconds(-60)), "time")->detail,
            "signed 60 s in the future, good for another 960 s");
  KeyFacts key = active();
  key.is_session_token_valid = true;
  key.session_expires = kSignedAt + seconds(5);
  const Explanation ended = explain(token_for("db.example.com", "SESSIONTOKENTEXT"), server(),
                                    seconds(6), std::move(key));
  EXPECT_EQ(ended.reason, "session-expired");
  EXPECT_TRUE(find(ended, "time")->ok);
}

TEST(Explain, ACutTokenIsNamed) {
  const std::string whole = token_for("db.example.com", std::string(3000, 'a'));
  const Explanation cut = explain(whole.substr(0, 255));
  EXPECT_EQ(cut.reason, "truncated");
  EXPECT_EQ(find(cut, "parameters")->detail,
            "the token is cut after 255 bytes: a limit of the client or its driver");
  EXPECT_EQ(explain(whole.substr(0, whole.size() - 10)).reason, "truncated");
  EXPECT_EQ(explain(token_for() + "&X-Amz-SignedHeader").reason, "bad-signature")
      << "it ends in half a name, but all that it must have is there: as the login says";
}

TEST(Explain, JsonHoldsNoSignatureAndIsEscaped) {
  const std::string text = token_for("db.example.com", "SESSIONTOKENTEXT");
  const std::string shown = to_json(explain(text));
  EXPECT_EQ(shown.find("SESSIONTOKENTEXT"), std::string::npos);
  EXPECT_EQ(shown.find(text.substr(text.size() - 64)), std::string::npos);
  EXPECT_TRUE(shown.starts_with(R"({"verdict":"reject","reason":"session-token","checks":[{)"));
  Explanation odd;
  odd.wrong("text", "malformed", "a\"b\\c\nd");
  EXPECT_EQ(to_json(odd),
            R"({"verdict":"reject","reason":"malformed","checks":[{"name":"text","ok":false,)"
            R"("detail":"a\"b\\c\u000ad"}],"not_checked":[]})");
}

}  // namespace
}  // namespace trivet::token
