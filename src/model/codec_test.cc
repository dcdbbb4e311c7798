// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/arn.h"
#include "model/cluster.h"
#include "model/iam.h"
#include "model/installation.h"
#include "model/login_rules.h"

namespace trivet {
namespace {

TEST(ClusterCodec, RoundTrips) {
  Cluster c;
  c.id = ClusterId("demo");
  c.resource_id = ClusterResourceId("cluster-X");
  c.status = ClusterStatus::kAvailable;
  c.reboots = {{MemberId("demo-instance-2"), 17}};
  c.iops = 3000;
  c.tags = {{"a", "b"}};
  c.writer_endpoint = {"w", "127.1.2.3", 3306};
  c.members.push_back(
      {MemberId("demo-instance-1"), "db-1", "us-east-1a", "subnet-1", 7, {"i", "127.1.2.4", 3306}});
  const auto back = decode_cluster(encode(c));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(encode(*back), encode(c));
  EXPECT_NE(back->find_member(MemberId("demo-instance-1")), nullptr);
  EXPECT_EQ(back->find_member(MemberId("other")), nullptr);
}

TEST(ClusterCodec, NewerOrForeignTextIsCorrupt) {
  EXPECT_EQ(decode_cluster(R"({"v":99})").error().code, Errc::kCorrupt);
  EXPECT_EQ(decode_topology("{").error().code, Errc::kCorrupt);
  EXPECT_EQ(decode_topology(R"({"v":1,"term":1,"phase":"x"})").error().code, Errc::kCorrupt);
}

TEST(TopologyCodec, RoundTrips) {
  Topology t;
  t.term = Term(4);
  t.phase = Topology::Phase::kSteady;
  t.writer = MemberId("a");
  t.last_writer = MemberId("a");
  t.voters = {MemberId("b"), MemberId("c")};
  t.boot_id = "x";
  EXPECT_EQ(*decode_topology(encode(t)), t);
}

TEST(LoginRulesCodec, RoundTrips) {
  LoginRules rules;
  rules.host_aliases = {"db.example.com:3306"};
  rules.one_time_tokens = true;
  rules.token_max_age_s = 60;
  rules.end_sessions = true;
  rules.session_max_age_s = 3600;
  rules.principal_logins_per_minute = 5;
  rules.address_logins_per_minute = 6;
  rules.connect_conditions = true;
  EXPECT_EQ(*decode_login_rules(encode(rules)), rules);
  EXPECT_EQ(decode_login_rules(R"({"v":99})").error().code, Errc::kCorrupt);
}

TEST(IamCodec, APolicyFromBeforeVersionsHasOne) {
  const auto policy = decode_iam_policy(
      R"({"v":1,"name":"p","path":"/","id":"ANPAX","description":"","document":"{}",)"
      R"("created_ms":7,"updated_ms":9,"tags":{},"attachments":2})");
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->current().document, "{}");
  EXPECT_EQ(policy->default_version, 1);
  EXPECT_EQ(policy->last_version, 1);
  EXPECT_EQ(policy->attachments, 2);
  EXPECT_EQ(encode(*decode_iam_policy(encode(*policy))), encode(*policy));
}

TEST(IamCodec, APolicyWithoutItsDefaultVersionIsCorrupt) {
  IamPolicy policy;
  policy.versions = {{2, "{}", {}}};
  policy.default_version = 1;
  EXPECT_EQ(decode_iam_policy(encode(policy)).error().code, Errc::kCorrupt);
}

TEST(IamCodec, AUserFromBeforeBoundariesHasNone) {
  const auto user =
      decode_iam_user(R"({"v":1,"name":"ana","path":"/","id":"AIDAX","created_ms":7,"tags":{},)"
                      R"("inline_policies":{},"attached_policies":[],"access_keys":[]})");
  ASSERT_TRUE(user.has_value());
  EXPECT_TRUE(user->permissions_boundary.empty());
}

TEST(IamCodec, GroupsProvidersAndTheAccountRoundTrip) {
  IamGroup group;
  group.name = "g";
  group.member_ids = {"AIDAX"};
  EXPECT_EQ(encode(*decode_iam_group(encode(group))), encode(group));
  const IamOidcProvider provider{.url = "example.com", .client_ids = {"a"}, .jwks = "{}"};
  EXPECT_EQ(encode(*decode_iam_oidc_provider(encode(provider))), encode(provider));
  const IamInstanceProfile profile{
      .name = "P", .path = "/x/", .id = "AIPAX", .role_name = "r", .tags = {{"a", "b"}}};
  EXPECT_EQ(encode(*decode_iam_instance_profile(encode(profile))), encode(profile));
  const IamAccount account{.alias = "us", .guardrail = "{}"};
  EXPECT_EQ(encode(*decode_iam_account(encode(account))), encode(account));
}

TEST(InstallationCodec, RoundTripsAndKnowsANewerHome) {
  Installation i;
  i.id = "x";
  i.realm.availability_zones = {"us-east-1a", "us-east-1b", "us-east-1c"};
  i.hosts_file = HostsFileUse::kNo;
  i.function_uids = {5'000'000, 10};
  i.function_environments_max = 3;
  EXPECT_EQ(encode(*decode_installation(encode(i))), encode(i));
  const auto newer = decode_installation(R"({"v":7})");
  EXPECT_EQ(newer.error().code, Errc::kConflict);
  EXPECT_NE(newer.error().message.find("format 7"), std::string::npos);
}

TEST(Installation, TheHomeFollowsTheUser) {
  EXPECT_EQ(default_home("/x", true, "/root"), "/x");
  EXPECT_EQ(default_home("", true, "/u"), "/var/lib/trivet");
  EXPECT_EQ(default_home("", false, "/u"), "/u/.local/share/trivet");
}

TEST(Arn, KeepsColonsOfTheResource) {
  const auto arn = parse_arn("arn:aws:rds:us-east-1:123456789012:cluster:demo");
  ASSERT_TRUE(arn.has_value());
  EXPECT_EQ(arn->resource, "cluster:demo");
  EXPECT_EQ(arn->str(), "arn:aws:rds:us-east-1:123456789012:cluster:demo");
  EXPECT_FALSE(parse_arn("arn:aws:rds:us-east-1"));
}

}  // namespace
}  // namespace trivet
