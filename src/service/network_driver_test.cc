// SPDX-License-Identifier: Apache-2.0
#include "service/network_driver.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "adapter/store_memory/store.h"
#include "service/cluster_interfaces.h"
#include "service/ec2_service.h"

namespace trivet::service {
namespace {

// A kernel that remembers what it was told. Used under the driver's lock, looked at by the test's.
class FakeFabric final : public NetworkFabric {
 public:
  std::string why_not() const override { return why_not_; }
  Status clear(bool with_host_rules) override {
    const MutexLock lock(mutex_);
    plans_.clear();
    environments_.clear();
    host_rules_kept_ = !with_host_rules;
    return ok();
  }
  Status apply(const std::string& network, const network::Plan& plan) override {
    const MutexLock lock(mutex_);
    if (fails_) {
      return make_error(Errc::kUnavailable, "nft: no");
    }
    plans_[network] = plan;
    return ok();
  }
  Status remove(const std::string& network) override {
    const MutexLock lock(mutex_);
    plans_.erase(network);
    return ok();
  }
  bool is_there(const std::string& network) const override {
    const MutexLock lock(mutex_);
    return plans_.contains(network);
  }
  std::string namespace_path(const std::string& network) const override { return "/ns/" + network; }
  Result<std::string> add_environment(const std::string& network,
                                      const EnvironmentWish& wish) override {
    const MutexLock lock(mutex_);
    // The rules know the address before anything can be sent from it.
    EXPECT_NE(plans_[network].rules.find(wish.address), std::string::npos);
    environments_[wish.name] = wish;
    return "/ns/" + wish.name;
  }
  Status remove_environment(const std::string&, const std::string& name) override {
    const MutexLock lock(mutex_);
    environments_.erase(name);
    return ok();
  }
  Status apply_host(const network::HostAccess& access) override {
    const MutexLock lock(mutex_);
    access_ = access;
    return ok();
  }

  network::Plan plan(const std::string& network) const {
    const MutexLock lock(mutex_);
    const auto it = plans_.find(network);
    return it == plans_.end() ? network::Plan() : it->second;
  }
  std::size_t environments() const {
    const MutexLock lock(mutex_);
    return environments_.size();
  }
  std::size_t networks() const {
    const MutexLock lock(mutex_);
    return plans_.size();
  }
  network::HostAccess access() const {
    const MutexLock lock(mutex_);
    return access_;
  }
  bool host_rules_kept() const {
    const MutexLock lock(mutex_);
    return host_rules_kept_;
  }
  void forget(const std::string& network) {
    const MutexLock lock(mutex_);
    plans_.erase(network);
    environments_.clear();
  }
  void fail(bool fails) {
    const MutexLock lock(mutex_);
    fails_ = fails;
  }
  void cannot(std::string why) { why_not_ = std::move(why); }

 private:
  std::string why_not_;
  mutable Mutex mutex_;
  std::map<std::string, network::Plan> plans_ GUARDED_BY(mutex_);
  std::map<std::string, EnvironmentWish> environments_ GUARDED_BY(mutex_);
  network::HostAccess access_ GUARDED_BY(mutex_);
  bool host_rules_kept_ GUARDED_BY(mutex_) = false;
  bool fails_ GUARDED_BY(mutex_) = false;
};

class FakeDoors final : public VpcDoors {
 public:
  Status serve(const std::string& network, const VpcDoorsWish& wish) override {
    const MutexLock lock(mutex_);
    wishes_[network] = wish;
    return ok();
  }
  void leave(const std::string& network) override {
    const MutexLock lock(mutex_);
    wishes_.erase(network);
  }
  void set_names(std::shared_ptr<const network::NameBook> names) override {
    const MutexLock lock(mutex_);
    names_ = std::move(names);
  }
  std::shared_ptr<const network::NameBook> names() const {
    const MutexLock lock(mutex_);
    return names_;
  }
  VpcDoorsWish wish(const std::string& network) const {
    const MutexLock lock(mutex_);
    const auto it = wishes_.find(network);
    return it == wishes_.end() ? VpcDoorsWish() : it->second;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, VpcDoorsWish> wishes_ GUARDED_BY(mutex_);
  std::shared_ptr<const network::NameBook> names_ GUARDED_BY(mutex_);
};

class NetworkDriverTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ec2_.start());
    state_ = *network_.load();
    vpc_ = state_.default_vpc()->id;
    for (const auto& [id, subnet] : state_.subnets) {
      subnets_.push_back(id);
    }
    group_ = state_.default_security_group(vpc_)->id;
  }
  void begin() {
    network_.on_change([this] { driver_.network_changed(); });
    driver_.start();
  }
  void TearDown() override { driver_.stop(true); }

