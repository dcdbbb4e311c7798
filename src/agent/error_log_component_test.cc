// SPDX-License-Identifier: Apache-2.0
//
// On real files: a log that grows as mysqld's does, and what is left of it.
#include "agent/error_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/engine/files.h"
#include "base/fd.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr WallTime kNow = WallTime(Millis(1'800'000'000'000));
constexpr ErrorLog::Limits kLimits{.bytes_max = 100, .bytes_kept = 10};

class ErrorLogTest : public testing::Test {
 protected:
  ErrorLogTest() {
    char name[] = "/tmp/trivet-error-log-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/error.log";
    old_ = path_ + ".1";
    server_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  }
  ~ErrorLogTest() override { EXPECT_TRUE(engine::remove_tree(folder_).has_value()); }

  void write(const std::string& text) {
    ASSERT_EQ(::write(server_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // As if it had been moved then.
  void age(const std::string& path, WallTime then) {
    const timespec times[2] = {{to_seconds(then), 0}, {to_seconds(then), 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  std::string folder_;
  std::string path_;
  std::string old_;
  Fd server_;
};

TEST_F(ErrorLogTest, SaysWhatWasWrittenSinceTheLookBefore) {
  ErrorLog log(path_, old_, kLimits);
  write("begin\n");
  EXPECT_EQ(log.look(kNow)->written, 0U) << "what was there before we looked";
  write("more\n");
  EXPECT_EQ(log.look(kNow)->written, 5U);
  EXPECT_EQ(log.look(kNow)->written, 0U);
  EXPECT_EQ(*read_file(path_), "begin\nmore\n");
}

TEST_F(ErrorLogTest, NoLogYet) {
  ErrorLog log(folder_ + "/none", old_, kLimits);
  EXPECT_EQ(log.look(kNow).error().code, Errc::kNotFound);
}

TEST_F(ErrorLogTest, ALongOneIsMovedAndTheServerWritesOn) {
  ErrorLog log(path_, old_, kLimits);
  const std::string text(120, 'a');
  write(text);
  const auto seen = log.look(kNow);
  EXPECT_EQ(seen->moved, 120U);
  EXPECT_EQ(seen->cut, 0U);
  EXPECT_EQ(*read_file(old_), text);
  write("after\n");
  EXPECT_EQ(*read_file(path_), "after\n");
  EXPECT_EQ(log.look(kNow)->written, 6U);
}

TEST_F(ErrorLogTest, AFloodIsCutToItsBeginning) {
  ErrorLog log(path_, old_, kLimits);
  write(std::string(120, 'a'));
  EXPECT_EQ(log.look(kNow)->moved, 120U);
  age(old_, kNow);
  write("0123456789" + std::string(200, 'b'));
  const auto seen = log.look(kNow + std::chrono::seconds(1));
  EXPECT_EQ(seen->moved, 0U);
  EXPECT_EQ(seen->cut, 200U);
  EXPECT_EQ(seen->written, 210U);
  EXPECT_EQ(*read_file(path_), "0123456789");
  EXPECT_EQ(read_file(old_)->front(), 'a') << "the log of before the flood";
  write(std::string(120, 'c'));
  EXPECT_EQ(log.look(kNow + std::chrono::hours(25))->moved, 130U) << "a day later";
}

TEST_F(ErrorLogTest, OneFarTooLongLosesItsEnd) {
  ErrorLog log(path_, old_, kLimits);
  const std::string text(32U << 20U, 'a');
  write(text);
  const auto seen = log.look(kNow);
  EXPECT_EQ(seen->moved + seen->cut, text.size());
  EXPECT_GE(seen->moved, 200U);
  EXPECT_GT(seen->cut, 0U);
}

TEST_F(ErrorLogTest, NothingElseIsReachedByALink) {
  const std::string other = folder_ + "/other";
  ASSERT_TRUE(write_file_atomically(other, "precious", 0600).has_value());
  ASSERT_EQ(::symlink(other.c_str(), old_.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), (old_ + ".new").c_str()), 0);
  ErrorLog log(path_, old_, kLimits);
  write(std::string(120, 'a'));
  EXPECT_EQ(log.look(WallTime(Millis(4'000'000'000'000)))->moved, 120U);
  EXPECT_EQ(*read_file(other), "precious");

  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
  EXPECT_EQ(log.look(kNow).error().code, Errc::kInternal);
}

TEST_F(ErrorLogTest, WhatCannotBeMovedIsCut) {
  ASSERT_EQ(::mkdir((old_ + ".new").c_str(), 0700), 0);  // cannot be unlinked
  ErrorLog log(path_, old_, kLimits);
  write(std::string(120, 'a'));
  const auto seen = log.look(kNow);
  EXPECT_EQ(seen->moved, 0U);
  EXPECT_EQ(seen->cut, 110U);
  EXPECT_EQ(read_file(path_)->size(), 10U);
}

}  // namespace
}  // namespace trivet::agent
