// SPDX-License-Identifier: Apache-2.0
#include "cli/login.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/iso8601.h"
#include "cli/daemon_process.h"

namespace trivet::cli {
namespace {

bool has(const std::vector<std::string>& arguments, std::string_view wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

MysqlLogin login(LoginBy by) {
  MysqlLogin out;
  out.host = "demo.local";
  out.port = 3307;
  out.user = "app";
  out.database = "mydb";
  out.ca_bundle = "/h/tls/ca-bundle.pem";
  out.by = by;
  out.more = {"--execute", "SELECT 1"};
  return out;
}

TEST(MysqlArguments, VerifyTheServerAndReadNoOptionFile) {
  const auto arguments = mysql_arguments(login(LoginBy::kToken));
  EXPECT_EQ(arguments.front(), "--no-defaults");  // it counts only in the first place
  EXPECT_TRUE(has(arguments, "--no-login-paths"));
  EXPECT_TRUE(has(arguments, "--ssl-mode=VERIFY_IDENTITY"));
  EXPECT_TRUE(has(arguments, "--ssl-ca=/h/tls/ca-bundle.pem"));
  EXPECT_TRUE(has(arguments, "--host=demo.local"));
  EXPECT_TRUE(has(arguments, "--port=3307"));
  EXPECT_TRUE(has(arguments, "--database=mydb"));
  EXPECT_EQ(arguments[arguments.size() - 2], "--execute");
  EXPECT_EQ(arguments.back(), "SELECT 1");
}

TEST(MysqlArguments, ClearTextForTokensThatMayBeGivenAsPasswords) {
  EXPECT_TRUE(has(mysql_arguments(login(LoginBy::kToken)), "--enable-cleartext-plugin"));
  EXPECT_FALSE(has(mysql_arguments(login(LoginBy::kToken)), "--password"));
  EXPECT_TRUE(has(mysql_arguments(login(LoginBy::kPassword)), "--enable-cleartext-plugin"));
  EXPECT_TRUE(has(mysql_arguments(login(LoginBy::kPassword)), "--password"));
  EXPECT_FALSE(has(mysql_arguments(login(LoginBy::kGivenPassword)), "--password"));
}

DaemonStatus two_clusters() {
  StatusCluster demo;
  demo.identifier = "demo";
  demo.status = "available";
  demo.endpoint = {"w.local", "127.47.0.1", 3306};
  demo.reader_endpoint = {"r.local", "127.47.0.2", 3306};
  StatusCluster young;
  young.identifier = "young";
  young.status = "creating";
  return {{demo, young}};
}

TEST(ChooseLogin, MasterUserHasAPasswordOthersHaveTokens) {
  StatusCluster demo;
  demo.identifier = "demo";
  demo.master_username = "admin";
  EXPECT_EQ(choose_login(demo, {})->user, "admin");
  EXPECT_EQ(choose_login(demo, {})->by, LoginBy::kPassword);
  EXPECT_EQ(choose_login(demo, {.user = "admin", .has_password = true})->by,
            LoginBy::kGivenPassword);
  EXPECT_EQ(choose_login(demo, {.user = "app"})->user, "app");
  EXPECT_EQ(choose_login(demo, {.user = "app"})->by, LoginBy::kToken);
  // A password that lies around in the environment is not what the user logs in with.
  EXPECT_EQ(choose_login(demo, {.user = "app", .has_password = true})->by, LoginBy::kToken);
  EXPECT_EQ(choose_login(demo, {.user = "app", .by_password = true})->by, LoginBy::kPassword);

  demo.iam_authentication = false;
  EXPECT_EQ(choose_login(demo, {.user = "app"}).error().code, Errc::kConflict);
  EXPECT_EQ(choose_login(demo, {.user = "app", .by_password = true})->by, LoginBy::kPassword);
}

TEST(FindEndpoint, GivesTheWriterOrTheReader) {
  EXPECT_EQ(find_endpoint(two_clusters(), "demo", false)->name, "w.local");
  EXPECT_EQ(find_endpoint(two_clusters(), "demo", true)->name, "r.local");
}

TEST(FindEndpoint, NamesWhatThereIs) {
  const auto unknown = find_endpoint(two_clusters(), "dmo", false);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Errc::kNotFound);
  EXPECT_EQ(unknown.error().message, "there is no cluster 'dmo'; there is: demo, young");
  EXPECT_EQ(find_endpoint({}, "dmo", false).error().message,
            "there is no cluster 'dmo'; there are none");
  EXPECT_EQ(find_endpoint(two_clusters(), "young", false).error().code, Errc::kUnavailable);
}

TEST(CheckReachable, SaysWhatUndoesIt) {
  DaemonStatus status = two_clusters();
  EXPECT_TRUE(check_reachable(status, status.clusters[0]));
  status.clusters[0].status = "stopped";
  EXPECT_EQ(check_reachable(status, status.clusters[0]).error().message,
            "demo is stopped: `trivet start demo`");
  status.clusters[0].status = "available";
  status.shut_out = {"demo"};
  EXPECT_EQ(check_reachable(status, status.clusters[0]).error().message,
            "logins from this host to demo will time out: host-access is security-groups, and it "
            "is not publicly accessible or none of its groups lets 127.0.0.1 in; `trivet network "
            "--host-access open` undoes it");
  status.shut_out = {"other"};
  EXPECT_TRUE(check_reachable(status, status.clusters[0]));
}

TEST(ExpiryWarning, OnlyWhenTheTimeIsOver) {
  const WallTime now = *parse_iso8601("2026-01-02T03:04:05Z");
  EXPECT_EQ(expiry_warning("", now), "");
  EXPECT_EQ(expiry_warning("never", now), "");
  EXPECT_EQ(expiry_warning("2026-01-02T03:04:06Z", now), "");
  EXPECT_TRUE(expiry_warning("2026-01-02T03:04:05Z", now).starts_with("warning: "));
}

TEST(KeysOfEnvironment, AreAllOrNothing) {
  EXPECT_FALSE(keys_of_environment({})->has_value());
  const auto whole = keys_of_environment({"AKIA", "secret", "token"});
  ASSERT_TRUE(whole.has_value() && whole->has_value());
  EXPECT_EQ((*whole)->access_key_id, "AKIA");
  EXPECT_EQ((*whole)->session_token, "token");
  EXPECT_EQ(keys_of_environment({"AKIA", std::nullopt, ""}).error().message,
            "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not: set or unset both");
  EXPECT_EQ(keys_of_environment({std::nullopt, "secret", ""}).error().code, Errc::kInvalidArgument);
}

TEST(KeysOfEnvironment, EmptyOnesAreNotRoot) {
  const auto refusal = [](const KeyVariables& variables) {
    const auto keys = keys_of_environment(variables);
    return !keys && keys.error().code == Errc::kInvalidArgument ? keys.error().message : "";
  };
  for (const KeyVariables& variables :
       {KeyVariables{"", "", ""}, KeyVariables{"", "secret", ""}, KeyVariables{"", {}, ""}}) {
    EXPECT_EQ(refusal(variables),
              "AWS_ACCESS_KEY_ID is set but empty: give it the key's value. `unset "
              "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY` logs in as the account's root");
  }
  for (const KeyVariables& variables : {KeyVariables{"AKIA", "", ""}, KeyVariables{{}, "", ""}}) {
    EXPECT_TRUE(refusal(variables).starts_with("AWS_SECRET_ACCESS_KEY is set but empty"));
  }
}

TEST(LastLines, CutsFromTheEnd) {
  EXPECT_EQ(last_lines("", 2), "");
  EXPECT_EQ(last_lines("a", 2), "a");
  EXPECT_EQ(last_lines("a\nb\n", 2), "a\nb");
  EXPECT_EQ(last_lines("a\nb\nc\n\n", 2), "b\nc");
  EXPECT_EQ(last_lines("\nb\nc\n", 3), "\nb\nc");
}

}  // namespace
}  // namespace trivet::cli
