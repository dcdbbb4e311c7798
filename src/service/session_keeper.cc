// SPDX-License-Identifier: Apache-2.0
#include "service/session_keeper.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/log.h"

namespace trivet::service {
namespace {

constexpr Millis kLookEvery{1'000};
// A member that does not answer is asked again then.
constexpr Millis kAnswerMax{10'000};
// How often a member is asked which sessions are still there, when none is to end.
constexpr Millis kShowEvery{30'000};
// mysqld shows a session under its user only when the login is over.
constexpr Millis kLoginMax{10'000};
constexpr unsigned kFileMode = 0600;

ClientSession client_session(const DatabaseSession& session) {
  return {session.connection, session.user, ":" + std::to_string(session.peer_port)};
}

void log_end(const UnwantedSession& ended) {
  const DatabaseSession& s = *ended.session;
  log(Level::kWarning, "session.ended",
      {{"member", s.member.str()},
       {"connection", s.connection},
       {"user", s.user},
       {"principal", s.principal.arn},
       {"access_key", s.principal.access_key_id.str()},
       {"reason", to_string(ended.why)}});
}

}  // namespace

SessionKeeper::SessionKeeper(Needs needs) : needs_(std::move(needs)), worker_("sessions") {}

void SessionKeeper::start() {
  auto text = read_file(needs_.file);
  if (text) {
    auto known = decode_database_sessions(*text);
    if (known) {
      const MutexLock lock(mutex_);
      for (DatabaseSessionPtr& session : *known) {
        sessions_.emplace(Key{session->member, session->connection}, session);
      }
    } else {
      log(Level::kError, "sessions.not_read", {{"error", known.error().message}});
    }
  }
  worker_.post([this] { tick(); });
}

void SessionKeeper::stop() {
  worker_.stop();
}

void SessionKeeper::opened(DatabaseSession session) {
  if (session.connection == 0) {
    return;  // mysqld did not tell: there is nothing to end it by
  }
  const Key key{session.member, session.connection};
  auto made = std::make_shared<const DatabaseSession>(std::move(session));
  const MutexLock lock(mutex_);
  if (sessions_.size() >= kMax) {
    log(Level::kError, "sessions.too_many", {{"max", std::uint64_t{kMax}}});
    return;
  }
  sessions_.insert_or_assign(key, std::move(made));
  ++changes_;
}

std::size_t SessionKeeper::size() const {
  const MutexLock lock(mutex_);
  return sessions_.size();
}

std::vector<DatabaseSessionPtr> SessionKeeper::sessions() const {
  std::vector<DatabaseSessionPtr> out;
  const MutexLock lock(mutex_);
  for (const auto& [key, session] : sessions_) {
    out.push_back(session);
  }
  return out;
}

void SessionKeeper::forget(const DatabaseSession& session) {
  const MutexLock lock(mutex_);
  const auto found = sessions_.find({session.member, session.connection});
  // The number may be a later login's by now.
  if (found != sessions_.end() && found->second.get() == &session) {
    sessions_.erase(found);
    ++changes_;
  }
}

void SessionKeeper::tick() {
  look();
  write_file();
  worker_.post_after(kLookEvery, [this] { tick(); });
}

void SessionKeeper::look() {
  const std::vector<DatabaseSessionPtr> known = sessions();
  if (known.empty()) {
    return;
  }
  const RulesByCluster rules = needs_.rules();
  const Instant now = needs_.clock.now();
  std::map<MemberId, std::vector<UnwantedSession>> by_member;
  for (const DatabaseSessionPtr& session : known) {
    if (!rules.contains(session->cluster)) {
      forget(*session);  // the rule was taken back, or the cluster went
    } else if (const auto asked = asked_.find(session->member);
               asked == asked_.end() || since(asked->second.at, now) >= kShowEvery) {
      by_member[session->member];
    }
  }
  for (UnwantedSession& unwanted :
       unwanted_sessions(known, rules, *needs_.identities.snapshot(), needs_.clock.wall_now())) {
    by_member[unwanted.session->member].push_back(std::move(unwanted));
  }
  for (const auto& [member, unwanted] : by_member) {
    ask(member, unwanted);
  }
}

void SessionKeeper::ask(const MemberId& member, const std::vector<UnwantedSession>& unwanted) {
  const Instant now = needs_.clock.now();
  Asked& asked = asked_[member];
  if (asked.open && since(asked.at, now) < kAnswerMax) {
    return;
  }
  asked = {now, true, needs_.clock.wall_now()};
  std::vector<ClientSession> clients;
  for (const UnwantedSession& one : unwanted) {
    clients.push_back(client_session(*one.session));
  }
  needs_.end(member, std::move(clients), [this, member, unwanted](Shown shown) {
    worker_.post(
        [this, member, unwanted, shown = std::move(shown)] { answered(member, unwanted, shown); });
  });
}

void SessionKeeper::answered(const MemberId& member, const std::vector<UnwantedSession>& unwanted,
                             Shown shown) {
  Asked& asked = asked_[member];
  asked.open = false;
  if (!shown) {
    log(Level::kDebug, "sessions.not_shown",
        {{"member", member.str()}, {"error", shown.error().message}});
    return;  // what was to end is found again at the next look
  }
  std::map<std::uint64_t, const ClientSession*> there;
  for (const ClientSession& client : *shown) {
    there.emplace(client.id, &client);
  }
  for (const UnwantedSession& one : unwanted) {
    const auto found = there.find(one.session->connection);
    if (found != there.end() && is_same(*one.session, *found->second)) {
      log_end(one);
      forget(*one.session);
    }
  }
  for (const DatabaseSessionPtr& session : sessions()) {
    if (session->member != member || asked.wall < session->opened + kLoginMax) {
      continue;
    }
    const auto found = there.find(session->connection);
    if (found == there.end() || !is_same(*session, *found->second)) {
      forget(*session);
    }
  }
}

void SessionKeeper::write_file() {
  std::uint64_t changes = 0;
  {
    const MutexLock lock(mutex_);
    changes = changes_;
  }
  if (changes == written_) {
    return;
  }
  const Status written = write_file_atomically(needs_.file, encode(sessions()), kFileMode);
  if (!written) {
    log(Level::kWarning, "sessions.not_written", {{"error", written.error().message}});
    return;
  }
  written_ = changes;
}

}  // namespace trivet::service
