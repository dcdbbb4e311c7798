// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_store.h"

#include "base/bytes.h"
#include "service/login_rules.h"

namespace trivet::service {
namespace {

constexpr std::string_view kClusters = "clusters/";
constexpr std::string_view kSecrets = "cluster-secrets/";
// Writers of one record are an API call and its driver: more than a few lost races cannot be.
constexpr int kRacesMax = 20;

std::string cluster_key(const ClusterId& id) {
  return std::string(kClusters) + id.str();
}
std::string topology_key(const ClusterResourceId& id) {
  return "topology/" + id.str();
}
std::string secrets_key(const ClusterResourceId& id) {
  return std::string(kSecrets) + id.str();
}

}  // namespace

ClusterStore::ClusterStore(StateStore& store, std::shared_ptr<const Sealer> sealer)
    : store_(store), sealer_(std::move(sealer)) {}

Result<std::vector<Cluster>> ClusterStore::list() {
  TRIVET_TRY(const std::vector<StoredValue> records, store_.list(kClusters));
  std::vector<Cluster> out;
  for (const StoredValue& record : records) {
    TRIVET_TRY(Cluster cluster, decode_cluster(record.value));
    out.push_back(std::move(cluster));
  }
  return out;
}

Result<Cluster> ClusterStore::get(const ClusterId& id) {
  TRIVET_TRY(const StoredValue record, store_.get(cluster_key(id)));
  return decode_cluster(record.value);
}

Status ClusterStore::create(const Cluster& cluster, const ClusterSecrets& secrets) {
  const MutexLock lock(sealing_);
  const std::string sealed =
      sealer_->seal(secrets_key(cluster.resource_id), SecretString(encode(secrets)));
  const auto done = store_.commit({
      .compares = {{cluster_key(cluster.id), Revision()}},
      .puts = {{cluster_key(cluster.id), encode(cluster)},
               {topology_key(cluster.resource_id), encode(Topology())},
               {secrets_key(cluster.resource_id), to_base64(sealed)}},
      .deletes = {},
  });
  if (!done && done.error().code == Errc::kConflict) {
    return make_error(Errc::kAlreadyExists, "cluster " + cluster.id.str() + " exists");
  }
  return done ? ok() : Status(done.error());
}

Result<Cluster> ClusterStore::update(const ClusterId& id,
                                     const std::function<Status(Cluster&)>& change) {
  for (int race = 0; race < kRacesMax; ++race) {
    TRIVET_TRY(const StoredValue record, store_.get(cluster_key(id)));
    TRIVET_TRY(Cluster cluster, decode_cluster(record.value));
    TRIVET_CHECK_OK(change(cluster));
    const auto done = store_.commit({.compares = {{record.key, record.modified}},
                                     .puts = {{record.key, encode(cluster)}},
                                     .deletes = {}});
    if (done) {
      return cluster;
    }
    if (done.error().code != Errc::kConflict) {
      return done.error();
    }
  }
  return make_error(Errc::kConflict, "cluster " + id.str() + " is being changed by others");
}

Status ClusterStore::remove(const Cluster& cluster) {
  const auto done = store_.commit(
      {.compares = {},
       .puts = {},
       .deletes = {cluster_key(cluster.id), topology_key(cluster.resource_id),
                   secrets_key(cluster.resource_id), login_rules_key(cluster.resource_id)}});
  return done ? ok() : Status(done.error());
}

Result<StoredTopology> ClusterStore::topology(const ClusterResourceId& id) {
  TRIVET_TRY(const StoredValue record, store_.get(topology_key(id)));
  TRIVET_TRY(Topology topology, decode_topology(record.value));
  return StoredTopology{std::move(topology), record.modified};
}

Result<Revision> ClusterStore::commit_topology(const ClusterResourceId& id, Revision expected,
                                               const Topology& next) {
  const std::string key = topology_key(id);
  return store_.commit(
      {.compares = {{key, expected}}, .puts = {{key, encode(next)}}, .deletes = {}});
}

Result<ClusterSecrets> ClusterStore::secrets(const ClusterResourceId& id) {
  const std::string key = secrets_key(id);
  TRIVET_TRY(const StoredValue record, store_.get(key));
  const auto sealed = from_base64(record.value);
  if (!sealed) {
    return make_error(Errc::kCorrupt, "the secrets of " + id.str() + " cannot be read");
  }
  TRIVET_TRY(const SecretString clear, sealer_->open(key, *sealed));
  return decode_cluster_secrets(clear.reveal());
}

Status ClusterStore::put_secrets(const ClusterResourceId& id, const ClusterSecrets& secrets) {
  const std::string key = secrets_key(id);
  const MutexLock lock(sealing_);
  const std::string sealed = sealer_->seal(key, SecretString(encode(secrets)));
  const auto done =
      store_.commit({.compares = {}, .puts = {{key, to_base64(sealed)}}, .deletes = {}});
  return done ? ok() : Status(done.error());
}

Status ClusterStore::reseal() {
  const MutexLock lock(sealing_);
  for (int race = 0; race < kRacesMax; ++race) {
    TRIVET_TRY(const std::vector<StoredValue> records, store_.list(kSecrets));
    Commit commit;
    for (const StoredValue& record : records) {
      const auto sealed = from_base64(record.value);
      if (sealed && sealer_->is_current(*sealed)) {
        continue;
      }
      TRIVET_TRY(const SecretString clear, sealer_->open(record.key, sealed.value_or("")));
      commit.compares.push_back({record.key, record.modified});
      commit.puts.push_back({record.key, to_base64(sealer_->seal(record.key, clear))});
    }
    if (commit.puts.empty()) {
      return ok();
    }
    const auto done = store_.commit(commit);
    if (done || done.error().code != Errc::kConflict) {
      return done ? ok() : Status(done.error());
    }
  }
  return make_error(Errc::kConflict, "clusters are being changed by others");
}

}  // namespace trivet::service