  ClusterViewPtr view() const {
    auto out = std::make_shared<ClusterView>();
    Cluster& c = out->cluster;
    c.id = ClusterId("demo");
    c.resource_id = ClusterResourceId("cluster-DEMO");
    c.status = ClusterStatus::kAvailable;
    c.vpc_id = vpc_;
    c.security_group_ids = {group_};
    c.writer_endpoint = {"demo.example", "127.30.0.1", 3306};
    c.reader_endpoint = {"demo-ro.example", "127.30.0.2", 3306};
    for (int i = 0; i < 3; ++i) {
      Member member;
      member.id = MemberId("demo-" + std::to_string(i));
      member.subnet_id = subnets_[static_cast<std::size_t>(i)];
      member.endpoint = {"m" + std::to_string(i) + ".example", "127.30.0." + std::to_string(3 + i),
                         3306};
      c.members.push_back(member);
    }
    out->topology.term = Term(1);
    return out;
  }
  void set_views(std::vector<ClusterViewPtr> views) {
    {
      const MutexLock lock(mutex_);
      views_ = views;
    }
    driver_.clusters_changed(views);
  }
  // Waits for what another thread does.
  template <typename Condition>
  static bool wait_until(Condition condition) {
    for (int i = 0; i < 1'000; ++i) {
      if (condition()) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool reaches_the_kernel(const std::string& text) {
    return wait_until([&] { return fabric_.plan(vpc_).rules.find(text) != std::string::npos; });
  }
  VpcPlacement placement() const { return {vpc_, subnets_, {group_}}; }

  store_memory::MemoryStore store_;
  NetworkStore network_{store_};
  Mutex mutex_;
  std::vector<ClusterViewPtr> views_;
  FakeFabric fabric_;
  FakeDoors doors_;
  NetworkDriver driver_{{.network = network_,
                         .fabric = fabric_,
                         .doors = doors_,
                         .settings = {.domain = "Trivet.Internal", .api_host = "127.0.0.1"},
                         .views =
                             [this] {
                               const MutexLock lock(mutex_);
                               return views_;
                             },
                         .on_addresses = {}}};
  Ec2Service ec2_{{.network = network_,
                   .realm = {.account = AccountId("123456789012")},
                   .is_group_used = {},
                   .leased = [this] { return driver_.leased(); }}};
  NetworkState state_;
  std::string vpc_;
  std::vector<std::string> subnets_;
  std::string group_;
};

TEST_F(NetworkDriverTest, AClusterHasFiveInterfacesForAsLongAsItIsThere) {
  begin();
  set_views({view()});
  ASSERT_TRUE(wait_until([&] { return driver_.vpc_addresses().size() == 5; }));
  const NetworkState state = *network_.load();
  ASSERT_EQ(state.interfaces.size(), 5U);
  for (const auto& [id, interface] : state.interfaces) {
    EXPECT_EQ(interface.requester_id, "amazon-rds");
    EXPECT_EQ(interface.group_ids, std::vector<std::string>{group_});
    EXPECT_TRUE(reaches_the_kernel(interface.address));
  }
  const auto addresses = driver_.vpc_addresses();
  EXPECT_EQ(addresses.at("db/cluster-DEMO/writer").network, vpc_);
  ASSERT_TRUE(doors_.names());
  EXPECT_TRUE(doors_.names()->addresses.contains("demo.example"));
  EXPECT_EQ(doors_.names()->api_name, "api.trivet.internal");
  EXPECT_EQ(doors_.wish(vpc_).dns_address, "172.31.0.2");

  const auto table = make_endpoint_table({view()}, addresses);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->listeners().size(), 7U);

  set_views({});
  ASSERT_TRUE(wait_until([&] { return network_.load()->interfaces.empty(); }));
  ASSERT_TRUE(wait_until([&] { return driver_.vpc_addresses().empty(); }));
}

TEST_F(NetworkDriverTest, RulesReachTheKernelAtOnce) {
  begin();
  set_views({view()});
  ASSERT_TRUE(wait_until([&] { return driver_.vpc_addresses().size() == 5; }));
  SecurityGroupRule rule;
  rule.protocol = "tcp";
  rule.port_min = rule.port_max = 3306;
  rule.cidr_v4 = "10.9.0.0/16";
  ASSERT_TRUE(ec2_.authorize({.id = group_, .name = ""}, {rule}));
  EXPECT_TRUE(reaches_the_kernel("ip saddr 10.9.0.0/16 tcp dport 3306 accept"));
}

TEST_F(NetworkDriverTest, EnvironmentsHaveAddressesOfTheirOwn) {
  begin();
  ASSERT_TRUE(wait_until([&] { return fabric_.is_there(vpc_); }));
  EXPECT_FALSE(fabric_.plan(vpc_).has_way_out);
  const auto first = driver_.lease("arn:aws:lambda:x:1:function:report", placement());
  const auto second = driver_.lease("arn:aws:lambda:x:1:function:report", placement());
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second);
  EXPECT_NE(first->address, second->address);
  EXPECT_EQ(first->dns_server, "172.31.0.2");
  EXPECT_EQ(first->api_url, "http://api.Trivet.Internal:4566");
  EXPECT_EQ(driver_.leased().size(), 2U);
  EXPECT_EQ(driver_.leased()[0].type, "lambda");
  EXPECT_EQ(std::string(ec2_.delete_interface(first->id).error().fault), "InvalidParameterValue");
  driver_.release(first->id);
  driver_.release(first->id);
  driver_.release("");
  EXPECT_EQ(fabric_.environments(), 1U);
  EXPECT_EQ(fabric_.plan(vpc_).rules.find(first->address), std::string::npos);
  // The default VPC's subnets have a way out, which is opened when somebody is there.
  EXPECT_TRUE(fabric_.plan(vpc_).has_way_out);
  const auto outside = driver_.lease("arn:f", std::nullopt);
  ASSERT_TRUE(outside);
  EXPECT_TRUE(outside->address.starts_with("169.254."));
  EXPECT_EQ(driver_.leased().size(), 1U);  // it is in no VPC

