// SPDX-License-Identifier: Apache-2.0
#include "core/environments/runtime_state.h"

#include <gtest/gtest.h>

namespace trivet::environments {
namespace {

using State = RuntimeState;
using Call = RuntimeCall;

TEST(RuntimeState, ARuntimeAsksAnswersAndAsksAgain) {
  EXPECT_EQ(after(State::kStarted, Call::kNext), State::kReady);
  EXPECT_EQ(after(State::kRunning, Call::kResponse), State::kResponseSent);
  EXPECT_EQ(after(State::kRunning, Call::kError), State::kResponseSent);
  EXPECT_EQ(after(State::kResponseSent, Call::kNext), State::kReady);
}

TEST(RuntimeState, WhatIsOutOfOrderIsRefusedWithItsName) {
  EXPECT_EQ(after(State::kRunning, Call::kNext), std::nullopt);
  EXPECT_EQ(after(State::kReady, Call::kResponse), std::nullopt);
  EXPECT_EQ(after(State::kResponseSent, Call::kResponse), std::nullopt);
  EXPECT_EQ(
      out_of_order(State::kReady, Call::kResponse),
      R"({"errorType":"InvalidStateTransition","errorMessage":"State transition from Ready to )"
      R"(InvocationResponse failed for runtime. Error: State transition is not allowed"})");
}

TEST(RuntimeState, InitMayFailOnlyBeforeTheFirstEvent) {
  EXPECT_EQ(after(State::kStarted, Call::kInitError), State::kInitFailed);
  EXPECT_EQ(after(State::kReady, Call::kInitError), std::nullopt);
  EXPECT_EQ(after(State::kInitFailed, Call::kNext), std::nullopt);
}

TEST(RuntimeRequests, AreFoundByMethodAndPath) {
  EXPECT_EQ(parse_runtime_request("GET", "/2018-06-01/runtime/invocation/next")->call, Call::kNext);
  const auto response =
      parse_runtime_request("POST", "/2018-06-01/runtime/invocation/ab-1/response");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->call, Call::kResponse);
  EXPECT_EQ(response->request_id, "ab-1");
  EXPECT_EQ(parse_runtime_request("POST", "/2018-06-01/runtime/invocation/x/error")->call,
            Call::kError);
  EXPECT_EQ(parse_runtime_request("POST", "/2018-06-01/runtime/init/error")->call,
            Call::kInitError);
  EXPECT_FALSE(parse_runtime_request("POST", "/2018-06-01/runtime/invocation/next"));
  EXPECT_FALSE(parse_runtime_request("GET", "/2018-06-01/runtime/invocation/x/response"));
  EXPECT_FALSE(parse_runtime_request("POST", "/2018-06-01/runtime/invocation/response"));
  EXPECT_FALSE(parse_runtime_request("GET", "/"));
}

TEST(RuntimeErrors, OnlyNamesOfTheTwoDomainsAreTaken) {
  EXPECT_EQ(error_type("Runtime.ImportModuleError"), "Runtime.ImportModuleError");
  EXPECT_EQ(error_type("Function.Mine"), "Function.Mine");
  EXPECT_EQ(error_type("ValueError"), "Runtime.Unknown");
  EXPECT_EQ(error_type("Runtime.lower"), "Runtime.Unknown");
  EXPECT_EQ(error_type("Runtime.A-b"), "Runtime.Unknown");
  EXPECT_EQ(error_type(""), "Runtime.Unknown");
}

TEST(RuntimeErrors, TextIsEscaped) {
  EXPECT_EQ(error_object("A", "x\"\\\n\x01"),
            "{\"errorType\":\"A\",\"errorMessage\":\"x\\\"\\\\\\n\\u0001\"}");
}

TEST(ExitReasons, AreWordedAsAwsDoes) {
  EXPECT_EQ(exit_reason(0, 0), "Runtime exited without providing a reason");
  EXPECT_EQ(exit_reason(127, 0), "Runtime exited with error: exit status 127");
  EXPECT_EQ(exit_reason(137, 0), "Runtime exited with error: signal: killed");
  EXPECT_EQ(exit_reason(0, 9), "Runtime exited with error: signal: killed");
  EXPECT_EQ(exit_reason(139, 0), "Runtime exited with error: signal: segmentation fault");
}

}  // namespace
}  // namespace trivet::environments
