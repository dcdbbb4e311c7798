// SPDX-License-Identifier: Apache-2.0
#include "agent/log_end.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter/engine/files.h"
#include "base/bytes.h"
#include "base/file.h"
#include "core/binlog/binlog_fixtures.h"

namespace trivet::agent {
namespace {

constexpr std::size_t kTwoTransactions = 814;
constexpr std::size_t kOneTransaction = 544;

class LogEndTest : public testing::Test {
 protected:
  LogEndTest() {
    char name[] = "/tmp/trivet-log-end-XXXXXX";
    folder_ = ::mkdtemp(name);
    log_ = from_hex(binlog::kKilled)->substr(0, kTwoTransactions);
    write("binlog.000009", log_);
    write("binlog.index", "./binlog.000008\n./binlog.000009\n");
  }
  ~LogEndTest() override { EXPECT_TRUE(engine::remove_tree(folder_).has_value()); }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(folder_ + "/" + name, text, 0600).has_value());
  }
  std::string read(const std::string& name) { return *read_file(folder_ + "/" + name); }
  static gtid::GtidSet held(const std::string& more) {
    return *gtid::GtidSet::parse(std::string(binlog::kUuid) + ":1-7:blue:1" + more);
  }
  LogEnd look(const gtid::GtidSet& writer) {
    auto log = read_log_end(folder_, writer);
    EXPECT_TRUE(log.has_value());
    return *log;
  }

  std::string folder_, log_;
};

TEST_F(LogEndTest, TheTailIsCopiedAndCut) {
  const std::string first = std::string(binlog::kLongTag) + ":1";
  const LogEnd log = look(held(":" + first));
  EXPECT_EQ(log.tail.unreadable, "");
  EXPECT_EQ(log.tail.lacking.count(), 1U);
  ASSERT_TRUE(copy_tail(log, folder_ + "/kept").has_value());
  EXPECT_EQ(read("kept"), log_.substr(0, 244) + log_.substr(kOneTransaction));
  EXPECT_EQ(read("binlog.000009"), log_);
  ASSERT_TRUE(cut_tail(log).has_value());
  EXPECT_EQ(read("binlog.000009"), log_.substr(0, kOneTransaction));
  EXPECT_TRUE(look(held(":" + first)).tail.lacking.empty());
}

TEST_F(LogEndTest, AFileThatChangedIsNotCut) {
  const LogEnd log = look(held(""));
  write("binlog.000009", log_ + "more");
  const Status cut = cut_tail(log);
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().code, Errc::kConflict);
  EXPECT_EQ(read("binlog.000009"), log_ + "more");
}

TEST_F(LogEndTest, WhatIsNoLogOfOursIsUnreadable) {
  for (const char* index : {"", "./binlog.000009", "../binlog.000009\n", "./a/b\n", "\n"}) {
    write("binlog.index", index);
    EXPECT_NE(look(held("")).tail.unreadable, "") << index;
  }
  write("binlog.index", "./binlog.000010\n");
  EXPECT_NE(look(held("")).tail.unreadable, "");
  ASSERT_EQ(::symlink("/etc/passwd", (folder_ + "/binlog.000010").c_str()), 0);
  const auto followed = read_log_end(folder_, held(""));
  EXPECT_TRUE(!followed.has_value() || !followed->tail.unreadable.empty());
  ASSERT_EQ(::unlink((folder_ + "/binlog.index").c_str()), 0);
  EXPECT_NE(look(held("")).tail.unreadable, "");
}

}  // namespace
}  // namespace trivet::agent
