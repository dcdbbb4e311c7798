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
      control_(world.scheduler(), SimExecutor::Kind::kPlain, &world.clock()),
      store_worker_(world.scheduler(), SimExecutor::Kind::kWithFiber, &world.clock()),
      state_(world),
      store_(state_, sealer()),
      agents_(world),
      event_store_(world),
      event_log_(event_store_, world.clock(), {},
                 std::make_unique<SimExecutor>(world.scheduler(), SimExecutor::Kind::kPlain,
                                               &world.clock())),
      events_(event_log_, world.clock(), {}) {}

Daemon::~Daemon() {
  control_.stop();
  store_worker_.stop();
  event_store_.end();
  driver_.reset();
}

bool Daemon::begin() {
  auto cluster = store_.get(world_.cluster().id);
  if (!cluster || !event_log_.load()) {
    return false;
  }
  service::DriverNeeds needs{
      store_,
      control_,
      store_worker_,
      world_.clock(),
      agents_,
      events_,
      [this](service::ClusterViewPtr view) { world_.on_view(std::move(view)); },
      [](const Cluster&) { TRIVET_ASSERT(false); },
      [this](const std::string&) {
        return std::make_unique<SimExecutor>(world_.scheduler(), SimExecutor::Kind::kWithFiber,
                                             &world_.clock());
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

void Daemon::accept_a_loss() {
  control_.post([this] {
    const auto preview = driver_->preview_loss();
    if (!preview) {
      return;
    }
    const int shown = static_cast<int>(preview->offers.size());
    const int chosen = world_.random().chance(70) ? 0 : world_.random().below(shown);
    const auto& offer = preview->offers[static_cast<std::size_t>(chosen)];
    const auto held = world_.ledger().transactions(offer.held);
    // Between looking and deciding time goes by.
    control_.post_after(Millis(world_.random().below(300)), [this, offer, held] {
      world_.trace("loss accepted", index_of(offer.member),
                   static_cast<std::int64_t>(offer.lacks.count()));
      if (driver_->accept_loss(offer.member, offer.held.str())) {
        world_.loss_was_accepted(index_of(offer.member), held);
      }
    });
  });
}

}  // namespace trivet::sim
