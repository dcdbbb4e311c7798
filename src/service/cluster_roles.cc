// SPDX-License-Identifier: Apache-2.0
//
// Roles of MySQL that sessions get by a tag of their principal: given on the writer, whose log
// takes them to the readers.
#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>

#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"
#include "service/cluster_service.h"

namespace trivet::service {
namespace {

constexpr Millis kSetRoleMax{5'000};
// The writer's worker may be busy with another command.
constexpr Millis kAnswerMax{20'000};

}  // namespace

void ClusterDriver::set_role(const RoleGrant& grant, std::function<void(Status)> done) {
  const auto writer = machine_ ? machine_->serving_writer() : std::nullopt;
  if (stage_ != Stage::kRunning || !writer) {
    done(make_error(Errc::kUnavailable,
                    fmt::format("{} has no writer that serves: try again", cluster_.id.str())));
    return;
  }
  const Stamp stamp{machine_->topology().term, needs_.clock.now() + kAnswerMax};
  on_member<Status>(
      *writer,
      [stamp, grant](MemberAgent& agent) { return agent.set_role(stamp, grant, kSetRoleMax); },
      std::move(done));
}

Status ClusterService::set_role(const ClusterId& id, const RoleGrant& grant) {
  // Shared: it may be answered after we have given up.
  auto answer = std::make_shared<std::promise<Status>>();
  auto future = answer->get_future();
  const auto asked = with_driver(id, [&](ClusterDriver& driver) {
    driver.set_role(grant, [answer](const Status& status) { answer->set_value(status); });
    return ok();
  });
  TRIVET_CHECK_OK(asked);
  if (future.wait_for(kAnswerMax) != std::future_status::ready) {
    return make_error(Errc::kTimeout,
                      fmt::format("the writer of {} did not answer: try again", id.str()));
  }
  return future.get();
}

}  // namespace trivet::service