  VpcPlacement gone = placement();
  gone.subnet_ids = {"subnet-0"};
  EXPECT_EQ(driver_.lease("arn:f", gone).error().code, Errc::kNotFound);
}

TEST_F(NetworkDriverTest, ANamespaceThatIsGoneIsMadeAgainWithItsEnvironments) {
  begin();
  set_views({view()});
  ASSERT_TRUE(wait_until([&] { return driver_.vpc_addresses().size() == 5; }));
  ASSERT_TRUE(driver_.lease("arn:f", placement()));
  fabric_.forget(vpc_);
  ASSERT_TRUE(wait_until([&] { return fabric_.environments() == 1; }));
  ASSERT_TRUE(wait_until([&] {
    const auto addresses = driver_.vpc_addresses();
    const auto it = addresses.find("db/cluster-DEMO/writer");
    return it != addresses.end() && it->second.network == vpc_ + "#2";
  }));
  EXPECT_EQ(driver_.namespace_of(vpc_ + "#2"), "/ns/" + vpc_);
}

TEST_F(NetworkDriverTest, SaysWhatCannotBeDoneAndTriesAgain) {
  fabric_.fail(true);
  begin();
  ASSERT_TRUE(wait_until([&] { return driver_.report().trouble == "nft: no"; }));
  fabric_.fail(false);
  ASSERT_TRUE(wait_until([&] { return driver_.report().trouble.empty(); }));
  EXPECT_EQ(driver_.report().vpcs, std::vector<std::string>{vpc_});
}

TEST_F(NetworkDriverTest, WithoutThePrivilegeFunctionsInVpcsAreRefusedUnlessAllowed) {
  fabric_.cannot("trivetd does not run as root");
  begin();
  const auto refused = driver_.lease("arn:f", placement());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_NE(refused.error().message.find("does not run as root"), std::string::npos);
  const auto without_vpc = driver_.lease("arn:f", std::nullopt);
  ASSERT_TRUE(without_vpc);
  EXPECT_TRUE(without_vpc->netns_path.empty());
  ASSERT_TRUE(network_.change([](const NetworkState&) -> Result<NetworkChange> {
    NetworkChange change;
    change.put(NetworkPolicy{.host_obeys_groups = false, .allows_unenforced = true});
    return change;
  }));
  const auto allowed = driver_.lease("arn:f", placement());
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->api_url, "http://127.0.0.1:4566");
  EXPECT_EQ(driver_.report().why_not_enforced, "trivetd does not run as root");
}

TEST_F(NetworkDriverTest, HostsObeyGroupsWhenThatIsWanted) {
  begin();
  set_views({view()});
  ASSERT_TRUE(wait_until([&] { return driver_.vpc_addresses().size() == 5; }));
  EXPECT_FALSE(fabric_.access().is_enforced);
  ASSERT_TRUE(network_.change([](const NetworkState&) -> Result<NetworkChange> {
    NetworkChange change;
    change.put(NetworkPolicy{.host_obeys_groups = true, .allows_unenforced = false});
    return change;
  }));
  ASSERT_TRUE(wait_until([&] { return fabric_.access().is_enforced; }));
  EXPECT_EQ(fabric_.access().endpoints.size(), 5U);
  EXPECT_FALSE(fabric_.access().endpoints[0].is_public);
  driver_.stop(false);
  EXPECT_TRUE(fabric_.host_rules_kept());
  EXPECT_EQ(fabric_.networks(), 0U);
}

TEST_F(NetworkDriverTest, ASubnetWithoutAddressesIsSaid) {
  const auto small = ec2_.create_subnet({.vpc_id = vpc_,
                                         .availability_zone = {},
                                         .availability_zone_id = {},
                                         .cidr = "172.31.99.0/28",
                                         .tags = {}});
  ASSERT_TRUE(small);
  Cluster cluster = view()->cluster;
  for (Member& member : cluster.members) {
    member.subnet_id = small->id;
  }
  std::vector<NetworkInterface> leased;
  for (int i = 4; i < 12; ++i) {
    NetworkInterface interface;
    interface.subnet_id = small->id;
    interface.address = "172.31.99." + std::to_string(i);
    leased.push_back(interface);
  }
  const SettledInterfaces settled = settle_cluster_interfaces(*network_.load(), {cluster}, leased);
  EXPECT_EQ(settled.change.puts.size(), 3U);
  EXPECT_NE(settled.trouble.find(small->id), std::string::npos);
}

}  // namespace
}  // namespace trivet::service
