// SPDX-License-Identifier: Apache-2.0
#include "cli/loss.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

constexpr std::string_view kAnswer =
    R"({"waiting_for":"demo-instance-3","offers":[)"
    R"({"member":"demo-instance-2","held":"u:1-7","lacks":"u:8-9","lacks_count":2},)"
    R"({"member":"demo-instance-1","held":"u:1-6","lacks":"u:7-9","lacks_count":3}],)"
    R"("absent":[{"member":"demo-instance-3","last_heard":"2026-01-02T03:04:05.678Z"}]})";

TEST(Loss, WhatWouldBeLostIsNamed) {
  const Loss loss = *parse_loss(kAnswer);
  const LossOffer offer = *choose_offer(loss, "");
  EXPECT_EQ(offer.member, "demo-instance-2") << "it lacks least";
  const std::string shown = describe_loss(loss, offer);
  for (const auto* part : {"waits for demo-instance-3", "lacks 2 transactions", "u:8-9",
                           "last heard of at 2026-01-02T03:04:05.678Z", "lost+found"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part << " in " << shown;
  }
  EXPECT_EQ(choose_offer(loss, "demo-instance-1")->lacks_count, 3U);
  EXPECT_NE(choose_offer(loss, "demo-instance-3").error().message.find("demo-instance-2, demo-ins"),
            std::string::npos);
}

TEST(Loss, AnAnswerWithoutOffersIsNone) {
  EXPECT_FALSE(parse_loss(R"({"waiting_for":"x","offers":[],"absent":[]})"));
  EXPECT_FALSE(parse_loss("no JSON"));
}

}  // namespace
}  // namespace trivet::cli
