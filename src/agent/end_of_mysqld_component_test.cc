// SPDX-License-Identifier: Apache-2.0
#include "agent/end_of_mysqld.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr int exited(int status) {
  return status << 8;  // a wait status, as the kernel lays it out
}

class EndOfMysqldTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/trivet-end-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    home_ = name;
    ASSERT_TRUE(make_folders(paths().run_folder, 0700).has_value());
    left(paths().guard_socket());
    ASSERT_TRUE(prepare_end_of_mysqld(paths()).has_value());
  }
  void TearDown() override {
    ::unlink(paths().guard_socket().c_str());
    ::unlink(paths().mysqld_socket().c_str());
    ::rmdir(paths().run_folder.c_str());
    ::rmdir((home_ + "/run").c_str());
    ::rmdir(home_.c_str());
  }

  MemberPaths paths() const {
    Member member;
    member.server_id = 7;
    return {home_, Cluster(), member};
  }
  static void left(const std::string& path) {
    ASSERT_TRUE(write_file_atomically(path, "", 0600).has_value());
  }
  std::string home_;
};

TEST_F(EndOfMysqldTest, AnExitStatusSaysWhetherItWasTold) {
  EXPECT_TRUE(end_of_mysqld(paths(), exited(0)).is_orderly);
  EXPECT_TRUE(end_of_mysqld(paths(), exited(16)).is_orderly) << "RESTART";
  EXPECT_FALSE(end_of_mysqld(paths(), exited(1)).is_orderly);
  EXPECT_FALSE(end_of_mysqld(paths(), exited(2)).is_orderly) << "MySQL's own report of a crash";
  ::unlink(paths().mysqld_socket().c_str());
  EXPECT_FALSE(end_of_mysqld(paths(), exited(1)).is_orderly) << "a start that was given up";
  EXPECT_TRUE(end_of_mysqld(paths(), exited(2)).is_orderly) << "it crashed on its way down";
  EXPECT_EQ(end_of_mysqld(paths(), exited(1)).how, "exit status 1");
}

TEST_F(EndOfMysqldTest, OneThatIsKilledWhileItServesLeavesItsSocket) {
  const failover::MemberEnd end = end_of_mysqld(paths(), SIGKILL);
  EXPECT_FALSE(end.is_orderly);
  EXPECT_EQ(end.how, "killed by signal 9");
  EXPECT_FALSE(end_of_mysqld(paths(), std::nullopt).is_orderly);
}

TEST_F(EndOfMysqldTest, OneThatIsKilledOnItsWayDownHasTakenItAway) {
  ::unlink(paths().mysqld_socket().c_str());
  const failover::MemberEnd end = end_of_mysqld(paths(), SIGKILL);
  EXPECT_TRUE(end.is_orderly);
  EXPECT_EQ(end.how, "killed by signal 9 while it shut down");
  EXPECT_TRUE(end_of_mysqld(paths(), std::nullopt).is_orderly) << "its guard was killed, too";
}

TEST_F(EndOfMysqldTest, WithoutAGuardThatDiedThereWasNoRun) {
  ::unlink(paths().mysqld_socket().c_str());
  ::unlink(paths().guard_socket().c_str());
  EXPECT_FALSE(end_of_mysqld(paths(), std::nullopt).is_orderly);
}

}  // namespace
}  // namespace trivet::agent
