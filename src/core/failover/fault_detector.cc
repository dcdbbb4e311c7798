// SPDX-License-Identifier: Apache-2.0
#include "core/failover/fault_detector.h"

#include <algorithm>
#include <utility>

namespace trivet::failover {
namespace {

std::string ms(Millis time) {
  return std::to_string(time.count()) + " ms";
}

}  // namespace

void FaultDetector::on_held(const MemberId& voter, const gtid::GtidSet& held, Instant asked) {
  Watched& m = members_[voter];
  m.held = held;
  m.held_asked = asked;
}

std::vector<Finding> FaultDetector::on_probe(const MemberId& id, const Probe& probe) {
  Findings out;
  Watched& m = members_[id];
  const bool overslept = since(probe.asked, probe.ended) > limits_.probe + limits_.overslept;
  const bool late = m.last_ended && since(*m.last_ended, probe.ended) > limits_.look_gap;
  m.last_ended = probe.ended;
  if (overslept || late) {
    restart(m);
  }
  // A look through which we slept says nothing about silence, but an answer is an answer.
  if (!overslept || probe.query == Probe::Query::kAnswered) {
    judge_query(m, probe, out);
  }
  judge_disk(id, m, probe, out);
  judge_space(id, m, probe, out);
  judge_log(m, probe, out);
  judge_acknowledgements(id, m, probe, out);
  if (probe.commits) {
    m.acknowledged = probe.commits->acknowledged;
  }
  return out;
}

void FaultDetector::restart(Watched& m) const {
  m.silent = m.refused = m.disk_looks = 0;
  m.silence = Millis(0);
  m.stuck_since.reset();
  m.waits_since.reset();
  m.stall.reset();
}

void FaultDetector::hang(Watched& m, std::string reason, Millis since, Findings& out) {
  if (!std::exchange(m.hung, true)) {
    out.push_back({Finding::Kind::kHung, std::move(reason), since});
  }
}

// Between the end of the first miss and now: what it used before may be from before it hung.
bool FaultDetector::is_busy(const Watched& m, const Probe& probe) const {
  if (probe.state == 'T' || !probe.cpu || !m.cpu_at_first) {
    return false;
  }
  const Millis used = *probe.cpu - *m.cpu_at_first;
  return used * 100 >= (m.silence - m.silence_at_first) * limits_.busy_percent;
}

void FaultDetector::judge_query(Watched& m, const Probe& probe, Findings& out) const {
  if (probe.query == Probe::Query::kAnswered) {
    m.silent = m.refused = 0;
    m.silence = Millis(0);
    return;
  }
  if (probe.query == Probe::Query::kRefused) {
    if (m.refused++ == 0) {
      m.refused_since = probe.asked;
    }
    const Millis refused = since(m.refused_since, probe.ended);
    if (m.refused >= limits_.refusals && refused >= limits_.refused) {
      hang(m, "refused " + std::to_string(m.refused) + " probes in " + ms(refused) + ": query",
           refused, out);
    }
    return;
  }
  m.silent += 1;
  m.silence += since(probe.asked, probe.ended);
  if (m.silent == 1) {
    m.cpu_at_first = probe.cpu;
    m.silence_at_first = m.silence;
  }
  if (m.silent < limits_.misses || m.silence < limits_.silence) {
    return;
  }
  const bool busy = is_busy(m, probe);
  if (busy && m.silence < limits_.silence_busy) {
    return;
  }
  hang(m,
       "no answer to " + std::to_string(m.silent) + " probes in " + ms(m.silence) +
           ": query (process state " + probe.state + (busy ? ", busy)" : ")"),
       m.silence, out);
}

// A disk that is slow for everybody is not cured by killing anybody.
bool FaultDetector::other_disk_works(const MemberId& id, Instant since) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& entry) {
    const Watched& other = entry.second;
    return entry.first != id && !other.hung && !other.disk_pending && other.disk_synced > since;
  });
}

