// SPDX-License-Identifier: Apache-2.0
#include "core/log_filter/log_filter.h"

#include <gtest/gtest.h>

namespace trivet::log_filter {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  const auto filter = parse(pattern);
  EXPECT_TRUE(filter.has_value()) << pattern;
  return filter && filter->matches(message);
}

TEST(LogFilter, Terms) {
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("ERROR", "an ERROR here"));
  EXPECT_FALSE(matches("ERROR", "an error here"));
  EXPECT_TRUE(matches("ERROR ARGUMENTS", "ARGUMENTS: ERROR"));
  EXPECT_FALSE(matches("ERROR ARGUMENTS", "ERROR"));
  EXPECT_TRUE(matches("\"two words\"", "these two words"));
  EXPECT_FALSE(matches("\"two words\"", "two  words"));
  EXPECT_TRUE(matches("\"a \\\" b\"", "x a \" b"));
  EXPECT_TRUE(matches("ERROR -EXITING", "ERROR"));
  EXPECT_FALSE(matches("ERROR -EXITING", "ERROR EXITING"));
  EXPECT_TRUE(matches("?ERROR ?WARN", "a WARN"));
  EXPECT_FALSE(matches("?ERROR ?WARN", "nothing"));
  // AWS: beside terms that must be there, `?` terms count no more.
  EXPECT_TRUE(matches("?ERROR REQUEST", "REQUEST"));
}

TEST(LogFilter, RefusesWhatItDoesNotUnderstand) {
  for (const char* pattern : {"\"open", "{ $.x = 1 }", "[a, b]", "a.b", "%x%", "-", "?"}) {
    EXPECT_FALSE(parse(pattern).has_value()) << pattern;
  }
}

}  // namespace
}  // namespace trivet::log_filter
