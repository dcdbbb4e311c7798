// SPDX-License-Identifier: Apache-2.0
//
// RDS's and EC2's actions over everything that is real but members: those obey at once and hold no
// data. For tests.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapter/store_memory/store.h"
#include "api/ec2/actions.h"
#include "api/rds/actions.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "service/ec2_service.h"

namespace trivet::api::testing {

// Files in memory, the same for each member.
class LogFilesInMemory final : public LogFiles {
 public:
  Result<std::vector<LogFileInfo>> list(const Cluster&, const Member&) const override {
    std::vector<LogFileInfo> out;
    for (const auto& [name, text] : texts) {
      out.push_back({name, static_cast<std::int64_t>(text.size()), wall_time_from_ms(written_ms)});
    }
    return out;
  }
  Result<std::string> read(const Cluster&, const Member&, std::string_view name, std::int64_t from,
                           std::size_t bytes_max) const override {
    const std::string& text = texts.at(std::string(name));
    return text.substr(std::min(static_cast<std::size_t>(from), text.size()), bytes_max);
  }
  std::map<std::string, std::string> texts;
  std::int64_t written_ms = 0;
};

// A member that does what it is told.
class ObedientAgent final : public MemberAgent {
 public:
  explicit ObedientAgent(MemberSeed seed) : seed_(std::move(seed)) {}

  Status prepare() override { return ok(); }
  Status reset_master_user(const Stamp&, const std::string&, const SecretString&, Millis) override {
    return ok();
  }
  Status remove() override { return ok(); }
  Result<std::optional<MemberProcess>> adopt() override {
    return is_running_ ? std::optional(process()) : std::nullopt;
  }
  Result<MemberProcess> start(Millis) override {
    is_running_ = true;
    return process();
  }
  Status kill(Millis) override {
    is_running_ = false;
    return ok();
  }
  Status stop(Millis) override {
    is_running_ = false;
    return ok();
  }
  Status bootstrap(const Bootstrap&) override { return ok(); }
  Result<gtid::GtidSet> ask_promise(const Stamp&) override { return gtid::GtidSet(); }
  Status drain(const Stamp&, const gtid::GtidSet&) override { return ok(); }
  Status follow(const Stamp&, const FollowTarget&) override { return ok(); }
  Status guard_commits(const Stamp&, int, const std::vector<MemberId>&) override { return ok(); }
  Status prove_commits(const Stamp&) override { return ok(); }
  Status open(const Stamp&, bool) override { return ok(); }
  Result<failover::Rejoined> rejoin(const Stamp&, const gtid::GtidSet&) override {
    is_running_ = true;
    return failover::Rejoined();
  }
  Status rebuild(const Stamp&, const MemberId&) override { return ok(); }
  Result<gtid::GtidSet> look() override { return gtid::GtidSet(); }
  Status catch_up(const Stamp&, const gtid::GtidSet&) override { return ok(); }
  Result<gtid::GtidSet> hold_writes(const Stamp&) override { return gtid::GtidSet(); }
  Status release_writes(const Stamp&) override { return ok(); }
  Result<gtid::GtidSet> step_down(const Stamp&) override { return gtid::GtidSet(); }
  Result<MemberReport> report() override { return MemberReport(); }
  Result<std::uint32_t> probe_login(const Endpoint& endpoint, Millis) override {
    return endpoint == seed_.cluster.writer_endpoint ? seed_.cluster.members.front().server_id
                                                     : seed_.member.server_id;
  }

