// SPDX-License-Identifier: Apache-2.0
#include "service/functions/event_queue.h"

#include <nlohmann/json.hpp>

#include "service/functions/functions_test_bed.h"

namespace trivet::functions {
namespace {

using nlohmann::json;
using service::fault_of;
using service::message_of;

InvokeWish event(const std::string& payload = "{}", const std::string& function = "report") {
  return {.function = function, .payload = payload, .request_id = "id-" + payload};
}

Result<InvocationResult> answer(const std::string& payload, bool is_error = false) {
  return InvocationResult{.payload = payload, .function_error = is_error ? "Unhandled" : ""};
}

TEST(Invoker, AnswersWhatTheFunctionSaidOnce) {
  FunctionsBed bed;
  bed.make();
  int answers = 0;
  bed.invoker->invoke(event(R"({"a":1})"), [&](Result<InvokeAnswer> got) {
    ++answers;
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->payload, "7");
    EXPECT_EQ(got->executed_version, "$LATEST");
  });
  ASSERT_EQ(bed.runtime.asked.size(), 1U);
  EXPECT_EQ(bed.runtime.asked[0].invocation.payload, R"({"a":1})");
  EXPECT_EQ(bed.runtime.asked[0].invocation.invoked_arn,
            "arn:aws:lambda:us-east-1:123456789012:function:report");
  EXPECT_EQ(bed.invoker->running("report"), 1);
  bed.runtime.asked[0].done(answer("7"));
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(bed.invoker->running("report"), 0);
}

TEST(Invoker, RefusesInAwssWords) {
  FunctionsBed bed;
  bed.make();
  const auto refusal = [&](InvokeWish wish) {
    std::string out;
    bed.invoker->invoke(std::move(wish), [&](const Result<InvokeAnswer>& got) {
      out = std::string(got.error().fault) + ": " + got.error().message;
    });
    return out;
  };
  EXPECT_EQ(refusal(event("{}", "none")),
            "ResourceNotFoundException: Function not found: "
            "arn:aws:lambda:us-east-1:123456789012:function:none");
  EXPECT_TRUE(refusal(event("{a")).starts_with("InvalidRequestContentException"));
  EXPECT_EQ(refusal(event(std::string(6'291'457, '1'))),
            "RequestTooLargeException: 6291457 byte payload is too large for the RequestResponse "
            "invocation type (limit 6291456 bytes)");
  ASSERT_TRUE(bed.service->set_reserved_concurrency("report", 0).has_value());
  EXPECT_EQ(refusal(event()), "ReservedFunctionConcurrentInvocationLimitExceeded: Rate Exceeded.");
  ASSERT_TRUE(bed.service->set_reserved_concurrency("report", std::nullopt).has_value());
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) -> Result<InvocationResult> {
    return make_error(Errc::kConflict, "all environments are busy");
  };
  EXPECT_EQ(refusal(event()), "ConcurrentInvocationLimitExceeded: Rate Exceeded.");
  Invoker none(*bed.service, nullptr);
  EXPECT_EQ(none.check(event(), kSyncPayloadMax).error().code, Errc::kUnavailable);
}

TEST(Invoker, AnAliasSharesEventsByWeight) {
  FunctionsBed bed;
  bed.make();
  ASSERT_TRUE(bed.service->publish({.name = "report"}).has_value());
  ASSERT_TRUE(bed.service->update_code({.name = "report", .archive = "second"}).has_value());
  bed.worker.run();
  ASSERT_TRUE(bed.service->publish({.name = "report"}).has_value());
  ASSERT_TRUE(bed.service
                  ->create_alias("report", {.name = "live",
                                            .version = "1",
                                            .other = std::pair<std::string, double>("2", 0.25)})
                  .has_value());
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) { return answer("1"); };
  int second = 0;
  for (int i = 0; i < 1'000; ++i) {
    InvokeWish wish = event();
    wish.qualifier = "live";
    bed.invoker->invoke(std::move(wish), [&](Result<InvokeAnswer> got) {
      second += got->executed_version == "2" ? 1 : 0;
    });
  }
  EXPECT_GT(second, 150);
  EXPECT_LT(second, 350);
}

