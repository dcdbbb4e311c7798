// SPDX-License-Identifier: Apache-2.0
#include "adapter/event_spool/event_spool.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace trivet::event_spool {
namespace {

TEST(FileSpool, KeepsEventsUntilTheyAreRemoved) {
  char path[] = "/tmp/trivet-spool-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  const std::string root = std::string(path) + "/events";
  {
    FileSpool spool(root);
    EXPECT_TRUE(spool.list()->empty());
    EXPECT_TRUE(spool.put("2", "two").has_value());
    EXPECT_TRUE(spool.put("1", std::string("a\0b", 3)).has_value());
    EXPECT_TRUE(spool.put("3", "three").has_value());
    EXPECT_TRUE(spool.put("2", "two again").has_value());
    EXPECT_TRUE(spool.remove("3").has_value());
    EXPECT_TRUE(spool.remove("3").has_value());
  }
  // What a killed daemon had not finished writing is no event.
  ASSERT_TRUE(write_file_atomically(root + "/half.tmp", "x", 0600).has_value());
  FileSpool again(root);
  const auto listed = again.list();
  ASSERT_TRUE(listed.has_value());
  const std::vector<std::pair<std::string, std::string>> wanted = {{"1", std::string("a\0b", 3)},
                                                                   {"2", "two again"}};
  EXPECT_EQ(*listed, wanted);
  EXPECT_FALSE(std::filesystem::exists(root + "/half.tmp"));
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace trivet::event_spool
