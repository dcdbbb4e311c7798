// SPDX-License-Identifier: Apache-2.0
#include "adapter/log_store/log_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace trivet::log_store {
namespace {

namespace fs = std::filesystem;

class SteppingClock final : public Clock {
 public:
  Instant now() const override { return SystemClock().now(); }
  WallTime wall_now() const override { return wall_time_from_ms(1'000'000); }
};

WallTime at(std::int64_t ms) {
  return wall_time_from_ms(ms);
}

std::vector<LogEvent> numbered(std::int64_t from, std::int64_t to) {
  std::vector<LogEvent> out;
  for (std::int64_t i = from; i < to; ++i) {
    out.push_back({at(i), "event " + std::to_string(i)});
  }
  return out;
}

class LogStoreTest : public testing::Test {
 protected:
  LogStoreTest() {
    char path[] = "/tmp/trivet-logs-XXXXXX";
    EXPECT_NE(::mkdtemp(path), nullptr);
    root_ = path;
    open();
  }
  ~LogStoreTest() override {
    store_.reset();
    fs::remove_all(root_);
  }
  void open(LogStoreLimits limits = {}) {
    store_.reset();
    auto opened = FileLogStore::open(root_ + "/logs", clock_, limits);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store_ = std::move(*opened);
  }
  void make(const std::string& group, const std::string& stream) {
    if (!store_->find_group(group)) {
      ASSERT_TRUE(store_->create_group(group, {}, at(1)).has_value());
    }
    ASSERT_TRUE(store_->create_stream(group, stream, at(2)).has_value());
  }
  std::vector<std::string> messages(const std::vector<StoredLogEvent>& events) const {
    std::vector<std::string> out;
    for (const StoredLogEvent& event : events) {
      out.push_back(event.message);
    }
    return out;
  }
  LogFindings search(std::size_t events_max = 10'000, std::string after = {}) const {
    auto found = store_->search({.group = "g",
                                 .wants_stream = [](const std::string&) { return true; },
                                 .wants_message = [](std::string_view) { return true; },
                                 .events_max = events_max,
                                 .after = std::move(after)});
    EXPECT_TRUE(found.has_value());
    return found ? *found : LogFindings();
  }

  SteppingClock clock_;
  std::string root_;
  std::unique_ptr<FileLogStore> store_;
};

TEST_F(LogStoreTest, WhatIsAppendedIsThereAfterARestart) {
  store_->append("/aws/lambda/f", "2026/01/02/[$LATEST]aa", {{at(5), "one\ntwo"}, {at(6), ""}});
  store_->stop(Millis(10'000));
  open();
  const auto page = store_->read({.group = "/aws/lambda/f", .stream = "2026/01/02/[$LATEST]aa"});
  ASSERT_TRUE(page.has_value());
  ASSERT_EQ(messages(page->events), (std::vector<std::string>{"one\ntwo", ""}));
  EXPECT_EQ(page->events[0].at, at(5));
  EXPECT_EQ(page->events[0].ingested, at(1'000'000));
  const auto streams = store_->streams("/aws/lambda/f");
  ASSERT_TRUE(streams.has_value());
  ASSERT_EQ(streams->size(), 1U);
  EXPECT_EQ((*streams)[0].first_event, at(5));
  EXPECT_EQ((*streams)[0].last_event, at(6));
}

TEST_F(LogStoreTest, ATornRecordIsCutOff) {
  make("g", "s");
  ASSERT_TRUE(store_->put("g", "s", numbered(1, 3), at(9)).has_value());
  store_.reset();
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() == ".log") {
      std::ofstream(entry.path(), std::ios::app) << "3 9 100\nhalf";
    }
  }
  open();
  ASSERT_TRUE(store_->put("g", "s", numbered(4, 5), at(9)).has_value());
  const auto page = store_->read({.group = "g", .stream = "s"});
  EXPECT_EQ(messages(page->events), (std::vector<std::string>{"event 1", "event 2", "event 4"}));
}

TEST_F(LogStoreTest, PagesGoForwardAndBackwardOverSegments) {
  open({.segment_bytes = 100});
  make("g", "s");
  ASSERT_TRUE(store_->put("g", "s", numbered(0, 100), at(9)).has_value());
  std::vector<std::string> forward;
  std::string position;
  for (int i = 0; i < 20; ++i) {
    const auto page =
        store_->read({.group = "g", .stream = "s", .events_max = 7, .position = position});
    ASSERT_TRUE(page.has_value());
    const auto texts = messages(page->events);
    forward.insert(forward.end(), texts.begin(), texts.end());
    position = page->forward;
  }
  EXPECT_EQ(forward.size(), 100U);
  EXPECT_EQ(forward.back(), "event 99");
  // At the end the position stays, and finds what comes later.
  ASSERT_TRUE(store_->put("g", "s", numbered(100, 101), at(9)).has_value());
  auto page = store_->read({.group = "g", .stream = "s", .position = position});
  EXPECT_EQ(messages(page->events), std::vector<std::string>{"event 100"});

  page = store_->read({.group = "g", .stream = "s", .events_max = 3, .is_forward = false});
  EXPECT_EQ(messages(page->events),
            (std::vector<std::string>{"event 98", "event 99", "event 100"}));
  page = store_->read({.group = "g",
                       .stream = "s",
                       .events_max = 2,
                       .is_forward = false,
                       .position = page->backward});
  EXPECT_EQ(messages(page->events), (std::vector<std::string>{"event 96", "event 97"}));
  page = store_->read({.group = "g", .stream = "s", .from = at(40), .to = at(42)});
  EXPECT_EQ(messages(page->events), (std::vector<std::string>{"event 40", "event 41"}));
  EXPECT_EQ(store_->read({.group = "g", .stream = "s", .position = "x"}).error().code,
            Errc::kInvalidArgument);
}

TEST_F(LogStoreTest, ASearchMergesStreamsByTimeAndGoesOnWhereItEnded) {
  open({.segment_bytes = 200});
  make("g", "a");
  make("g", "b");
  for (std::int64_t i = 0; i < 60; i += 2) {
    ASSERT_TRUE(store_->put("g", "a", numbered(i, i + 1), at(9)).has_value());
    ASSERT_TRUE(store_->put("g", "b", numbered(i + 1, i + 2), at(9)).has_value());
  }
  std::vector<std::string> all;
  std::string after;
  for (int i = 0; i < 20; ++i) {
    const LogFindings found = search(7, after);
    const auto texts = messages(found.events);
    all.insert(all.end(), texts.begin(), texts.end());
    if (found.is_complete) {
      break;
    }
    after = found.events.back().id;
  }
  ASSERT_EQ(all.size(), 60U);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(all[static_cast<std::size_t>(i)], "event " + std::to_string(i));
  }
}