TEST(EventQueue, AnEventRunsAndIsForgotten) {
  FunctionsBed bed;
  bed.make();
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) { return answer("1"); };
  ASSERT_TRUE(bed.events->accept(event()).has_value());
  EXPECT_EQ(bed.spool.records.size(), 1U);
  bed.pass(Millis(1'000));
  EXPECT_EQ(bed.runtime.asked.size(), 1U);
  EXPECT_EQ(bed.spool.records.size(), 0U);
  EXPECT_EQ(bed.events->size(), 0U);
}

TEST(EventQueue, AnErrorIsTriedTwiceMoreAfterOneAndTwoMinutesThenTheDestinationIsTold) {
  FunctionsBed bed;
  bed.make();
  bed.make("failed");
  ASSERT_TRUE(bed.service
                  ->set_event_config(
                      "report", "",
                      {.on_failure = "arn:aws:lambda:us-east-1:123456789012:function:failed"}, true)
                  .has_value());
  std::vector<std::int64_t> tries;
  std::string told;
  bed.runtime.answers = [&](const FunctionImage& image, const Invocation& invocation) {
    if (image.name == "failed") {
      told = invocation.payload;
      return answer("null");
    }
    EXPECT_EQ(invocation.request_id, R"(id-{"n":1})");
    tries.push_back((bed.clock.wall_now() - kNow).count());
    return answer(R"({"errorType":"E"})", true);
  };
  ASSERT_TRUE(bed.events->accept(event(R"({"n":1})")).has_value());
  bed.pass(Millis(200'000));
  ASSERT_EQ(tries.size(), 3U);
  EXPECT_NEAR(static_cast<double>(tries[1] - tries[0]), 60'000, 1'000);
  EXPECT_NEAR(static_cast<double>(tries[2] - tries[1]), 120'000, 1'000);
  const json record = json::parse(told);
  EXPECT_EQ(record["requestContext"]["condition"], "RetriesExhausted");
  EXPECT_EQ(record["requestContext"]["approximateInvokeCount"], 3);
  EXPECT_EQ(record["requestContext"]["functionArn"],
            "arn:aws:lambda:us-east-1:123456789012:function:report:$LATEST");
  EXPECT_EQ(record["requestPayload"], json({{"n", 1}}));
  EXPECT_EQ(record["responseContext"]["functionError"], "Unhandled");
  EXPECT_EQ(record["responsePayload"], json({{"errorType", "E"}}));
  EXPECT_EQ(bed.spool.records.size(), 0U);
}

TEST(EventQueue, RetriesAndAgeAreTheFunctionsSetting) {
  FunctionsBed bed;
  bed.make();
  ASSERT_TRUE(bed.service->set_event_config("report", "", {.retries_max = 0}, true).has_value());
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) { return answer("1", true); };
  ASSERT_TRUE(bed.events->accept(event()).has_value());
  bed.pass(Millis(200'000));
  EXPECT_EQ(bed.runtime.asked.size(), 1U);
  // Busy for ever: it is tried less and less often until it is too old.
  ASSERT_TRUE(bed.service->set_event_config("report", "", {.age_max_s = 60}, true).has_value());
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) -> Result<InvocationResult> {
    return make_error(Errc::kConflict, "busy");
  };
  ASSERT_TRUE(bed.events->accept(event()).has_value());
  bed.pass(Millis(300'000));
  EXPECT_GT(bed.runtime.asked.size(), 4U);
  EXPECT_LT(bed.runtime.asked.size(), 10U);
  EXPECT_EQ(bed.events->size(), 0U);
}

TEST(EventQueue, WhatWasAcceptedRunsAfterAKill) {
  FunctionsBed bed;
  bed.make();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(bed.events->accept(event(std::to_string(i))).has_value());
  }
  bed.worker.run();
  bed.clock.advance(Millis(10));
  bed.worker.run();
  EXPECT_EQ(bed.runtime.asked.size(), 16U);  // running_of_one_max
  bed.runtime.asked[0].done(answer("1"));
  bed.worker.run();
  std::set<std::string> finished = {bed.runtime.asked[0].invocation.payload};
  bed.reopen();  // and nobody answers for those that ran
  bed.runtime.asked.clear();
  bed.runtime.answers = [&](const FunctionImage&, const Invocation& invocation) {
    finished.insert(invocation.payload);
    return answer("1");
  };
  bed.pass(Millis(5'000));
  EXPECT_EQ(finished.size(), 20U);
  EXPECT_EQ(bed.runtime.asked.size(), 19U);
  EXPECT_EQ(bed.spool.records.size(), 0U);
}

TEST(EventQueue, AttemptsAreCountedOverARestart) {
  FunctionsBed bed;
  bed.make();
  bed.runtime.answers = [](const FunctionImage&, const Invocation&) { return answer("1", true); };
  ASSERT_TRUE(bed.events->accept(event()).has_value());
  bed.pass(Millis(1'000));
  bed.reopen();
  bed.pass(Millis(400'000));
  EXPECT_EQ(bed.runtime.asked.size(), 3U);
}

TEST(EventQueue, TakesNoMoreThanItCanKeep) {
  FunctionsBed bed;
  bed.limits.events_max = 3;
  bed.reopen();
  bed.make();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bed.events->accept(event()).has_value());
  }
  EXPECT_EQ(fault_of(bed.events->accept(event())), "TooManyRequestsException");
  EXPECT_EQ(fault_of(bed.events->accept(event(std::string(1'048'577, '1')))),
            "RequestTooLargeException");
  bed.limits.events_max = 10;
  bed.reopen();
  bed.spool.is_full = true;
  EXPECT_EQ(bed.events->accept(event()).error().code, Errc::kUnavailable);
  EXPECT_EQ(bed.events->size(), 3U);
}

TEST(EventQueue, AnEventOfADeletedFunctionIsDropped) {
  FunctionsBed bed;
  bed.make();
  ASSERT_TRUE(bed.events->accept(event()).has_value());
  ASSERT_TRUE(bed.service->remove("report", "").has_value());
  bed.pass(Millis(1'000));
  EXPECT_EQ(bed.events->size(), 0U);
  EXPECT_EQ(bed.spool.records.size(), 0U);
}

}  // namespace
}  // namespace trivet::functions
