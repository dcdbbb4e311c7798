// SPDX-License-Identifier: Apache-2.0
#include "core/gtid/gtid_set.h"

#include <gtest/gtest.h>

namespace trivet::gtid {
namespace {

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kB = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

GtidSet set(const std::string& text) {
  auto parsed = GtidSet::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? *parsed : GtidSet();
}

TEST(GtidSet, ParsesWhatMySqlPrintsAndPrintsItBack) {
  EXPECT_EQ(set(kA + ":1-5:6:8-9,\n" + kB + ":1").str(), kA + ":1-6:8-9," + kB + ":1");
  EXPECT_EQ(set(kA + ":1-3:tag_a:1-5:7:tag_b:1").str(), kA + ":1-3:tag_a:1-5:7:tag_b:1");
  EXPECT_EQ(set("").str(), "");
  EXPECT_EQ(set("3E11FA47-71CA-11E1-9E33-C80AA9429562:1").str(), kA + ":1");
  EXPECT_TRUE(set(kA + ":5-3").empty());
}

TEST(GtidSet, RefusesWhatIsNoGtidSet) {
  for (const std::string& text :
       {std::string("x"), kA, kA + ":", kA + ":0", kA + ":-1", kA + ":1-", kA + ":1-x", kA + ":tag",
        kA + ":1tag:1", kA + ":99999999999999999999", std::string("not-a-uuid:1-5")}) {
    EXPECT_FALSE(GtidSet::parse(text).has_value()) << text;
  }
}

TEST(GtidSet, ContainsComparesBySourceAndTag) {
  EXPECT_TRUE(set(kA + ":1-10").contains(set(kA + ":3-7")));
  EXPECT_TRUE(set(kA + ":1-10").contains(set("")));
  EXPECT_FALSE(set(kA + ":1-10").contains(set(kA + ":3-11")));
  EXPECT_FALSE(set(kA + ":1-3:5-10").contains(set(kA + ":3-5")));
  EXPECT_FALSE(set(kA + ":1-10").contains(set(kB + ":1")));
  EXPECT_FALSE(set(kA + ":1-10").contains(set(kA + ":t:1")));
}

TEST(GtidSet, UnionAndDifference) {
  EXPECT_EQ(united(set(kA + ":1-3"), set(kA + ":4-6:9")).str(), kA + ":1-6:9");
  EXPECT_EQ(minus(set(kA + ":1-10"), set(kA + ":3-4:10," + kB + ":1")).str(), kA + ":1-2:5-9");
  EXPECT_TRUE(minus(set(kA + ":1-10:t:1"), set(kA + ":1-10:t:1")).empty());
  EXPECT_EQ(set(kA + ":1-10:t:3").count(), 11U);
}

TEST(GtidSet, TellsWhatOneServerCommitted) {
  const std::string one = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
  const std::string other = "4e11fa47-71ca-11e1-9e33-c80aa9429562";
  const GtidSet all = *GtidSet::parse(one + ":1-5:tag:1-2," + other + ":1-9");
  EXPECT_EQ(all.of_server(one), *GtidSet::parse(one + ":1-5:tag:1-2"));
  EXPECT_TRUE(all.of_server("5e11fa47-71ca-11e1-9e33-c80aa9429562").empty());
}

}  // namespace
}  // namespace trivet::gtid
