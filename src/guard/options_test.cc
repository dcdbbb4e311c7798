// SPDX-License-Identifier: Apache-2.0
#include "guard/options.h"

#include <gtest/gtest.h>

namespace trivet::guard {
namespace {

std::vector<std::string> minimal(std::vector<std::string> more = {}) {
  std::vector<std::string> all = {"--socket", "/r/g.sock", "--pid-file",
                                  "/r/g.pid", "--log",     "/r/g.log"};
  all.insert(all.end(), more.begin(), more.end());
  all.insert(all.end(), {"--", "/usr/sbin/mysqld", "--defaults-file=/r/my.cnf"});
  return all;
}

TEST(GuardOptions, ReadsEverything) {
  const auto options =
      parse_options(minimal({"--output", "/r/e.log", "--uid", "7", "--gid", "8", "--generation",
                             "3", "--permit-ms", "1500", "--env", "A=1", "--env", "B="}));
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_EQ(options->socket, "/r/g.sock");
  EXPECT_EQ(options->output, "/r/e.log");
  EXPECT_EQ(options->uid, 7U);
  EXPECT_EQ(options->gid, 8U);
  EXPECT_EQ(options->generation, 3U);
  EXPECT_EQ(options->permit_ms, 1500);
  EXPECT_EQ(options->environment, (std::vector<std::string>{"A=1", "B="}));
  EXPECT_EQ(options->command,
            (std::vector<std::string>{"/usr/sbin/mysqld", "--defaults-file=/r/my.cnf"}));
}

TEST(GuardOptions, DefaultsAreTheGuardsOwnUserItsLogAndAPermissionForEver) {
  const auto options = parse_options(minimal());
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->output, "/r/g.log");
  EXPECT_FALSE(options->uid.has_value());
  EXPECT_EQ(options->permit_ms, -1);
}

TEST(GuardOptions, RefusesWhatItDoesNotUnderstand) {
  EXPECT_FALSE(parse_options({}));
  EXPECT_FALSE(parse_options(minimal({"--what", "x"})));
  EXPECT_FALSE(parse_options(minimal({"--uid", "root", "--gid", "0"})));
  EXPECT_FALSE(parse_options(minimal({"--uid", "1"})));
  EXPECT_FALSE(parse_options(minimal({"--permit-ms", "-2"})));
  EXPECT_FALSE(parse_options(minimal({"--env", "=x"})));
  EXPECT_FALSE(parse_options(minimal({"--log", "relative"})));
  EXPECT_FALSE(parse_options(minimal({"--socket", "/" + std::string(108, 'x')})));
  EXPECT_FALSE(
      parse_options({"--socket", "/a", "--pid-file", "/b", "--log", "/c", "--", "mysqld"}));
}

}  // namespace
}  // namespace trivet::guard
