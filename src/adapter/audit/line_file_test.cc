// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/line_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"

namespace trivet::audit {
namespace {

class LineFileTest : public testing::Test {
 protected:
  LineFileTest() {
    std::string pattern = testing::TempDir() + "trivet-line-file-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/log/a.log";
  }
  ~LineFileTest() override { std::filesystem::remove_all(folder_); }

  std::string content(const std::string& end = "") { return read_file(path_ + end).value(); }

  std::string folder_;
  std::string path_;
};

TEST_F(LineFileTest, AppendsForItsOwnerOnly) {
  {
    LineFile file(path_, {});
    ASSERT_TRUE(file.write("one\n"));
  }
  LineFile file(path_, {});
  ASSERT_TRUE(file.write("two\n"));
  EXPECT_EQ(content(), "one\ntwo\n");
  struct stat facts{};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(LineFileTest, KeepsSoManyFullFiles) {
  LineFile file(path_, {.bytes_max = 8, .kept = 2});
  for (const char* line : {"aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"}) {
    ASSERT_TRUE(file.write(std::string(line) + "\n"));
  }
  EXPECT_EQ(content(), "ggg\n");
  EXPECT_EQ(content(".1"), "eee\nfff\n");
  EXPECT_EQ(content(".2"), "ccc\nddd\n");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".3"));
  ASSERT_TRUE(file.write("longer than a whole file\n"));
  EXPECT_EQ(content(), "longer than a whole file\n");
}

TEST_F(LineFileTest, ComesBackWhenRemoved) {
  LineFile file(path_, {});
  ASSERT_TRUE(file.write("one\n"));
  std::filesystem::remove_all(folder_ + "/log");
  ASSERT_TRUE(file.write("two\n"));
  EXPECT_EQ(content(), "two\n");
}

TEST_F(LineFileTest, SaysWhatKeepsItFromWriting) {
  LineFile file("/proc/none/a.log", {});
  const Status written = file.write("one\n");
  ASSERT_FALSE(written);
  EXPECT_FALSE(written.error().message.empty());
}

}  // namespace
}  // namespace trivet::audit
