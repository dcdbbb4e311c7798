// SPDX-License-Identifier: Apache-2.0
#include "sandbox/options.h"

#include <gtest/gtest.h>

namespace trivet::sandbox {
namespace {

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> all = {"--parent", "42", "--bubblewrap", "/usr/bin/bwrap"};
  all.insert(all.end(), more.begin(), more.end());
  all.insert(all.end(), {"--", "/bin/sh", "-c", "--uid"});
  return all;
}

TEST(SandboxOptions, EverythingBehindTheDashesIsTheCommand) {
  const auto options = parse_options(with({"--uid", "7", "--cgroup", "/a", "--cgroup", "/b"}));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->uid, 7U);
  EXPECT_EQ(options->cgroups, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(options->command, (std::vector<std::string>{"/bin/sh", "-c", "--uid"}));
}

TEST(SandboxOptions, RootIsNobodyToBecome) {
  EXPECT_FALSE(parse_options(with({"--uid", "0"})));
}

TEST(SandboxOptions, WithoutAUidNothingThatNeedsRootIsTaken) {
  EXPECT_FALSE(parse_options(with({"--netns", "/run/netns/x"})));
  EXPECT_FALSE(parse_options(with({"--tmp-image", "/x", "--tmp-at", "/y"})));
  EXPECT_TRUE(parse_options(with({})));
}

TEST(SandboxOptions, AStackNeedsTwoLayersAndAPlace) {
  EXPECT_FALSE(parse_options(with({"--layer", "/1", "--layers-at", "/opt"})));
  EXPECT_FALSE(parse_options(with({"--layer", "/1", "--layer", "/2"})));
  EXPECT_TRUE(parse_options(with({"--layer", "/1", "--layer", "/2", "--layers-at", "/opt"})));
}

TEST(SandboxOptions, WhatItDoesNotKnowIsRefused) {
  EXPECT_FALSE(parse_options(with({"--uid", "7x"})));
  EXPECT_FALSE(parse_options(with({"--netns", "relative", "--uid", "7"})));
  EXPECT_FALSE(parse_options(with({"--else", "1"})));
  EXPECT_FALSE(parse_options({"--parent", "42", "--bubblewrap", "/usr/bin/bwrap"}));
}

}  // namespace
}  // namespace trivet::sandbox
