// SPDX-License-Identifier: Apache-2.0
#include "service/login_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapter/store_memory/store.h"
#include "model/cluster.h"

namespace trivet::service {
namespace {

const ClusterId kDemo("demo");
const ClusterResourceId kResource("cluster-ABC");

class LoginRulesTest : public testing::Test {
 protected:
  LoginRulesTest() {
    Cluster cluster;
    cluster.id = kDemo;
    cluster.resource_id = kResource;
    EXPECT_TRUE(
        store_.commit({.compares = {}, .puts = {{"clusters/demo", encode(cluster)}}, .deletes = {}})
            .has_value());
    EXPECT_TRUE(book_.load().has_value());
  }

  store_memory::MemoryStore store_;
  LoginRulesBook book_{store_};
};

std::string why_not(const LoginRulesChange& change) {
  const auto rules = changed({}, change);
  return rules ? "" : rules.error().message;
}

TEST_F(LoginRulesTest, AClusterWithoutARecordHasTheDefaults) {
  EXPECT_EQ(book_.find(kResource), LoginRules());
  EXPECT_EQ(*book_.change(kDemo, {}), LoginRules());
  EXPECT_FALSE(store_.get(login_rules_key(kResource)).has_value());  // nothing to keep
}

TEST_F(LoginRulesTest, AChangeIsSeenAtOnceAndByTheNextDaemon) {
  LoginRulesChange change;
  change.add_aliases = {"DB.Example.com:3306", "*.lan"};
  change.one_time_tokens = true;
  change.token_max_age_s = 60;
  ASSERT_TRUE(book_.change(kDemo, change).has_value());
  LoginRulesChange more;
  more.session_max_age_s = 3600;
  ASSERT_TRUE(book_.change(kDemo, more).has_value());
  const LoginRules rules = book_.find(kResource);
  EXPECT_EQ(rules.host_aliases, (std::vector<std::string>{"db.example.com:3306", "*.lan:*"}));
  EXPECT_TRUE(rules.one_time_tokens);
  EXPECT_EQ(rules.token_max_age_s, 60);
  EXPECT_EQ(rules.session_max_age_s, 3600);
  EXPECT_EQ(book_.snapshot()->find(kResource.str())->second.aliases.size(), 2U);
  LoginRulesBook next(store_);
  ASSERT_TRUE(next.load().has_value());
  EXPECT_EQ(next.find(kResource), rules);
}

TEST_F(LoginRulesTest, NothingOfABadChangeIsDone) {
  LoginRulesChange change;
  change.one_time_tokens = true;
  change.add_aliases = {"good.example.com", "bad*.example.com"};
  const auto refused = book_.change(kDemo, change);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(book_.find(kResource), LoginRules());
  EXPECT_EQ(book_.change(ClusterId("other"), {}).error().code, Errc::kNotFound);
}

TEST_F(LoginRulesTest, SaysWhatIsWrong) {
  LoginRulesChange change;
  change.remove_aliases = {"a.example.com"};
  EXPECT_EQ(why_not(change), "'a.example.com:*' is not among the aliases");
  change = {};
  change.token_max_age_s = 901;
  EXPECT_EQ(why_not(change), "token_max_age_s is 901: it must be 1 to 900, or 0 for none");
  change = {};
  change.address_logins_per_minute = -1;
  EXPECT_NE(why_not(change), "");
  for (const char* bad : {"", "a b", "http://x", "x:0", "x:3306:*", "*x", "x/"}) {
    change = {};
    change.add_aliases = {bad};
    EXPECT_NE(why_not(change), "") << bad;
  }
  for (const char* bad : {"", "jane", "=", "jane=", "=reporting", "jane=jane", "jane=root", "a b=c",
                          "jane=trivet_admin", "jane=mysql.sys", "jane='x'", "jane@%=x", "jane=a=b",
                          "jane=a_name_of_more_than_32_characters"}) {
    change = {};
    change.add_roles = {bad};
    EXPECT_NE(why_not(change), "") << bad;
  }
  change = {};
  change.add_roles = {"b=x", "a=x", "b=x"};
  EXPECT_EQ(changed({}, change)->roles, (std::vector<std::string>{"a=x", "b=x"}));
}

TEST_F(LoginRulesTest, AnAliasIsRemovedHoweverItIsWritten) {
  LoginRulesChange add;
  add.add_aliases = {"db.example.com", "DB.example.com:*", "[::1]:3306"};
  EXPECT_EQ(changed({}, add)->host_aliases,
            (std::vector<std::string>{"db.example.com:*", "[::1]:3306"}));
  LoginRulesChange remove;
  remove.remove_aliases = {"DB.EXAMPLE.COM"};
  EXPECT_EQ(changed(*changed({}, add), remove)->host_aliases,
            (std::vector<std::string>{"[::1]:3306"}));
}

TEST_F(LoginRulesTest, RulesThatCannotBeReadAreAnError) {
  ASSERT_TRUE(store_
                  .commit({.compares = {},
                           .puts = {{login_rules_key(kResource), R"({"v":99})"}},
                           .deletes = {}})
                  .has_value());
  LoginRulesBook next(store_);
  EXPECT_EQ(next.load().error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace trivet::service
