// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, FindsTheCommandAndTheHomeOnEitherSideOfIt) {
  for (const Words& words :
       {Words{"--home", "/h", "status", "--json"}, Words{"status", "--json", "--home", "/h"}}) {
    const CommandLine line = parse_command_line(words);
    EXPECT_TRUE(static_cast<bool>(line.run)) << line.message;
    EXPECT_EQ(line.name, "status");
    EXPECT_EQ(line.home, "/h");
  }
}

TEST(CommandLine, KnowsEveryCommand) {
  for (const Words& words :
       {Words{"init", "--account-id", "123456789012", "--az", "a", "--az", "b", "--az", "c"},
        Words{"up", "--init", "--json", "--timeout", "5"}, Words{"down", "--keep-members"},
        Words{"status"}, Words{"env", "--duration", "900", "--format", "json"},
        Words{"connect", "demo", "--user", "app", "--reader", "--database", "d", "--password"},
        Words{"connect", "demo", "--", "--execute", "SELECT 1", "--", "x"},
        Words{"token", "demo", "--user", "app", "--reader"},
        Words{"token", "--host", "h", "--port", "3306", "--user", "app", "--region", "r"},
        Words{"token", "explain"}, Words{"token", "explain", "--cluster", "demo", "--json"},
        Words{"token", "explain", "--context", "/f", "--user", "app"},
        Words{"engine", "install", "mysql", "--from", "/x"}, Words{"engine", "list", "--json"},
        Words{"logs", "report", "-f", "--since", "2h", "--filter", "ERROR"}, Words{"metrics"},
        Words{"doctor"}}) {
    const CommandLine line = parse_command_line(words);
    EXPECT_TRUE(static_cast<bool>(line.run)) << words[0] << ": " << line.message;
  }
}

TEST(CommandLine, WrongUsageIsExitStatusTwoAndSaysWhy) {
  for (const Words& words :
       {Words{}, Words{"nothing"}, Words{"status", "--jsn"}, Words{"connect"},
        Words{"token", "demo"}, Words{"token", "--user", "app"},
        Words{"token", "demo", "--host", "h", "--user", "app"},
        Words{"token", "--host", "h", "--reader", "--user", "app"},
        Words{"token", "--host", "h", "--port", "99999", "--user", "app"},
        Words{"token", "explain", "--cluster", "c", "--context", "/f"},
        Words{"token", "explain", "--host", "h"}, Words{"env", "--duration", "10"},
        Words{"env", "--format", "xml"}, Words{"engine"}, Words{"engine", "install", "postgres"},
        Words{"status", "--", "x"}}) {
    const CommandLine line = parse_command_line(words);
    EXPECT_FALSE(static_cast<bool>(line.run)) << (words.empty() ? "" : words[0]);
    EXPECT_EQ(line.exit_status, kExitUsage);
    EXPECT_FALSE(line.message.empty());
  }
}

TEST(CommandLine, NamesTheUnknownCommandAndTheNearestOne) {
  EXPECT_EQ(
      parse_command_line({"--home", "/h", "conect", "shop"}).message,
      "trivet: there is no command 'conect' (is 'connect' meant?). `trivet --help` lists them\n");
  EXPECT_EQ(parse_command_line({"zzzzzz"}).message,
            "trivet: there is no command 'zzzzzz'. `trivet --help` lists them\n");
  EXPECT_EQ(parse_command_line({"conect"}).exit_status, kExitUsage);
}

TEST(CommandLine, NamesTheVerdictsThereAre) {
  const CommandLine line = parse_command_line({"audit", "--verdict", "foo"});
  EXPECT_EQ(line.exit_status, kExitUsage);
  EXPECT_NE(line.message.find("refused"), std::string::npos) << line.message;
}

TEST(CommandLine, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(parse_command_line({"help", "connect"}).message,
            parse_command_line({"connect", "--help"}).message);
  EXPECT_NE(parse_command_line({"connect", "--help"}).message.find("AWS_ACCESS_KEY_ID"),
            std::string::npos);
  for (const Words& words : {Words{"--help"}, Words{"help"}, Words{"help", "token", "explain"},
                             Words{"connect", "--help"}, Words{"version"}, Words{"--version"}}) {
    const CommandLine line = parse_command_line(words);
    EXPECT_FALSE(static_cast<bool>(line.run));
    EXPECT_EQ(line.exit_status, kExitOk);
    EXPECT_FALSE(line.message.empty());
  }
  EXPECT_TRUE(parse_command_line({"version"}).message.starts_with("trivet "));
}

}  // namespace
}  // namespace trivet::cli
