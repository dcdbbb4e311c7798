// SPDX-License-Identifier: Apache-2.0
#include "runner/variables.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace trivet::runner
