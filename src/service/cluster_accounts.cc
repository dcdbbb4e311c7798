// SPDX-License-Identifier: Apache-2.0
//
// What is done to accounts of a cluster's databases: on the writer, whose log takes it to the
// readers.
#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>

#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"
#include "service/cluster_faults.h"
#include "service/cluster_service.h"

namespace trivet::service {
namespace {

constexpr Millis kAccountMax{5'000};
// The writer's worker may be busy with another command.
constexpr Millis kAnswerMax{20'000};

}  // namespace

void ClusterDriver::on_writer(AccountWork work, std::function<void(Status)> done) {
  const auto writer = machine_ ? machine_->serving_writer() : std::nullopt;
  if (stage_ != Stage::kRunning || !writer) {
    done(make_error(Errc::kUnavailable,
                    fmt::format("{} has no writer that serves: try again", cluster_.id.str())));
    return;
  }
  const Stamp stamp{machine_->topology().term, needs_.clock.now() + kAnswerMax};
  on_member<Status>(
      *writer, [stamp, work = std::move(work)](MemberAgent& agent) { return work(agent, stamp); },
      std::move(done));
}

Status ClusterService::on_writer(const ClusterId& id, const AccountWork& work) {
  // Shared: it may be answered after we have given up.
  auto answer = std::make_shared<std::promise<Status>>();
  auto future = answer->get_future();
  const auto asked = with_driver(id, [&](ClusterDriver& driver) {
    driver.on_writer(work, [answer](const Status& status) { answer->set_value(status); });
    return ok();
  });
  TRIVET_CHECK_OK(asked);
  if (future.wait_for(kAnswerMax) != std::future_status::ready) {
    return make_error(Errc::kTimeout,
                      fmt::format("the writer of {} did not answer: try again", id.str()));
  }
  return future.get();
}

Status ClusterService::set_role(const ClusterId& id, const RoleGrant& grant) {
  return on_writer(id, [grant](MemberAgent& agent, const Stamp& stamp) {
    return agent.set_role(stamp, grant, kAccountMax);
  });
}

Status ClusterService::reset_master_user(const ClusterId& id, SecretString password) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  if (status_text(*view) != "available") {
    return wrong_state(id, status_text(*view), "available");
  }
  const auto secret = std::make_shared<const SecretString>(std::move(password));
  TRIVET_CHECK_OK(on_writer(
      id, [name = view->cluster.master_username, secret](MemberAgent& agent, const Stamp& stamp) {
        return agent.reset_master_user(stamp, name, *secret, kAccountMax);
      }));
  on_control([this, &view] { cluster_events_.master_user_reset(view->cluster); });
  return ok();
}

}  // namespace trivet::service
