// SPDX-License-Identifier: Apache-2.0
#include "runner/variables.h"

#include <gtest/gtest.h>

#include "runner/log_text.h"

namespace trivet::runner {
namespace {

TEST(Variables, NobodyReplacesWhoTheFunctionIs) {
  FunctionImage image;
  image.runtime = "python3.13";
  image.environment = {{"AWS_ACCESS_KEY_ID", "mine"}, {"TZ", "Europe/Berlin"}, {"OWN", "1"}};
  const Variables all = variables_of(image, {"AKIA", "secret", "token"}, {.region = "eu-west-1"});
  const auto value = [&all](std::string_view name) {
    for (const auto& [key, text] : all) {
      if (key == name) {
        return text;
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(value("AWS_ACCESS_KEY_ID"), "AKIA");
  EXPECT_EQ(value("TZ"), "Europe/Berlin");
  EXPECT_EQ(value("OWN"), "1");
  EXPECT_EQ(value("AWS_EXECUTION_ENV"), "AWS_Lambda_python3.13");
  EXPECT_EQ(value("AWS_ENDPOINT_URL"), "none");
}

TEST(Variables, ALogStreamIsNamedByDayAndVersion) {
  EXPECT_EQ(log_stream_name("2026-01-02T03:04:05Z", "$LATEST", "ab"), "2026/01/02/[$LATEST]ab");
}

TEST(LogText, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(valid_text("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(valid_text("\xFF x \xC3\xA9\xE2\x82"),
            "\xEF\xBF\xBD x \xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(LogText, BubblewrapSaysWhetherItWasTheProgram) {
  EXPECT_FALSE(what_bubblewrap_said("anything else"));
  const auto program = what_bubblewrap_said("bwrap: execvp /var/task/bootstrap: Exec format error");
  ASSERT_TRUE(program);
  EXPECT_EQ(program->program, "/var/task/bootstrap");
  EXPECT_EQ(program->error, "exec format error");
  EXPECT_TRUE(
      what_bubblewrap_said("bwrap: Can't find source path /x: No such file")->program.empty());
}

}  // namespace
}  // namespace trivet::runner
