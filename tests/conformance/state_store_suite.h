// SPDX-License-Identifier: Apache-2.0
//
// What every state store must do, as one parameterised gtest suite. A store joins by instantiating
// it with a factory (memory_store_test.cc, sqlite_store_test.cc).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "ports/state_store.h"

namespace trivet {

// Where one test's store lives. Closing and opening again is how a restart is played.
class StoreBed {
 public:
  virtual ~StoreBed() = default;
  virtual StateStore& store() = 0;
  // False when this kind of store does not outlive its process.
  virtual bool reopen() = 0;
};
using StoreBedFactory = std::function<std::unique_ptr<StoreBed>()>;

class StateStoreSuite : public testing::TestWithParam<StoreBedFactory> {
 protected:
  void SetUp() override { bed_ = GetParam()(); }
  StateStore& store() { return bed_->store(); }
  Revision put(const std::string& key, const std::string& value) {
    auto revision = store().commit({.puts = {{key, value}}});
    EXPECT_TRUE(revision) << revision.error().message;
    return revision ? *revision : Revision(-1);
  }
  std::vector<std::string> keys(std::string_view prefix) {
    std::vector<std::string> found;
    auto listed = store().list(prefix);
    EXPECT_TRUE(listed);
    for (const StoredValue& value : *listed) {
      found.push_back(value.key);
    }
    return found;
  }
  std::unique_ptr<StoreBed> bed_;
};

// For stores that outlive their process.
class DurableStateStoreSuite : public StateStoreSuite {};

// Collects what a watch delivers.
class EventLog {
 public:
  void add(const std::vector<StoreEvent>& events) {
    MutexLock lock(mutex_);
    batches_.push_back(events);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
  }
  // The first `count` calls; fewer when they do not come within ten seconds.
  std::vector<std::vector<StoreEvent>> wait_for(std::size_t count) {
    MutexLock lock(mutex_);
    for (int i = 0; i < 1000 && batches_.size() < count; ++i) {
      changed_.wait_for(mutex_, Millis(10));
    }
    return batches_;
  }
  std::set<std::thread::id> threads() {
    MutexLock lock(mutex_);
    return threads_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::vector<StoreEvent>> batches_ GUARDED_BY(mutex_);
  std::set<std::thread::id> threads_ GUARDED_BY(mutex_);
};

TEST_P(StateStoreSuite, MissingKeyIsNotFound) {
  const auto got = store().get("nothing");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kNotFound);
  EXPECT_TRUE(keys("").empty());
}

TEST_P(StateStoreSuite, GivesBackWhatWasPut) {
  const std::string bytes("a\0b\xff\xfe\n", 6);
  const Revision first = put("k", bytes);
  EXPECT_EQ(first, Revision(1));
  const auto got = store().get("k");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->key, "k");
  EXPECT_EQ(got->value, bytes);
  EXPECT_EQ(got->modified, first);
  put("k", "");
  EXPECT_EQ(store().get("k")->value, "");
  EXPECT_EQ(store().get("k")->modified, Revision(2));
}

TEST_P(StateStoreSuite, ListsByPrefixInKeyOrder) {
  for (const char* key : {"b/2", "a", "b/10", "b", "c", "b/", "b0", "B/1", "b/\xff\xff"}) {
    put(key, key);
  }
  EXPECT_EQ(keys("b/"), (std::vector<std::string>{"b/", "b/10", "b/2", "b/\xff\xff"}));
  EXPECT_EQ(keys("b/\xff"), (std::vector<std::string>{"b/\xff\xff"}));
  EXPECT_EQ(keys("zz"), std::vector<std::string>{});
  EXPECT_EQ(keys("").size(), 9U);
}

TEST_P(StateStoreSuite, OneCommitIsOneRevision) {
  put("gone", "x");
  const auto revision =
      store().commit({.puts = {{"a", "1"}, {"b", "2"}}, .deletes = {"gone", "never was"}});
  ASSERT_TRUE(revision);
  EXPECT_EQ(*revision, Revision(2));
  EXPECT_EQ(store().get("a")->modified, *revision);
  EXPECT_EQ(store().get("b")->modified, *revision);
  EXPECT_FALSE(store().get("gone"));
}

