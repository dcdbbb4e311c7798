// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/promise.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

class PromiseTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/trivet-promise-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/promise.json"; }
  std::string folder_;
  Instant now_{};
};

TEST_F(PromiseTest, ALowerTermIsRefusedAlsoAfterARestart) {
  {
    PromiseFile promise(path());
    ASSERT_TRUE(promise.load().has_value());
    ASSERT_TRUE(promise.admit({Term(5), now_ + Millis(1)}, now_).has_value());
    EXPECT_TRUE(promise.admit({Term(5), now_ + Millis(1)}, now_).has_value());
    EXPECT_EQ(promise.admit({Term(4), now_ + Millis(1)}, now_).error().code, Errc::kConflict);
  }
  PromiseFile promise(path());
  ASSERT_TRUE(promise.load().has_value());
  EXPECT_EQ(promise.admit({Term(4), now_ + Millis(1)}, now_).error().code, Errc::kConflict);
}

TEST_F(PromiseTest, ALateCommandIsRefusedAndPromisesNothing) {
  PromiseFile promise(path());
  EXPECT_EQ(promise.admit({Term(9), now_}, now_ + Millis(1)).error().code, Errc::kTimeout);
  EXPECT_TRUE(promise.admit({Term(1), now_ + Millis(1)}, now_).has_value());
}

TEST_F(PromiseTest, ADamagedFileIsNotTakenForNone) {
  ASSERT_TRUE(write_file_atomically(path(), "{", 0600).has_value());
  PromiseFile promise(path());
  EXPECT_EQ(promise.load().error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace trivet::agent
