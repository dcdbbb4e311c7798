// SPDX-License-Identifier: Apache-2.0
//
// Whoever hangs is ended soon, nobody else is; who waits for a lost acknowledgement is helped soon;
// flow control holds back a writer as far as that helps, and no further.
#include <algorithm>

#include "sim/world.h"

namespace trivet::sim {
namespace {

// A little less than the detector's own limits: a look may have been under way, a clock runs fast.
constexpr Micros kHangsLeast = std::chrono::milliseconds(850);
constexpr Micros kBusyLeast = std::chrono::milliseconds(2'850);
constexpr Micros kWaitsLeast = std::chrono::milliseconds(4'800);
constexpr Micros kSpinsLeast = std::chrono::milliseconds(1'250);
constexpr Micros kJustNow =
    std::chrono::milliseconds(3'000);  // judged before, and carried out late
// Of a member that is watched all the time. One that could not be adopted at once, behind a command
// that waits for it, included.
constexpr Micros kHangsMost = std::chrono::milliseconds(9'000);
constexpr Micros kBusyMost = std::chrono::milliseconds(11'000);
constexpr Micros kDiskMost = std::chrono::milliseconds(6'000);
constexpr Micros kSpinsMost = std::chrono::milliseconds(3'500);
constexpr Micros kWaitsMost = std::chrono::milliseconds(2'750);
constexpr Micros kPaceAfter = std::chrono::seconds(8);
constexpr Micros kLeftOutAfter = std::chrono::seconds(25);
// Beyond what it was behind before there was anybody to hold back. What is applied is chance, and
// so is its known rate; until the delay is what it should be, clients write on.
constexpr double kBacklogMostSeconds = 5;
constexpr double kAppliesPerSecond = 285;  // what pulses come to
constexpr Micros kDelayMost = std::chrono::milliseconds(250);
constexpr Millis kLagMost{36'000};  // the bound, and what it takes to be seen and told

bool lasted(Instant from, Instant until, Instant now, Micros least) {
  const Instant end = std::min(until, now);
  return end - from >= least && now - end <= kJustNow;
}

}  // namespace

// Called when the driver ends a member because it takes it for hung.
void World::check_hang(int member) {
  const Server& s = server(member);
  trace("killed for a hang", member);
  ++counts_.hangs_killed;
  const Micros least = s.hang == Hang::kBusy ? kBusyLeast : kHangsLeast;
  if (s.goes_down || lasted(s.hangs_from, s.hangs_until, now(), least)) {
    return;
  }
  const bool another_writes =
      std::any_of(servers_.begin(), servers_.end(), [&](const Server& other) {
        // Its disk is looked at for as long as nobody was told that it died.
        return other.index != member &&
               (!other.disk_stalls(now()) || other.disk_stalls_from > s.disk_stalls_from);
      });
  if (lasted(s.disk_stalls_from, s.disk_stalls_until, now(), kHangsLeast) && another_writes) {
    return;
  }
  if (!s.deaf || waits(s) < (s.spins_since ? kSpinsLeast : kWaitsLeast)) {
    violate("needless", "m" + std::to_string(member + 1) + " is killed and does not hang", false);
  }
}

// Its oldest commit that is not acknowledged.
Micros World::waits(const Server& s) const {
  return s.committed < s.binlog.size() ? now() - ledger_.committed_at(s.binlog[s.committed])
                                       : Micros(0);
}

// Something is in the way of a cluster that would be well otherwise.
bool World::is_disturbed() {
  const bool of_a_server = std::any_of(servers_.begin(), servers_.end(), [&](const Server& s) {
    return s.pid == 0 || s.goes_down || s.deaf || is_hung(s.index) || s.disk_stalls(now());
  });
  return of_a_server || !daemon_ || plan_.noise > 0 || now() < acks_lost_until_ ||
         now() < daemon_stalls_until_ || store_is_out() || !is_healthy() ||
         view_->is_switching_over;
}

void World::watch_members() {
  for (Server& s : servers_) {
    bool is_watched = daemon_ && view_ && plan_.noise == 0 && now() >= daemon_stalls_until_;
    if (is_watched) {
      const auto& state = view_->members[static_cast<std::size_t>(s.index)].state;
      is_watched = state == "closed" || state == "following" || state == "available";
    }
    if (!is_watched) {
      s.unwatched_at = now();
    }
    const Micros most = s.hang == Hang::kBusy ? kBusyMost : kHangsMost;
    if (s.pid != 0 && hangs(s) && now() - std::max(s.hangs_from, s.unwatched_at) > most) {
      violate("hang", "m" + std::to_string(s.index + 1) + " hangs and nobody ends it", false);
    }
    if (s.spins_since && s.semi_sync && !hangs(s) && !s.disk_stalls(now())) {
      const Instant from = std::max({*s.spins_since, s.unwatched_at, std::min(s.hangs_until, now()),
                                     std::min(s.disk_stalls_until, now())});
      if (std::min(waits(s), now() - from) > kSpinsMost) {
        violate("hang", "m" + std::to_string(s.index + 1) + " spins and nobody ends it", false);
      }
    }
    const bool is_only_one =
        std::none_of(servers_.begin(), servers_.end(), [&](const Server& other) {
          return other.index != s.index && other.disk_stalls_until > s.disk_stalls_from;
        });
    // Only beside one that works can it be told that it is not the host that stalls.
    const bool is_beside_one =
        std::any_of(servers_.begin(), servers_.end(), [&](const Server& other) {
          return other.index != s.index && other.answers() && !hangs(other) &&
                 now() - std::max(other.ready_at, other.unwatched_at) > kDiskMost;
        });
    if (s.pid != 0 && s.disk_stalls(now()) && is_only_one && is_beside_one &&
        now() - std::max(s.disk_stalls_from, s.unwatched_at) > kDiskMost) {
      violate("hang", "the disk of m" + std::to_string(s.index + 1) + " stalls and it lives on",
              false);
    }
  }
}

// MySQL bug 104015 (T4): a lost acknowledgement is made up for by any later write.
void World::check_waits() {
  for (const Client& client : clients_) {
    if (client.waiting && server(client.member).pid == client.pid &&
        now() - std::max(client.next, calm_since_) > kWaitsMost) {
      violate("T4",
              "a client of m" + std::to_string(client.member + 1) +
                  " waits for its commit, and nothing is in its way",
              false);
    }
  }
}

void World::check_pace() {
  for (Server& s : servers_) {
    const Micros calm = now() - std::max(calm_since_, s.slow_from);
    if (now() >= s.slow_until || calm <= Micros(0)) {
      s.behind_before = 0;
      if (stored_.writer) {
        const Server& writer = server(index_of(*stored_.writer));
        s.behind_before = writer.held.count() - std::min(writer.held.count(), s.executed.count());
      }
    }
    if (now() >= s.slow_until || calm < kPaceAfter || !stored_.writer) {
      continue;
    }
    const double backlog = static_cast<double>(s.relay.size());
    const double rate = kAppliesPerSecond * s.slow_percent / 100;
    const double most = std::max(rate * kBacklogMostSeconds, static_cast<double>(s.behind_before));
    if (s.slow_percent > 0 && backlog > most) {
      violate("flow", "m" + std::to_string(s.index + 1) + " falls behind and its writer goes on",
              false);
    }
    if (s.slow_percent == 0 && calm > kLeftOutAfter &&
        server(index_of(*stored_.writer)).commit_delay > Micros(0)) {
      violate("flow", "a reader that does not apply at all holds back its writer", false);
    }
    const bool reads = view_->members[static_cast<std::size_t>(s.index)].serves_reads;
    if (reads && !s.relay.empty() &&
        since(std::max(ledger_.committed_at(s.relay.front()), served_since_), now()) > kLagMost) {
      violate("I14", "m" + std::to_string(s.index + 1) + " serves reads far behind the writer");
    }
  }
}

void World::check_delay(int member, Micros delay, Term term) {
  trace("delay", member, delay.count(), term.value());
  const bool is_writer = stored_.writer && index_of(*stored_.writer) == member;
  if (delay > kDelayMost || (delay > Micros(0) && term == stored_.term && !is_writer)) {
    violate("flow",
            "m" + std::to_string(member + 1) + " is to delay its commits by " +
                std::to_string(delay.count()) + " us",
            false);
  }
}

}  // namespace trivet::sim