TEST_P(StateStoreSuite, CommitThatChangesNothingTakesNoRevision) {
  const Revision before = put("a", "1");
  EXPECT_EQ(*store().commit({}), before);
  EXPECT_EQ(*store().commit({.deletes = {"nothing"}}), before);
  EXPECT_EQ(put("a", "1"), before.next()) << "writing the same value again is a change";
}

TEST_P(StateStoreSuite, CompareHoldsOnlyForTheLastWriter) {
  const Revision first = put("a", "1");
  const Revision second = put("a", "2");
  auto lost = store().commit({.compares = {{"a", first}}, .puts = {{"a", "3"}, {"b", "3"}}});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::kConflict);
  EXPECT_EQ(store().get("a")->value, "2");
  EXPECT_FALSE(store().get("b")) << "all or nothing";
  const auto won = store().commit({.compares = {{"a", second}}, .puts = {{"a", "3"}}});
  ASSERT_TRUE(won);
  EXPECT_EQ(*won, second.next()) << "a lost commit takes no revision";
}

TEST_P(StateStoreSuite, EveryCompareMustHold) {
  const Revision a = put("a", "1");
  put("b", "1");
  EXPECT_FALSE(store().commit({.compares = {{"a", a}, {"b", a}}, .puts = {{"a", "2"}}}));
  EXPECT_EQ(store().get("a")->value, "1");
}

TEST_P(StateStoreSuite, RevisionZeroMeansThatTheKeyDoesNotExist) {
  const Commit create{.compares = {{"a", Revision(0)}}, .puts = {{"a", "1"}}};
  ASSERT_TRUE(store().commit(create));
  const auto again = store().commit(create);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kConflict);
}

TEST_P(StateStoreSuite, CompareCanNameKeysThatAreNotWritten) {
  const Revision guard = put("guard", "x");
  EXPECT_TRUE(store().commit({.compares = {{"guard", guard}}, .puts = {{"a", "1"}}}));
  put("guard", "y");
  EXPECT_FALSE(store().commit({.compares = {{"guard", guard}}, .puts = {{"a", "2"}}}));
}

TEST_P(StateStoreSuite, DeletedAndMadeAgainIsAnotherRevision) {
  const Revision first = put("a", "1");
  ASSERT_TRUE(store().commit({.compares = {{"a", first}}, .deletes = {"a"}}));
  EXPECT_FALSE(store().commit({.compares = {{"a", first}}, .deletes = {"a"}}));
  EXPECT_TRUE(store().commit({.compares = {{"a", Revision(0)}}, .puts = {{"a", "1"}}}));
  EXPECT_FALSE(store().commit({.compares = {{"a", first}}, .puts = {{"a", "2"}}}));
  EXPECT_EQ(store().get("a")->modified, Revision(3));
}

TEST_P(StateStoreSuite, RefusesAKeyTwiceAndTheEmptyKey) {
  for (const Commit& bad :
       {Commit{.puts = {{"a", "1"}, {"a", "2"}}}, Commit{.puts = {{"a", "1"}}, .deletes = {"a"}},
        Commit{.deletes = {"a", "a"}}, Commit{.puts = {{"", "1"}}}}) {
    const auto refused = store().commit(bad);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  }
  EXPECT_TRUE(keys("").empty());
}