void FaultDetector::judge_disk(const MemberId& id, Watched& m, const Probe& probe,
                               Findings& out) const {
  const bool was_pending = m.disk_pending;
  m.disk_pending =
      probe.disk == Probe::Disk::kPending && since(probe.disk_began, probe.ended) >= limits_.probe;
  if (probe.disk == Probe::Disk::kSynced) {
    m.disk_synced = std::max(m.disk_synced, probe.disk_began);
  }
  const bool commits_go_on =
      probe.commits && m.acknowledged && *m.acknowledged != probe.commits->acknowledged;
  if (!m.disk_pending || commits_go_on) {
    m.disk_looks = 0;
    return;
  }
  if (m.disk_looks++ == 0) {
    m.disk_since = was_pending ? probe.asked : probe.disk_began;
  }
  const Millis pending = since(m.disk_since, probe.ended);
  if (m.disk_looks >= limits_.disk_looks && pending >= limits_.disk &&
      other_disk_works(id, m.disk_since)) {
    hang(m,
         "no answer to " + std::to_string(m.disk_looks) + " probes in " + ms(pending) +
             ": fdatasync in its data directory (process state " + probe.state + ")",
         pending, out);
  }
}

bool FaultDetector::other_has_space(const MemberId& id) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& entry) {
    const Watched& other = entry.second;
    return entry.first != id && other.last_ended && !other.hung && !other.full;
  });
}

// A full disk is told and left alone as long as commits do not stand still on it.
void FaultDetector::judge_space(const MemberId& id, Watched& m, const Probe& probe,
                                Findings& out) const {
  if (probe.disk == Probe::Disk::kPending && !probe.disk_free) {
    judge_standstill(id, m, probe, out);  // nothing new of its space
    return;
  }
  m.full = probe.no_space || (probe.disk_free && *probe.disk_free < limits_.full_bytes);
  const bool failed = !m.full && probe.disk == Probe::Disk::kFailed;
  const std::string trouble =
      m.full   ? "its disk is full: " + std::to_string(probe.disk_free.value_or(0)) + " bytes free"
      : failed ? "its disk fails: " + probe.disk_error
               : "";
  const bool news =
      m.full ? !m.disk_trouble.starts_with("its disk is full") : trouble != m.disk_trouble;
  if (news) {
    out.push_back({m.full   ? Finding::Kind::kDiskFull
                   : failed ? Finding::Kind::kDiskFailed
                            : Finding::Kind::kDiskWell,
                   trouble, Millis(0)});
    m.disk_trouble = trouble;
  }
  judge_standstill(id, m, probe, out);
  judge_space_again(m, probe, out);
}

// A receiver that waits so cannot be stopped either, which would hold up an election.
void FaultDetector::judge_space_again(Watched& m, const Probe& probe, Findings& out) const {
  if (probe.query != Probe::Query::kAnswered) {
    return;
  }
  if (m.full || !probe.disk_free || probe.waiting_for_space == 0) {
    m.waits_since.reset();
    return;
  }
  if (!m.waits_since) {
    m.waits_since = probe.ended;
  }
  const Millis still = since(*m.waits_since, probe.ended);
  if (still >= limits_.space_again) {
    hang(m,
         std::to_string(probe.waiting_for_space) + " threads have waited for " + ms(still) +
             " for disk space that is there",
         still, out);
  }
}

