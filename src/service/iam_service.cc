// SPDX-License-Identifier: Apache-2.0
//
// The frame of IamService: opening, committing, reading pages. iam_users.cc, iam_roles.cc,
// iam_policies.cc and iam_entities.cc have the actions.
#include "service/iam_service.h"

#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"

namespace trivet::service {

Result<std::unique_ptr<IamService>> IamService::open(Options options) {
  TRIVET_ASSERT(options.store != nullptr && options.sealer != nullptr);
  std::unique_ptr<IamService> service(new IamService(std::move(options)));
  {
    MutexLock lock(service->mutex_);
    TRIVET_CHECK_OK(service->reload());
  }
  return service;
}

Status IamService::reload() {
  TRIVET_TRY(auto loaded, load_iam_state(*options_.store, *options_.sealer));
  auto fresh = std::make_shared<const IamState>(std::move(loaded));
  snapshot_.store(make_identity_snapshot(*fresh, options_.realm));
  state_.store(std::move(fresh));
  return ok();
}

Status IamService::apply(const Commit& commit, Revision revision) {
  IamState next = *state();
  for (const Write& put : commit.puts) {
    TRIVET_CHECK_OK(next.put({put.key, put.value, revision}, *options_.sealer));
  }
  for (const std::string& key : commit.deletes) {
    next.erase(key);
  }
  auto fresh = std::make_shared<const IamState>(std::move(next));
  snapshot_.store(make_identity_snapshot(*fresh, options_.realm));
  state_.store(std::move(fresh));
  return ok();
}

Status IamService::mutate(const Plan& plan) {
  constexpr int kAttempts = 3;
  MutexLock lock(mutex_);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRIVET_TRY(const Commit commit, plan(*state()));
    if (commit.puts.empty() && commit.deletes.empty()) {
      return ok();
    }
    const auto revision = options_.store->commit(commit);
    if (revision) {
      return apply(commit, *revision);
    }
    if (revision.error().code != Errc::kConflict) {
      return revision.error();
    }
    TRIVET_CHECK_OK(reload());
  }
  return aws_fault(Errc::kConflict, "ConcurrentModificationException",
                   "The request was rejected because multiple requests to change this object were "
                   "submitted simultaneously. Wait a few minutes and submit your request again.");
}

Status IamService::reseal() {
  return mutate([&](const IamState& state) -> Result<Commit> {
    Commit commit;
    for (const auto& [id, entry] : state.access_keys) {
      if (options_.sealer->is_current(entry->record.sealed_secret)) {
        continue;
      }
      const std::string key = access_key_key(id);
      IamAccessKey sealed_again = entry->record;
      sealed_again.sealed_secret = options_.sealer->seal(key, *entry->secret);
      commit.compares.push_back({key, entry->modified});
      commit.puts.push_back({key, encode(sealed_again)});
    }
    return commit;
  });
}

Result<std::string> IamService::keep_session_data(const SessionData& data, WallTime expires,
                                                  WallTime now) {
  constexpr std::size_t kDropsMax = 100;
  const std::string hash = to_hex(sha256(encode(data)));
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    Commit commit;
    for (const auto& [other, entry] : state.session_data) {
      if (other != hash && entry->record.expires < now && commit.deletes.size() < kDropsMax) {
        commit.compares.push_back({session_data_key(other), entry->modified});
        commit.deletes.push_back(session_data_key(other));
      }
    }
    const auto have = state.session_data.find(hash);
    if (have != state.session_data.end() && have->second->record.expires >= expires) {
      return commit;
    }
    commit.compares.push_back({session_data_key(hash), have == state.session_data.end()
                                                           ? Revision(0)
                                                           : have->second->modified});
    commit.puts.push_back({session_data_key(hash), encode(StoredSessionData{data, expires})});
    return commit;
  }));
  return hash;
}

}  // namespace trivet::service
