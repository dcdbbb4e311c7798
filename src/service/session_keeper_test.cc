// SPDX-License-Identifier: Apache-2.0
#include "service/session_keeper.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "service/identity_test_bed.h"

namespace trivet::service {
namespace {

// A member that shows what it is told to, and remembers what it was asked to end.
class SessionKeeping : public testing::Test {
 protected:
  SessionKeeping() {
    char pattern[] = "/tmp/trivet-sessions-XXXXXX";
    folder = ::mkdtemp(pattern);
    bed.user("ana");
    bed.allow(user_ref("ana"), statement("Allow", "*", "*"));
    rules = {{"cluster-A", {.end_with_permission = true}}};
  }
  ~SessionKeeping() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<SessionKeeper> keeper() {
    return std::make_unique<SessionKeeper>(SessionKeeper::Needs{
        .identities = bed.iam(),
        .clock = clock,
        .rules =
            [this] {
              const MutexLock lock(mutex);
              return rules;
            },
        .end =
            [this](const MemberId&, const std::vector<ClientSession>& unwanted,
                   const std::function<void(SessionKeeper::Shown)>& done) {
              SessionKeeper::Shown answer = std::vector<ClientSession>();
              {
                const MutexLock lock(mutex);
                ++questions;
                asked_to_end.insert(asked_to_end.end(), unwanted.begin(), unwanted.end());
                answer = is_down ? SessionKeeper::Shown(make_error(Errc::kUnavailable, "down"))
                                 : SessionKeeper::Shown(shown);
              }
              done(std::move(answer));
            },
        .file = folder + "/sessions.json"});
  }
  DatabaseSession session(std::uint64_t connection, WallTime opened) {
    return {.member = MemberId("demo-instance-1"),
            .cluster = "cluster-A",
            .connection = connection,
            .user = "jane",
            .peer_port = 4711,
            .resource_arn = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-A/jane",
            .principal = bed.principal(key),
            .context = {},
            .opened = opened};
  }
  template <typename Condition>
  static bool wait_for(Condition condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) {
        return true;
      }
      ::poll(nullptr, 0, 20);
    }
    return false;
  }
  std::size_t ended() {
    const MutexLock lock(mutex);
    return asked_to_end.size();
  }

  IdentityBed bed;
  sigv4::Credentials key;
  SystemClock clock;
  std::string folder;
  Mutex mutex;
  RulesByCluster rules;
  std::vector<ClientSession> shown;
  std::vector<ClientSession> asked_to_end;
  int questions = 0;
  bool is_down = false;
};

TEST_F(SessionKeeping, EndsASessionWhoseKeyIsTakenAwayAndForgetsIt) {
  key = bed.key("ana");
  shown = {{7, "jane", "127.0.0.1:4711"}, {8, "root", "localhost"}};
  const auto keeping = keeper();
  keeping->start();
  keeping->opened(session(7, clock.wall_now()));
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, false));
  ASSERT_TRUE(wait_for([&] { return keeping->size() == 0; }));
  const MutexLock lock(mutex);
  ASSERT_EQ(asked_to_end.size(), 1U);
  EXPECT_EQ(asked_to_end[0].id, 7U);
  EXPECT_EQ(asked_to_end[0].user, "jane");
  EXPECT_EQ(asked_to_end[0].host, ":4711");
}

TEST_F(SessionKeeping, AsksAgainWhileTheMemberDoesNotAnswer) {
  key = bed.key("ana");
  is_down = true;
  const auto keeping = keeper();
  keeping->start();
  keeping->opened(session(7, clock.wall_now()));
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  ASSERT_TRUE(wait_for([&] { return ended() >= 2; }));
  EXPECT_EQ(keeping->size(), 1U);
}

TEST_F(SessionKeeping, ForgetsWhatIsNotThereAnyMoreButNotALoginUnderway) {
  key = bed.key("ana");
  const auto keeping = keeper();
  keeping->opened(session(1, clock.wall_now() - std::chrono::minutes(1)));
  keeping->opened(session(2, clock.wall_now()));
  keeping->start();
  EXPECT_TRUE(wait_for([&] { return keeping->size() == 1; }));
  EXPECT_EQ(ended(), 0U);
}

TEST_F(SessionKeeping, ForgetsSessionsWhenTheRuleIsTakenBack) {
  key = bed.key("ana");
  const auto keeping = keeper();
  keeping->start();
  keeping->opened(session(7, clock.wall_now()));
  {
    const MutexLock lock(mutex);
    rules.clear();
  }
  EXPECT_TRUE(wait_for([&] { return keeping->size() == 0; }));
  EXPECT_EQ(ended(), 0U);
}

TEST_F(SessionKeeping, IsTakenUpByALaterDaemon) {
  key = bed.key("ana");
  shown = {{7, "jane", "127.0.0.1:4711"}};
  {
    const auto first = keeper();
    first->start();
    first->opened(session(7, clock.wall_now()));
    ASSERT_TRUE(wait_for([&] { return std::filesystem::exists(folder + "/sessions.json"); }));
  }
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  const auto second = keeper();
  second->start();
  EXPECT_TRUE(wait_for([&] { return ended() == 1; }));
}

}  // namespace
}  // namespace trivet::service