// mysqld tries a write that found no space again after a minute, so commits that stood still on a
// full disk do not go on because there is space again.
void FaultDetector::judge_standstill(const MemberId& id, Watched& m, const Probe& probe,
                                     Findings& out) const {
  if (!probe.commits && probe.query != Probe::Query::kAnswered) {
    return;  // nothing new
  }
  if (m.full) {
    m.full_at = probe.ended;
  }
  const bool was_full = m.full_at && since(*m.full_at, probe.ended) < limits_.full_remembered;
  // Those that wait for an acknowledgement have written what they had to write.
  const bool stuck = was_full && probe.commits && probe.commits->committing > 0 &&
                     probe.commits->waiting == 0 && m.acknowledged == probe.commits->acknowledged;
  if (!stuck) {
    m.stuck_since.reset();
    return;
  }
  if (!m.stuck_since) {
    m.stuck_since = probe.ended;
  }
  const Millis still = since(*m.stuck_since, probe.ended);
  if (still >= limits_.full_stuck && other_has_space(id)) {
    const std::string disk = m.full ? m.disk_trouble : std::string("its disk was full");
    hang(m, disk + ", and commits have stood still for " + ms(still), still, out);
  }
}

// While nobody commits, only a write can show what a flood means.
void FaultDetector::judge_log(Watched& m, const Probe& probe, Findings& out) const {
  if (probe.log_written) {
    m.flood_looks = *probe.log_written >= limits_.flood ? m.flood_looks + 1 : 0;
  }
  const int since_found = m.flood_looks - limits_.flood_looks;
  if (probe.log_written && probe.commits && probe.commits->waiting == 0 && since_found >= 0 &&
      since_found % limits_.flood_again == 0) {
    out.push_back({Finding::Kind::kLogFlood,
                   "its error log grew by " + std::to_string(*probe.log_written) +
                       " bytes since the last look, as in " + std::to_string(m.flood_looks) +
                       " looks in a row",
                   Millis(0)});
  }
}

std::optional<MemberId> FaultDetector::holder(const MemberId& writer, const Stall& stall,
                                              const gtid::GtidSet& executed) const {
  for (const auto& [id, other] : members_) {
    if (id != writer && other.held_asked && *other.held_asked >= stall.began &&
        !executed.contains(other.held)) {
      return id;
    }
  }
  return std::nullopt;
}

void FaultDetector::judge_acknowledgements(const MemberId& id, Watched& m, const Probe& probe,
                                           Findings& out) const {
  if (!probe.commits) {
    if (probe.query == Probe::Query::kAnswered) {
      m.stall.reset();  // no writer
    }
    return;
  }
  const CommitProgress& commits = *probe.commits;
  if (commits.waiting == 0) {
    m.stall.reset();
    return;
  }
  if (!m.stall || m.stall->acknowledged != commits.acknowledged) {
    m.stall = Stall{commits.acknowledged, probe.ended, 1, 0, probe.ended};
    return;
  }
  Stall& stall = *m.stall;
  stall.looks += 1;
  const Millis still = since(stall.began, probe.ended);
  if (stall.looks < limits_.misses || still < limits_.acknowledgement) {
    return;
  }
  const std::string nothing = "no acknowledgement for " + ms(still);
  if (m.flood_looks >= limits_.flood_looks && still >= limits_.flooded) {
    hang(m,
         std::to_string(commits.waiting) + " sessions wait, " + nothing +
             ", and its error log is flooded: it spins",
         still, out);
    return;
  }
  const auto voter = holder(id, stall, commits.executed);
  if (!voter || m.disk_pending) {
    return;  // nobody has them yet: waiting is right (I1); or no write would help now
  }
  const std::string reason = std::to_string(commits.waiting) + " sessions wait for what " +
                             voter->str() + " received, " + nothing;
  if (stall.nudges >= limits_.nudges && still >= limits_.acknowledgements) {
    hang(m, reason + ", and small writes did not help", still, out);
  } else if (probe.ended >= stall.next_nudge) {
    stall.nudges += 1;
    stall.next_nudge = probe.ended + limits_.nudge_every;
    out.push_back({Finding::Kind::kLostAcknowledgement, reason, still});
  }
}

bool FaultDetector::suspects_acknowledgements(const MemberId& writer) const {
  const auto at = members_.find(writer);
  return at != members_.end() && at->second.stall && at->second.stall->looks >= 2;
}

}  // namespace trivet::failover
