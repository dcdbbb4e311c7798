// SPDX-License-Identifier: Apache-2.0
#include "service/event_log.h"

#include <gtest/gtest.h>

#include "adapter/store_memory/store.h"

namespace trivet::service {
namespace {

class HandClock final : public Clock {
 public:
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override { return now_; }
  void advance(Millis by) { now_ += by; }

 private:
  WallTime now_ = wall_time_from_ms(1'800'000'000'000);
};

// A store whose commits can be made to fail.
class MoodyStore final : public StateStore {
 public:
  Result<StoredValue> get(std::string_view key) override { return inner_.get(key); }
  Result<std::vector<StoredValue>> list(std::string_view prefix) override {
    return inner_.list(prefix);
  }
  Result<Revision> commit(const Commit& commit) override {
    return is_down ? Result<Revision>(make_error(Errc::kUnavailable, "disk full"))
                   : inner_.commit(commit);
  }
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override {
    return inner_.watch(std::move(prefix), std::move(on_events));
  }
  bool is_down = false;

 private:
  store_memory::MemoryStore inner_;
};

// Remembers when what it is given is to run, and runs nothing.
class IdleExecutor final : public Executor {
 public:
  explicit IdleExecutor(std::vector<Millis>& delays) : delays_(delays) {}
  bool post(Task) override { return true; }
  bool post_after(Millis delay, Task) override {
    delays_.push_back(delay);
    return true;
  }
  void stop() override {}

 private:
  std::vector<Millis>& delays_;
};

class EventLogTest : public testing::Test {
 protected:
  // Nothing is written by itself while a test runs.
  static EventLogLimits limits(std::size_t events_max = 5'000) {
    return {.events_max = events_max, .write_after = std::chrono::hours(1)};
  }
  Event event(const std::string& source_id, const std::string& message) const {
    return {.at = clock_.wall_now(),
            .source = Event::Source::kCluster,
            .source_id = source_id,
            .source_arn = "arn:aws:rds:us-east-1:123456789012:cluster:" + source_id,
            .id = "RDS-EVENT-0071",
            .category = "failover",
            .message = message};
  }
  static std::string messages(const std::vector<RecordedEvent>& events) {
    std::string out;
    for (const RecordedEvent& recorded : events) {
      out += recorded.event.message + " ";
    }
    return out;
  }

  HandClock clock_;
  MoodyStore store_;
};

TEST_F(EventLogTest, FindsBySourceTimeAndCategory) {
  EventLog events(store_, clock_, limits());
  ASSERT_TRUE(events.load());
  const WallTime begin = clock_.wall_now();
  events.record(event("demo", "a"));
  clock_.advance(Millis(1'000));
  events.record(event("other", "b"));
  Event death = event("demo", "c");
  death.source = Event::Source::kInstance;
  death.category = "availability";
  events.record(death);
  clock_.advance(Millis(1'000));
  events.record(event("demo", "d"));

  EXPECT_EQ(messages(events.find({})), "a b c d ");
  EXPECT_EQ(messages(events.find({.source_id = "demo"})), "a c d ");
  EXPECT_EQ(messages(events.find({.source = Event::Source::kCluster, .source_id = "demo"})),
            "a d ");
  EXPECT_EQ(messages(events.find({.from = begin + Millis(1), .to = begin + Millis(1'000)})),
            "b c ");
  EXPECT_EQ(messages(events.find({.categories = {"availability"}})), "c ");
  EXPECT_EQ(events.find({})[2].event, death);
}

TEST_F(EventLogTest, OutlivesTheDaemonAndKeepsKeysApart) {
  {
    EventLog events(store_, clock_, limits());
    ASSERT_TRUE(events.load());
    events.record(event("demo", "before"));
    EXPECT_TRUE(store_.list("")->empty());  // not yet: whoever recorded it did not wait
  }
  EventLog events(store_, clock_, limits());
  ASSERT_TRUE(events.load());
  events.record(event("demo", "after"));
  EXPECT_EQ(messages(events.find({})), "before after ");
  ASSERT_TRUE(events.write());
  EXPECT_EQ(store_.list("")->size(), 2U);
}

TEST_F(EventLogTest, KeepsFourteenDaysAndSoMany) {
  EventLog events(store_, clock_, limits(3));
  ASSERT_TRUE(events.load());
  for (const char* message : {"a", "b", "c", "d"}) {
    events.record(event("demo", message));
  }
  EXPECT_EQ(messages(events.find({})), "b c d ");
  ASSERT_TRUE(events.write());
  EXPECT_EQ(store_.list("")->size(), 3U);
  clock_.advance(kEventsKept + Millis(1));
  EXPECT_TRUE(events.find({}).empty());
  events.record(event("demo", "e"));
  ASSERT_TRUE(events.write());
  ASSERT_EQ(store_.list("")->size(), 1U);

  clock_.advance(kEventsKept + Millis(1));
  EventLog later(store_, clock_, limits());
  ASSERT_TRUE(later.load());
  EXPECT_TRUE(later.find({}).empty());
  ASSERT_TRUE(later.write());
  EXPECT_TRUE(store_.list("")->empty());
}

TEST_F(EventLogTest, AStoreThatIsDownLosesNothing) {
  EventLog events(store_, clock_, limits(2));
  ASSERT_TRUE(events.load());
  events.record(event("demo", "a"));
  ASSERT_TRUE(events.write());
  store_.is_down = true;
  events.record(event("demo", "b"));
  events.record(event("demo", "c"));  // "a" goes
  EXPECT_EQ(events.write().error().code, Errc::kUnavailable);
  EXPECT_EQ(messages(events.find({})), "b c ");
  store_.is_down = false;
  ASSERT_TRUE(events.write());
  ASSERT_EQ(store_.list("")->size(), 2U);
  EXPECT_EQ(decode_event(store_.list("")->front().value)->message, "b");
}

TEST_F(EventLogTest, WhatAnOperatorAsksForIsWrittenAtOnceAndAnAcceptedLossToo) {
  std::vector<Millis> delays;
  EventLog events(store_, clock_, limits(), std::make_unique<IdleExecutor>(delays));
  events.record(event("demo", "Completed failover."));
  ASSERT_EQ(delays, std::vector{limits().write_after});
  Event loss = event("demo", "An operator accepted the loss of data.");
  loss.id = "RDS-EVENT-0069";
  events.record(loss);
  EXPECT_EQ(delays.back(), Millis(0)) << "a kill -9 must not lose it";
}

TEST_F(EventLogTest, WhatCannotBeReadIsLeftAlone) {
  ASSERT_TRUE(store_.commit(
      {.compares = {}, .puts = {{"events/01800000000000-00000000", "{\"v\":99}"}}, .deletes = {}}));
  EventLog events(store_, clock_, limits());
  ASSERT_TRUE(events.load());
  EXPECT_TRUE(events.find({}).empty());
  ASSERT_TRUE(events.write());
  EXPECT_EQ(store_.list("")->size(), 1U);
}

}  // namespace
}  // namespace trivet::service
