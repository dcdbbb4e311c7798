// SPDX-License-Identifier: Apache-2.0
#include "sim/store.h"

namespace trivet::sim {

Status SimStore::reach() {
  world_.sleep(world_.random().between(Micros(100), Micros(4'000)));
  return world_.store_is_out() ? Status(make_error(Errc::kUnavailable, "the store is out")) : ok();
}

Result<StoredValue> SimStore::get(std::string_view key) {
  TRIVET_CHECK_OK(reach());
  return world_.disk().get(key);
}

Result<std::vector<StoredValue>> SimStore::list(std::string_view prefix) {
  TRIVET_CHECK_OK(reach());
  return world_.disk().list(prefix);
}

Result<Revision> SimStore::commit(const Commit& commit) {
  const auto before = world_.strike(Command::kStore, Stage::kBegin, 0);
  TRIVET_CHECK_OK(reach());
  if (before == FaultKind::kStoreConflict && !commit.puts.empty()) {
    // Another writer of the record, who changes nothing.
    const auto now = world_.disk().get(commit.puts[0].key);
    if (now) {
      (void)world_.disk().commit({.compares = {}, .puts = {{now->key, now->value}}, .deletes = {}});
    }
  }
  auto done = world_.disk().commit(commit);
  if (done) {
    for (const Write& put : commit.puts) {
      const auto topology =
          put.key.starts_with("topology/") ? decode_topology(put.value) : make_error({}, "");
      if (topology) {
        world_.check_topology(*topology);
      }
    }
  }
  const auto after = world_.strike(Command::kStore, Stage::kEnd, 0);
  world_.sleep(world_.random().between(Micros(100), Micros(4'000)));
  if (before == FaultKind::kStoreReplyLost || after == FaultKind::kStoreReplyLost) {
    return make_error(Errc::kUnavailable, "the answer was lost");
  }
  return done;
}

Result<std::unique_ptr<StoreWatch>> SimStore::watch(
    std::string, std::function<void(const std::vector<StoreEvent>&)>) {
  return make_error(Errc::kInternal, "nobody watches here");
}

Result<std::unique_ptr<StoreWatch>> SimEventStore::watch(
    std::string, std::function<void(const std::vector<StoreEvent>&)>) {
  return make_error(Errc::kInternal, "nobody watches here");
}

}  // namespace trivet::sim