TEST_F(LogStoreTest, TheOldestGoesWhenTheSpaceIsUsed) {
  open({.segment_bytes = 200, .total_bytes = 2'000});
  make("g", "s");
  for (std::int64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(store_->put("g", "s", numbered(i, i + 1), at(9)).has_value());
  }
  const LogFindings found = search();
  EXPECT_LT(found.events.size(), 150U);
  EXPECT_GT(found.events.size(), 30U);
  EXPECT_EQ(found.events.back().message, "event 299");
  EXPECT_LE(store_->groups()[0].stored_bytes, 2'000);
}

TEST_F(LogStoreTest, RetentionRemovesWhatIsOlder) {
  open({.segment_bytes = 10});
  make("g", "s");
  const WallTime now = at(40LL * 86'400'000);
  ASSERT_TRUE(store_->put("g", "s", {{now - std::chrono::hours(25), "old"}, {now, "new"}}, now)
                  .has_value());
  store_->expire(now);
  EXPECT_EQ(search().events.size(), 2U);
  ASSERT_TRUE(store_->set_retention("g", 1).has_value());
  store_->expire(now);
  EXPECT_EQ(messages(search().events), std::vector<std::string>{"new"});
  open();
  EXPECT_EQ(store_->find_group("g")->retention_days, 1);
}

TEST_F(LogStoreTest, AFloodIsDroppedAndSaidSo) {
  open({.waiting_bytes = 1'000});
  for (int i = 0; i < 200; ++i) {
    store_->append("g", "s", {{at(i), std::string(400, 'x')}});
  }
  store_->stop(Millis(10'000));
  open();
  store_->append("g", "s", {{at(500), "after"}});
  store_->stop(Millis(10'000));
  const auto page = store_->read({.group = "g", .stream = "s"});
  ASSERT_TRUE(page.has_value());
  EXPECT_LT(page->events.size(), 202U);
  EXPECT_EQ(page->events.back().message, "after");
}

TEST_F(LogStoreTest, DeletedGroupsAndStreamsAreGone) {
  make("g", "s");
  EXPECT_EQ(store_->create_group("g", {}, at(1)).error().code, Errc::kAlreadyExists);
  EXPECT_EQ(store_->create_stream("g", "s", at(1)).error().code, Errc::kAlreadyExists);
  EXPECT_TRUE(store_->delete_stream("g", "s").has_value());
  EXPECT_EQ(store_->put("g", "s", numbered(1, 2), at(9)).error().code, Errc::kNotFound);
  EXPECT_TRUE(store_->delete_group("g").has_value());
  EXPECT_EQ(store_->delete_group("g").error().code, Errc::kNotFound);
  open();
  EXPECT_TRUE(store_->groups().empty());
}

}  // namespace
}  // namespace trivet::log_store
