// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "base/log.h"
#include "router/dispatcher.h"
#include "router/relay_loop.h"

namespace trivet::router {
namespace {

constexpr std::size_t kRelayThreadsMax = 4;
// Applying a table takes microseconds for each listener; a thread that does not get to it in this
// time is stuck.
constexpr Millis kDeadline{5'000};

std::size_t relay_threads(const RouterOptions& options) {
  const std::size_t cores = std::max<std::size_t>(1, std::thread::hardware_concurrency());
  return options.relay_threads > 0 ? options.relay_threads : std::min(cores, kRelayThreadsMax);
}

}  // namespace

struct Router::Impl {
  explicit Impl(const RouterOptions& given) : options(given) {
    for (std::size_t i = 0; i < relay_threads(options); ++i) {
      loops.push_back(
          std::make_unique<RelayLoop>("relay-" + std::to_string(i), [this](SessionId id) {
            loops.front()->poller().post([this, id] { dispatcher->session_ended(id); });
          }));
    }
    dispatcher = std::make_unique<Dispatcher>(loops, options);
  }

  // Runs `task` on relay-0 and waits for what it returns.
  template <typename Task>
  Result<decltype(std::declval<Task>()())> run(Task task) {
    using Value = decltype(task());
    net::Poller& poller = loops.front()->poller();
    TRIVET_ASSERT(!poller.on_this_thread());
    auto result = std::make_shared<std::promise<Value>>();
    std::future<Value> ran = result->get_future();
    if (!poller.post([result, task = std::move(task)] { result->set_value(task()); })) {
      return make_error(Errc::kUnavailable, "the router has stopped");
    }
    if (ran.wait_for(kDeadline) != std::future_status::ready) {
      return make_error(Errc::kTimeout, "the router's thread does not answer");
    }
    return ran.get();
  }

  const RouterOptions options;
  std::vector<std::unique_ptr<RelayLoop>> loops;
  std::unique_ptr<Dispatcher> dispatcher;
};

Router::Router(RouterOptions options) : impl_(std::make_unique<Impl>(options)) {}

Router::~Router() {
  stop();
}

Status Router::publish(std::shared_ptr<const routing::EndpointTable> table) {
  auto status = std::make_shared<Status>();
  const auto ran = impl_->run([impl = impl_.get(), table = std::move(table), status] {
    *status = impl->dispatcher->apply(*table);
    return true;
  });
  return ran ? *status : Status(ran.error());
}

bool Router::publish(std::shared_ptr<const routing::EndpointTable> table,
                     std::function<void(Status)> applied) {
  return impl_->loops.front()->poller().post(
      [impl = impl_.get(), table = std::move(table), applied = std::move(applied)] {
        const Status status = impl->dispatcher->apply(*table);
        if (applied) {
          applied(status);
        }
      });
}

Result<RouterStats> Router::stats() const {
  return impl_->run([impl = impl_.get()] { return impl->dispatcher->stats(); });
}

void Router::stop() {
  static_cast<void>(impl_->run([impl = impl_.get()] {
    impl->dispatcher->close_all();
    return true;
  }));
  for (const auto& loop : impl_->loops) {
    loop->poller().stop();
  }
}

}  // namespace trivet::router