 private:
  MemberProcess process() const {
    return {.mysqld_pid = static_cast<int>(seed_.member.server_id % 30'000 + 2), .guard_pid = 1};
  }
  MemberSeed seed_;
  bool is_running_ = false;
};

class ObedientAgents final : public MemberAgents {
 public:
  Result<std::unique_ptr<MemberAgent>> make(MemberSeed seed) override {
    return std::unique_ptr<MemberAgent>(std::make_unique<ObedientAgent>(std::move(seed)));
  }
  std::string boot_id() const override { return "boot"; }
};

// An installation without processes.
class Installation {
 public:
  Installation()
      : sealer_(*service::Sealer::create(SecretString(std::string(32, 'k')))),
        ec2_({.network = network_,
              .realm = realm_,
              .is_group_used =
                  [this](const std::string& id) {
                    for (const auto& view : clusters_->views()) {
                      for (const std::string& group : view->cluster.security_group_ids) {
                        if (group == id) {
                          return true;
                        }
                      }
                    }
                    return false;
                  }}),
        groups_({.network = network_, .clusters_in = [this](const std::string& name) {
                   return service::clusters_in_group(clusters_->views(), name);
                 }}) {
    clusters_ = std::make_unique<service::ClusterService>(service::ClusterService::Needs{
        .store = store_,
        .sealer = sealer_,
        .clock = clock_,
        .agents = agents_,
        .placement = {.realm = realm_,
                      .endpoint_hash = "abc123def456",
                      .endpoint_domain = "rds.trivet.internal",
                      .names_resolve = true,
                      .address_prefix = "127.46"},
        .can_bind = [](const std::string&, std::uint16_t) { return ok(); },
        .on_views =
            [this](const std::vector<service::ClusterViewPtr>&) {
              const MutexLock lock(mutex_);
              changed_.notify_all();
            }});
    TRIVET_ASSERT(ec2_.start().has_value());
    TRIVET_ASSERT(clusters_->start().has_value());
    add_ec2_actions(table_, ec2_);
    add_rds_actions(table_, {.clusters = *clusters_,
                             .subnet_groups = groups_,
                             .instance_tags = instance_tags_,
                             .engines = [this] { return engines_; },
                             .log_files = log_files_});
  }
  ~Installation() { clusters_->stop(); }
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;

  using Parameters = std::vector<std::pair<std::string, std::string>>;

  // The body of the answer. What was asked of the policies is in asked().
  Result<std::string> call(const std::string& service, const std::string& action,
                           const Parameters& parameters) {
    const ServiceInfo& info = *find_service(service);
    const Action* found = table_.find(info, action);
    if (found == nullptr) {
      return aws_fault(Errc::kInvalidArgument, "InvalidAction", action);
    }
    QueryParameters all(parameters.begin(), parameters.end());
    all.push_back({"Action", action});
    all.push_back({"Version", std::string(info.version)});
    TRIVET_TRY(const QueryParams params, QueryParams::from(std::move(all)));
    const Call facts{.request_id = "00000000-0000-4000-8000-000000000000",
                     .service = info,
                     .action = found->name,
                     .principal = principal_,
                     .realm = realm_,
                     .region = realm_.region,
                     .now = clock_.wall_now(),
                     .source_ip = "127.0.0.1",
                     .user_agent = "test",
                     .is_tls = false};
    asked_.clear();
    return found->run(facts, params, [this](const std::vector<Permission>& permissions) -> Status {
      asked_ = permissions;
      if (is_denied_) {
        return make_error(Errc::kDenied, "not authorized");
      }
      return ok();
    });
  }
  // What is between <name> and </name>, first place; "" when it is not there.
  static std::string text_of(const std::string& xml, const std::string& name) {
    const std::size_t begin = xml.find("<" + name + ">");
    const std::size_t end = xml.find("</" + name + ">", begin);
    if (begin == std::string::npos || end == std::string::npos) {
      return {};
    }
    return xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
  }
  // False when it did not come to that in ten seconds.
  bool wait_for(const std::function<bool()>& condition) {
    const Instant end = clock_.now() + std::chrono::seconds(10);
    while (!condition()) {
      if (clock_.now() > end) {
        return false;
      }
      MutexLock lock(mutex_);
      changed_.wait_for(mutex_, Millis(10));
    }
    return true;
  }
  bool wait_until_available(const std::string& id) {
    return wait_for([&] {
      const auto view = clusters_->find(ClusterId(id));
      return view && service::status_text(*view) == "available";
    });
  }

  service::ClusterService& clusters() { return *clusters_; }
  service::Ec2Service& ec2() { return ec2_; }
  std::vector<service::EngineVersion>& engines() { return engines_; }
  LogFilesInMemory& log_files() { return log_files_; }
  const std::vector<Permission>& asked() const { return asked_; }
  void deny() { is_denied_ = true; }

 private:
  const Realm realm_{.account = AccountId("123456789012")};
  const Principal principal_{.kind = Principal::Kind::kRoot,
                             .account = AccountId("123456789012"),
                             .arn = "arn:aws:iam::123456789012:root",
                             .principal_arn = "arn:aws:iam::123456789012:root",
                             .user_id = "123456789012"};
  SystemClock clock_;
  store_memory::MemoryStore store_;
  std::shared_ptr<const service::Sealer> sealer_;
  service::NetworkStore network_{store_};
  service::Ec2Service ec2_;
  service::SubnetGroupService groups_;
  service::InstanceTags instance_tags_{store_};
  LogFilesInMemory log_files_;
  ObedientAgents agents_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<service::EngineVersion> engines_ = {{"mysql", "9.7.4"}};
  std::unique_ptr<service::ClusterService> clusters_;
  ActionTable table_;
  std::vector<Permission> asked_;
  bool is_denied_ = false;
};

}  // namespace trivet::api::testing