TEST_P(StateStoreSuite, WatchGetsLaterCommitsInOrderOneCallEach) {
  put("w/before", "x");
  EventLog log;
  auto watch = store().watch("w/", [&](const auto& events) { log.add(events); });
  ASSERT_TRUE(watch);
  put("w/a", "1");
  put("other", "x");
  ASSERT_TRUE(store().commit({.puts = {{"w/b", "2"}, {"x", "y"}}, .deletes = {"w/a", "w/none"}}));
  for (int i = 0; i < 200; ++i) {
    put("w/n", std::to_string(i));
  }
  const auto batches = log.wait_for(202);
  ASSERT_EQ(batches.size(), 202U);
  ASSERT_EQ(batches[0].size(), 1U);
  EXPECT_EQ(batches[0][0].kind, StoreEvent::Kind::kPut);
  EXPECT_EQ(batches[0][0].value.key, "w/a");
  EXPECT_EQ(batches[0][0].value.value, "1");
  EXPECT_EQ(batches[0][0].value.modified, Revision(2));
  ASSERT_EQ(batches[1].size(), 2U);
  EXPECT_EQ(batches[1][0].value.key, "w/b");
  EXPECT_EQ(batches[1][1].kind, StoreEvent::Kind::kDelete);
  EXPECT_EQ(batches[1][1].value.key, "w/a");
  EXPECT_EQ(batches[1][1].value.value, "");
  EXPECT_EQ(batches[1][1].value.modified, Revision(4));
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(batches[i + 2][0].value.value, std::to_string(i));
  }
  EXPECT_EQ(log.threads().size(), 1U);
  EXPECT_FALSE(log.threads().contains(std::this_thread::get_id()));
}

TEST_P(StateStoreSuite, WatchThatIsGoneHearsNothing) {
  EventLog first;
  EventLog second;
  auto gone = store().watch("", [&](const auto& events) { first.add(events); });
  auto stays = store().watch("", [&](const auto& events) { second.add(events); });
  put("a", "1");
  ASSERT_EQ(second.wait_for(1).size(), 1U);
  const std::size_t heard = first.wait_for(1).size();
  *gone = nullptr;
  put("a", "2");
  ASSERT_EQ(second.wait_for(2).size(), 2U);
  EXPECT_EQ(first.wait_for(1).size(), heard);
}

TEST_P(StateStoreSuite, WatchMayEndItselfInItsCallback) {
  std::unique_ptr<StoreWatch> watch;
  EventLog log;
  auto made = store().watch("", [&](const auto& events) {
    watch.reset();
    log.add(events);
  });
  ASSERT_TRUE(made);
  watch = std::move(*made);
  put("a", "1");
  ASSERT_EQ(log.wait_for(1).size(), 1U);
  EventLog barrier;
  auto other = store().watch("", [&](const auto& events) { barrier.add(events); });
  put("a", "2");
  ASSERT_EQ(barrier.wait_for(1).size(), 1U);
  EXPECT_EQ(log.wait_for(1).size(), 1U);
}

TEST_P(StateStoreSuite, ConcurrentCommittersLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  put("counter", "0");
  EventLog log;
  auto watch = store().watch("counter", [&](const auto& events) { log.add(events); });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      int done = 0;
      for (int attempt = 0; attempt < 100'000 && done < kEach; ++attempt) {
        const auto now = store().get("counter");
        const int next = std::atoi(now->value.c_str()) + 1;
        done += store().commit({.compares = {{"counter", now->modified}},
                                .puts = {{"counter", std::to_string(next)}}})
                    ? 1
                    : 0;
      }
      EXPECT_EQ(done, kEach);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(store().get("counter")->value, std::to_string(kThreads * kEach));
  EXPECT_EQ(store().get("counter")->modified, Revision(1 + kThreads * kEach));
  const auto batches = log.wait_for(kThreads * kEach);
  ASSERT_EQ(batches.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    EXPECT_EQ(batches[i][0].value.value, std::to_string(i + 1)) << "watch order is commit order";
  }
}

TEST_P(DurableStateStoreSuite, ReopenKeepsValuesAndRevisions) {
  const Revision a = put("a", "1");
  put("b", "2");
  ASSERT_TRUE(store().commit({.deletes = {"b"}}));
  ASSERT_TRUE(bed_->reopen());
  EXPECT_EQ(store().get("a")->value, "1");
  EXPECT_EQ(store().get("a")->modified, a);
  EXPECT_FALSE(store().get("b"));
  EXPECT_EQ(put("c", "3"), Revision(4)) << "revisions go on where they were";
}

}  // namespace trivet
