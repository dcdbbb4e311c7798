// SPDX-License-Identifier: Apache-2.0
#include "cli/guardrail.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

constexpr const char* kAllow = R"({"Effect":"Allow","Action":"*","Resource":"*"})";
constexpr const char* kDeny = R"({"Effect":"Deny","Action":"rds:*","Resource":"*"})";

std::string policy(const std::string& statement) {
  return R"({"Version":"2012-10-17","Statement":)" + statement + "}";
}

TEST(GuardrailWarning, OnlyWhereNothingIsAllowed) {
  EXPECT_EQ(guardrail_warning(policy(kAllow)), "");
  EXPECT_EQ(guardrail_warning(policy(std::string("[") + kDeny + "," + kAllow + "]")), "");
  for (const std::string& denies : {policy(kDeny), policy(std::string("[") + kDeny + "]")}) {
    EXPECT_NE(guardrail_warning(denies).find("nobody but root"), std::string::npos);
    EXPECT_NE(guardrail_warning(denies).find(kAllow), std::string::npos);
  }
}

TEST(GuardrailWarning, NotOfWhatIsNoPolicy) {
  EXPECT_EQ(guardrail_warning(""), "");
  EXPECT_EQ(guardrail_warning("{"), "");
  EXPECT_EQ(guardrail_warning("[]"), "");
}

}  // namespace
}  // namespace trivet::cli
