// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"
#include "core/binlog/binlog_fixtures.h"
#include "core/binlog/tail.h"

namespace trivet::binlog {
namespace {

constexpr std::uint64_t kEndOfFirst = 544;  // of kKilled's transactions
constexpr std::uint64_t kEndOfSecond = 814;

std::string closed() {
  return *from_hex(kClosed);
}
std::string killed(std::size_t bytes = std::string::npos) {
  return from_hex(kKilled)->substr(0, bytes);
}

gtid::GtidSet set(const std::string& rest) {
  return *gtid::GtidSet::parse(std::string(kUuid) + ":" + rest);
}
gtid::GtidSet before() {
  return set("1-7:blue:1");
}
std::string long_tag(const std::string& number) {
  return std::string(kLongTag) + ":" + number;
}

Tail scan(const std::string& file, const gtid::GtidSet& held) {
  TailScanner scanner(held, file.size());
  for (std::size_t i = 0; i <= file.size(); ++i) {  // each event is asked for twice at most
    const auto want = scanner.want();
    if (!want) {
      return scanner.tail();
    }
    EXPECT_LE(want->offset + want->length, file.size());
    scanner.give(std::string_view(file).substr(want->offset, want->length));
  }
  ADD_FAILURE() << "the scan does not end";
  return scanner.tail();
}

TEST(Crc32, IsTheUsualOne) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);
}

TEST(TailScanner, AClosedFileThatTheWriterHoldsHasNoTail) {
  const Tail tail = scan(closed(), set("1-6"));
  EXPECT_EQ(tail.unreadable, "");
  EXPECT_FALSE(tail.in_use);
  EXPECT_TRUE(tail.lacking.empty());
  EXPECT_EQ(tail.begins_at, 0U);
}

TEST(TailScanner, AClosedFilesTailEndsInOrder) {
  const Tail tail = scan(closed(), set("1-4"));
  EXPECT_EQ(tail.unreadable, "");
  EXPECT_EQ(tail.lacking, set("5-6"));
  EXPECT_EQ(tail.obstacle, "an orderly end of the file");
  EXPECT_TRUE(tail.is_contiguous);
  EXPECT_TRUE(tail.is_in_last_file);
}

TEST(TailScanner, FindsPlainAndTaggedTransactions) {
  const Tail none = scan(killed(kEndOfSecond), set("1-8:blue:1:" + long_tag("1")));
  EXPECT_TRUE(none.in_use);
  EXPECT_TRUE(none.lacking.empty()) << none.lacking.str();
  const Tail both = scan(killed(kEndOfSecond), before());
  EXPECT_EQ(both.unreadable, "");
  EXPECT_EQ(both.lacking, set("8:" + long_tag("1")));
  EXPECT_EQ(both.begins_at, 244U);
  EXPECT_EQ(both.preamble, 244U);
  EXPECT_EQ(both.obstacle, "");
  const Tail second = scan(killed(kEndOfSecond), set("1-7:blue:1:" + long_tag("1")));
  EXPECT_EQ(second.lacking, set("8"));
  EXPECT_EQ(second.begins_at, kEndOfFirst);
}

TEST(TailScanner, WhatTheWriterHasAfterwardsMakesItNoEnd) {
  const Tail tail = scan(killed(kEndOfSecond), set("1-8:blue:1"));
  EXPECT_EQ(tail.lacking, set(long_tag("1")));
  EXPECT_FALSE(tail.is_contiguous);
}

TEST(TailScanner, EarlierFilesCountToo) {
  const Tail tail = scan(killed(kEndOfSecond), set("1-6:8:blue:1:" + long_tag("1")));
  EXPECT_FALSE(tail.is_in_last_file);
  EXPECT_EQ(tail.lacking, set("7"));
}

TEST(TailScanner, NamesWhatIsNoChangeOfRows) {
  const struct {
    std::size_t bytes;
    std::string held, obstacle;
  } cases[] = {
      {1014, "8", "a statement that is no change of rows"},     // DDL
      {1320, "8-9", "a statement that is no change of rows"},   // ends with COMMIT
      {1695, "8-10", "a statement that is no change of rows"},  // XA START
      {1859, "8-11", "a statement that is no change of rows"},  // XA COMMIT
      {2090, "8-12", "a compressed transaction"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    const Tail tail = scan(killed(c.bytes), set("1-7:" + c.held + ":blue:1:" + long_tag("1")));
    EXPECT_EQ(tail.obstacle, c.obstacle);
    EXPECT_EQ(tail.lacking.count(), 1U);
  }
  EXPECT_EQ(scan(killed(), before()).lacking, set("8-13:" + long_tag("1")));
}

TEST(TailScanner, WhatWasCutOffAnywhereIsNoWholeTransaction) {
  for (std::size_t bytes = 0; bytes < kEndOfSecond; ++bytes) {
    SCOPED_TRACE(bytes);
    const Tail tail = scan(killed(bytes), before());
    if (bytes < 244) {
      EXPECT_NE(tail.unreadable, "");
      continue;
    }
    EXPECT_EQ(tail.unreadable, "");
    EXPECT_EQ(tail.lacking, bytes < kEndOfFirst ? gtid::GtidSet() : set(long_tag("1")));
    EXPECT_EQ(tail.begins_at, bytes < 353 ? 0U : 244U);
  }
}

TEST(TailScanner, NoByteThatIsReadMayBeWrong) {
  const Tail right = scan(killed(kEndOfSecond), before());
  for (std::size_t at = 0; at < 353; ++at) {  // to the end of the first GTID
    std::string file = killed(kEndOfSecond);
    file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ 0x10U);
    const Tail tail = scan(file, before());
    // The clock, the position and the flags of an event say nothing that is relied on.
    EXPECT_TRUE(!tail.unreadable.empty() || tail.lacking.empty()) << at;
  }
  EXPECT_EQ(right.unreadable, "");
}

TEST(TailScanner, ThrivesOnRubbish) {
  std::mt19937 random(7);
  for (int n = 0; n < 20'000; ++n) {
    std::string file = killed();
    for (unsigned changes = 1 + random() % 8; changes > 0; --changes) {
      file[random() % file.size()] = static_cast<char>(random());
    }
    file.resize(random() % (file.size() + 1));
    const Tail tail = scan(file, before());
    EXPECT_LE(tail.begins_at, file.size());
    EXPECT_TRUE(tail.begins_at == 0 || tail.begins_at >= tail.preamble);
  }
}

TEST(TailScanner, AnEncryptedOrEmptyFileIsUnreadable) {
  std::string file = closed();
  file[0] = '\xfd';
  EXPECT_EQ(scan(file, before()).unreadable, "it is encrypted");
  file[0] = 'x';
  EXPECT_EQ(scan(file, before()).unreadable, "the file is no binary log");
  EXPECT_EQ(scan("", before()).unreadable, "the file is empty");
}

}  // namespace
}  // namespace trivet::binlog
