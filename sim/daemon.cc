// SPDX-License-Identifier: Apache-2.0
#include "sim/daemon.h"

namespace trivet::sim {

std::shared_ptr<const service::Sealer> sealer() {
  static const auto kSealer =
      *service::Sealer::create(SecretString(std::string(service::Sealer::kKeyBytes, 'k')));
  return kSealer;
}

Daemon::Daemon(World& world)
    : world_(world),
      control_(world.scheduler(), SimExecutor::Kind::kPlain),
      store_worker_(world.scheduler(), SimExecutor::Kind::kWithFiber),
      state_(world),
      store_(state_, sealer()),
      agents_(world),
      event_log_(event_store_, world.scheduler(), {},
                 std::make_unique<SimExecutor>(world.scheduler(), SimExecutor::Kind::kPlain)),
      events_(event_log_, world.scheduler(), {}) {}

Daemon::~Daemon() {
  control_.stop();
  store_worker_.stop();
  driver_.reset();
}

bool Daemon::begin() {
  auto cluster = store_.get(world_.cluster().id);
  if (!cluster) {
    return false;
  }
  service::DriverNeeds needs{
      store_,
      control_,
      store_worker_,
      world_.scheduler(),
      agents_,
      events_,
      [this](service::ClusterViewPtr view) { world_.on_view(std::move(view)); },
      [](const Cluster&) { TRIVET_ASSERT(false); },
      [this](const std::string&) {
        return std::make_unique<SimExecutor>(world_.scheduler(), SimExecutor::Kind::kWithFiber);
      }};
  driver_ = std::make_unique<service::ClusterDriver>(std::move(needs), std::move(*cluster));
  control_.post([this] { driver_->begin(); });
  return true;
}

void Daemon::request_failover() {
  control_.post([this] { driver_->request_failover(); });
}

void Daemon::request_switchover(const MemberId& target) {
  control_.post([this, target] { driver_->request_switchover(target); });
}

}  // namespace trivet::sim
