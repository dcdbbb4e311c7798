// SPDX-License-Identifier: Apache-2.0
#include "runner/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <map>
#include <utility>

#include "adapter/runtimes/runtimes.h"
#include "base/log.h"
#include "base/worker.h"
#include "net/loop.h"
#include "runner/starter.h"

namespace trivet::runner {
namespace {

using environments::EnvironmentId;
using environments::PoolActions;
using environments::PoolKey;
using environments::Ticket;

constexpr std::size_t kStarters = 4;
constexpr Millis kTick{1'000};
constexpr Millis kMemoryWatch{100};
constexpr Millis kLoopDeadline{2'000};
constexpr Millis kRemoveDeadline{20'000};
// Between the end of an environment and that of its credentials.
constexpr Millis kCredentialsMargin{60'000};

PoolKey key_of(const FunctionImage& image) {
  return {image.arn, image.version, image.revision};
}

std::string_view to_string(environments::EndReason why) {
  switch (why) {
    case environments::EndReason::kIdle:
      return "idle";
    case environments::EndReason::kRetired:
      return "retired";
    case environments::EndReason::kExpired:
      return "expired";
    case environments::EndReason::kRoom:
      return "room";
  }
  return "idle";
}

const Error kStopping = make_error(Errc::kUnavailable, "the daemon is stopping");

}  // namespace

// On the loop's thread, but for what is said to be otherwise.
class Runner::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(RunnerOptions options) : options_(std::move(options)), pool_(options_.limits) {}

  void open();
  // From any thread.
  Status check() const;
  bool post(net::Loop::Task task) { return loop_.post(std::move(task)); }
  bool run(net::Loop::Task task) { return loop_.run(std::move(task), kLoopDeadline); }
  const RunnerOptions& options() const { return options_; }
  std::vector<std::string> weaknesses() const {
    return host_ ? host_->weaknesses() : std::vector<std::string>();
  }

  void ask(std::shared_ptr<const FunctionImage> image, Work work);
  void retire(const std::string& arn, const std::string& except_revision);
  void retire_all() { carry_out(pool_.retire_all()); }
  FunctionRuntimeStats stats() const;
  void stop();  // from a thread that is none of ours

 private:
  struct Asked {
    std::shared_ptr<const FunctionImage> image;
    Work work;
  };

  void carry_out(const PoolActions& actions);
  void begin_start(EnvironmentId id, const std::shared_ptr<const FunctionImage>& image);
  void on_started(EnvironmentId id, Result<Started> started);
  void dispatch(EnvironmentId id, Ticket ticket);
  void on_ready(EnvironmentId id);
  void on_gone(EnvironmentId id, const std::function<void(const std::string&, Work&)>& failed);
  void end(EnvironmentId id, std::string_view why);
  void remove(Environment::Remains remains);
  void answer(Ticket ticket, const Error& why);
  void check_later(Instant when);
  void check_deadlines();
  void tick();
  void watch_memory();
  void end_all();

  const RunnerOptions options_;
  net::Loop loop_{"functions"};  // outlives what is on it
  Status why_not_ = ok();
  std::unique_ptr<sandbox::Host> host_;
  std::unique_ptr<Starter> starter_;
  environments::Pool pool_;
  std::map<EnvironmentId, std::shared_ptr<Environment>> environments_;
  std::map<Ticket, Asked> asked_;
  Ticket last_ticket_ = 0;
  std::size_t next_starter_ = 0;
  Instant next_check_ = Instant::max();
  bool is_stopping_ = false;
  std::atomic<bool> is_stopped_ = false;
  std::array<std::unique_ptr<Worker>, kStarters> starters_;
  std::unique_ptr<Worker> remover_;
};

void Runner::Impl::open() {
  auto host = sandbox::Host::open({.home = options_.home,
                                   .program = options_.program,
                                   .installation_id = options_.installation_id,
                                   .uid_first = options_.uid_first,
                                   .uid_count = options_.uid_count});
  if (!host) {
    why_not_ = host.error();
    log(Level::kInfo, "functions.none_here", {{"why", why_not_.error().message}});
    return;
  }
  host_ = std::move(*host);
  starter_ = std::make_unique<Starter>(options_, *host_);
  why_not_ = starter_->prepare();
  for (const std::string& weakness : host_->weaknesses()) {
    log(Level::kWarning, "functions.weaker", {{"what", weakness}});
  }
  for (std::size_t i = 0; i < starters_.size(); ++i) {
    starters_[i] = std::make_unique<Worker>(fmt::format("fn-start-{}", i));
  }
  remover_ = std::make_unique<Worker>("fn-end");
  const std::weak_ptr<Impl> self = weak_from_this();
  loop_.post([self] {
    if (const auto alive = self.lock()) {
      alive->tick();
      if (!alive->host_->keeps_memory()) {
        alive->watch_memory();
      }
    }
  });
}

Status Runner::Impl::check() const {
  return why_not_;
}

void Runner::Impl::ask(std::shared_ptr<const FunctionImage> image, Work work) {
  if (is_stopping_) {
    work.done(kStopping);
    return;
  }
  const Ticket ticket = ++last_ticket_;
  const PoolKey key = key_of(*image);
  const Millis timeout = image->timeout;
  asked_.emplace(ticket, Asked{std::move(image), std::move(work)});
  carry_out(pool_.ask(options_.clock->now(), key, timeout, ticket));
}

void Runner::Impl::carry_out(const PoolActions& actions) {
  for (const environments::PoolAction& action : actions) {
    if (const auto* start = std::get_if<environments::StartEnvironment>(&action)) {
      begin_start(start->id, asked_.at(start->ticket).image);
    } else if (const auto* dispatched = std::get_if<environments::Dispatch>(&action)) {
      dispatch(dispatched->id, dispatched->ticket);
    } else if (const auto* ended = std::get_if<environments::EndEnvironment>(&action)) {
      end(ended->id, to_string(ended->why));
    } else if (const auto* refused = std::get_if<environments::Refuse>(&action)) {
      answer(refused->ticket,
             make_error(Errc::kConflict, "all environments that this machine may have are busy"));
    }
  }
}

void Runner::Impl::begin_start(EnvironmentId id,
                               const std::shared_ptr<const FunctionImage>& image) {
  const std::weak_ptr<Impl> self = weak_from_this();
  Environment::Needs needs{
      .loop = loop_,
      .clock = *options_.clock,
      .host = *host_,
      .logs = options_.logs,
      .on_ready =
          [self](EnvironmentId ready) {
            if (const auto alive = self.lock()) {
              alive->on_ready(ready);
            }
          },
      .on_answered =
          [self](EnvironmentId answered) {
            if (const auto alive = self.lock()) {
              alive->pool_.answered(answered);
            }
          },
      .on_gone =
          [self](EnvironmentId gone, const std::function<void(const std::string&, Work&)>& failed) {
            if (const auto alive = self.lock()) {
              alive->on_gone(gone, failed);
            }
          },
      .on_deadline =
          [self](Instant when) {
            if (const auto alive = self.lock()) {
              alive->check_later(when);
            }
          }};
  environments_.emplace(id, std::make_shared<Environment>(id, image, std::move(needs)));
  const bool is_posted = starters_[next_starter_++ % kStarters]->post([self, id, image] {
    const auto alive = self.lock();
    if (!alive) {
      return;
    }
    auto started = std::make_shared<Result<Started>>(alive->starter_->start(*image));
    const bool is_heard = alive->loop_.post([self, id, started] {
      if (const auto still = self.lock()) {
        still->on_started(id, std::move(*started));
      }
    });
    if (!is_heard && *started) {
      alive->starter_->remove({std::move(**started), nullptr, false});
    }
  });
  if (!is_posted) {
    on_started(id, make_error(Errc::kConflict, "too many environments are being started"));
  }
}

void Runner::Impl::on_started(EnvironmentId id, Result<Started> started) {
  const auto at = environments_.find(id);
  if (at == environments_.end() || is_stopping_) {
    if (started) {
      remove({std::move(*started), nullptr, false});
    }
    return;
  }
  if (started) {
    at->second->open(std::move(*started));
    return;
  }
  const Error why = started.error();
  if (why.code == Errc::kInvalidArgument && !why.fault.empty()) {
    at->second->refuse_start(std::string(why.fault), why.message);
    return;
  }
  log(Level::kWarning, "functions.not_started",
      {{"function", at->second->image()->arn}, {"why", why.message}});
  environments_.erase(at);
  const auto gone = pool_.gone(id);
  if (gone.failed) {
    answer(*gone.failed, why);
  }
  carry_out(gone.actions);
}

void Runner::Impl::dispatch(EnvironmentId id, Ticket ticket) {
  const auto asked = asked_.find(ticket);
  const auto at = environments_.find(id);
  TRIVET_ASSERT(asked != asked_.end() && at != environments_.end());
  Work work = std::move(asked->second.work);
  asked_.erase(asked);
  at->second->dispatch(std::move(work));
}

void Runner::Impl::on_ready(EnvironmentId id) {
  const auto at = environments_.find(id);
  if (at == environments_.end()) {
    return;
  }
  const WallTime wall = options_.clock->wall_now();
  const Millis left = at->second->started()->credentials_end - wall - kCredentialsMargin;
  const Instant now = options_.clock->now();
  carry_out(pool_.ready(now, id, now + left));
}

void Runner::Impl::on_gone(EnvironmentId id,
                           const std::function<void(const std::string&, Work&)>& failed) {
  const auto gone = pool_.gone(id);
  if (gone.failed) {
    const auto asked = asked_.find(*gone.failed);
    TRIVET_ASSERT(asked != asked_.end());
    Work work = std::move(asked->second.work);
    asked_.erase(asked);
    const std::string request_id = work.invocation.request_id;
    failed(request_id, work);
  }
  end(id, "gone");
  carry_out(gone.actions);
}

void Runner::Impl::end(EnvironmentId id, std::string_view why) {
  const auto at = environments_.find(id);
  if (at == environments_.end()) {
    return;
  }
  const std::shared_ptr<Environment> environment = at->second;
  environments_.erase(at);
  log(Level::kDebug, "functions.ended", {{"function", environment->image()->arn}, {"why", why}});
  remove(environment->close(kStopping));
}

void Runner::Impl::remove(Environment::Remains remains) {
  // A task must be copyable.
  auto kept = std::make_shared<Environment::Remains>(std::move(remains));
  const bool is_posted =
      remover_->post([starter = starter_.get(), kept] { starter->remove(std::move(*kept)); });
  if (!is_posted && kept->started) {
    host_->kill(kept->started->running);
    log(Level::kWarning, "functions.left", {{"id", kept->started->running.id}});
  }
}

void Runner::Impl::answer(Ticket ticket, const Error& why) {
  const auto asked = asked_.find(ticket);
  TRIVET_ASSERT(asked != asked_.end());
  const Work work = std::move(asked->second.work);
  asked_.erase(asked);
  work.done(why);
}

void Runner::Impl::retire(const std::string& arn, const std::string& except_revision) {
  carry_out(
      pool_.retire(arn, except_revision.empty() ? std::nullopt : std::optional(except_revision)));
}

void Runner::Impl::check_later(Instant when) {
  if (when >= next_check_) {
    return;
  }
  next_check_ = when;
  const Millis delay = std::max(Millis(0), std::chrono::ceil<Millis>(when - options_.clock->now()));
  loop_.post_after(delay, [self = weak_from_this(), when] {
    const auto alive = self.lock();
    if (alive && alive->next_check_ == when) {
      alive->next_check_ = Instant::max();
      alive->check_deadlines();
    }
  });
}

void Runner::Impl::check_deadlines() {
  const Instant now = options_.clock->now();
  const auto all = environments_;  // one that is over goes out of the map
  for (const auto& [id, environment] : all) {
    environment->check(now);
  }
  for (const auto& [id, environment] : environments_) {
    if (const auto deadline = environment->deadline()) {
      check_later(*deadline);
    }
  }
}

void Runner::Impl::tick() {
  carry_out(pool_.tick(options_.clock->now()));
  loop_.post_after(kTick, [self = weak_from_this()] {
    if (const auto alive = self.lock()) {
      alive->tick();
    }
  });
}

void Runner::Impl::watch_memory() {
  for (const auto& [id, environment] : environments_) {
    environment->watch_memory();
  }
  loop_.post_after(kMemoryWatch, [self = weak_from_this()] {
    if (const auto alive = self.lock()) {
      alive->watch_memory();
    }
  });
}

FunctionRuntimeStats Runner::Impl::stats() const {
  FunctionRuntimeStats out;
  out.environments_idle = static_cast<std::int64_t>(pool_.idle());
  out.environments_busy = static_cast<std::int64_t>(pool_.busy());
  for (const auto& [id, environment] : environments_) {
    if (environment->started()) {
      out.resident_bytes += host_->memory(environment->started()->running).now;
    }
  }
  return out;
}

void Runner::Impl::end_all() {
  is_stopping_ = true;
  const auto asked = std::exchange(asked_, {});
  for (const auto& [ticket, one] : asked) {
    one.work.done(kStopping);
  }
  const auto all = std::exchange(environments_, {});
  for (const auto& [id, environment] : all) {
    remove(environment->close(kStopping));
  }
}

void Runner::Impl::stop() {
  if (is_stopped_.exchange(true) || !host_) {
    return;
  }
  loop_.run([this] { end_all(); }, kLoopDeadline);
  // What was being started meanwhile comes to the loop, which removes it.
  for (const auto& starter : starters_) {
    starter->stop();
  }
  loop_.run([] {}, kLoopDeadline);
  auto removed = std::make_shared<std::promise<void>>();
  if (remover_->post([removed] { removed->set_value(); })) {
    removed->get_future().wait_for(kRemoveDeadline);
  }
  remover_->stop();
  loop_.stop();
}

Runner::Runner(RunnerOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {
  impl_->open();
}

Runner::~Runner() {
  stop();
}

void Runner::stop() {
  impl_->stop();
}

void Runner::invoke(const FunctionImage& image, Invocation invocation, Done done) {
  if (const Status able = check(); !able) {
    done(make_error(Errc::kUnavailable, able.error().message));
    return;
  }
  auto work = std::make_shared<Work>(Work{std::move(invocation), std::move(done)});
  auto kept = std::make_shared<const FunctionImage>(image);
  if (!impl_->post([impl = impl_.get(), kept, work] { impl->ask(kept, std::move(*work)); })) {
    work->done(kStopping);
  }
}

void Runner::retire(const std::string& function_arn, const std::string& except_revision) {
  if (check()) {
    impl_->post([impl = impl_.get(), function_arn, except_revision] {
      impl->retire(function_arn, except_revision);
    });
  }
}

void Runner::retire_all() {
  if (check()) {
    impl_->post([impl = impl_.get()] { impl->retire_all(); });
  }
}

Status Runner::check() const {
  return impl_->check();
}

Status Runner::check_runtime(const std::string& runtime) const {
  const auto found = runtimes::find(impl_->options().home, runtime);
  return found ? check() : Status(found.error());
}

std::vector<std::string> Runner::weaknesses() const {
  return impl_->weaknesses();
}

FunctionRuntimeStats Runner::stats() const {
  FunctionRuntimeStats out;
  if (check()) {
    auto found = std::make_shared<FunctionRuntimeStats>();
    if (impl_->run([impl = impl_.get(), found] { *found = impl->stats(); })) {
      out = *found;
    }
  }
  return out;
}

}  // namespace trivet::runner
