// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/cgroups.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "adapter/sandbox/view.h"

namespace trivet::sandbox {
namespace {

constexpr const char* kVersion1 =
    "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
    "cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

TEST(CgroupMounts, VersionTwoIsUsedWhereItHasTheControllers) {
  const CgroupMounts found = parse_cgroup_mounts("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n",
                                                 "cpuset cpu io memory hugetlb pids rdma\n");
  EXPECT_EQ(found.unified, "/sys/fs/cgroup");
  EXPECT_EQ(found.memory, "");
}

TEST(CgroupMounts, AVersionTwoWithoutControllersLeavesVersionOne) {
  const CgroupMounts found = parse_cgroup_mounts(kVersion1, "");
  EXPECT_EQ(found.unified, "");
  EXPECT_EQ(found.memory, "/sys/fs/cgroup/memory");
  EXPECT_EQ(found.cpu, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(found.pids, "/sys/fs/cgroup/pids");
}

TEST(CgroupMounts, OneThatLacksMemoryIsNotUsed) {
  EXPECT_EQ(parse_cgroup_mounts("cgroup2 /c cgroup2 rw 0 0\n", "cpu pids\n").unified, "");
  EXPECT_EQ(parse_cgroup_mounts("", "").memory, "");
}

// Where an option stands with these values behind it.
bool has(const std::vector<std::string>& all, const std::vector<std::string>& part) {
  return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
}

TEST(View, WhatIsNotNamedIsNotThere) {
  const auto arguments = bubblewrap_arguments({.root = "/r",
                                               .code_folder = "/c",
                                               .layers_folder = {},
                                               .bootstrap_folder = {},
                                               .ca_bundle = {},
                                               .resolv_conf = "/f",
                                               .tmp_folder = {},
                                               .tmp_bytes = 1024,
                                               .environment = {{"A", "b c"}}});
  EXPECT_TRUE(has(arguments, {"--ro-bind", "/r", "/"}));
  EXPECT_TRUE(has(arguments, {"--ro-bind", "/c", "/var/task"}));
  EXPECT_TRUE(has(arguments, {"--size", "1024", "--tmpfs", "/tmp"}));
  EXPECT_TRUE(has(arguments, {"--clearenv", "--setenv", "A", "b c"}));
  EXPECT_TRUE(has(arguments, {"--cap-drop", "ALL", "--seccomp", "5"}));
  EXPECT_TRUE(has(arguments, {"--die-with-parent"}));
  for (const char* place : {"/opt", "/var/runtime", "/etc/trivet/ca-bundle.pem"}) {
    EXPECT_FALSE(has(arguments, {place})) << place;
  }
  // Nothing of the host may be written.
  EXPECT_FALSE(has(arguments, {"--bind"}));
}

TEST(View, NoNamespaceIsShared) {
  const auto arguments = bubblewrap_arguments({});
  for (const char* one : {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"}) {
    EXPECT_TRUE(has(arguments, {one})) << one;
  }
}

}  // namespace
}  // namespace trivet::sandbox
