// SPDX-License-Identifier: Apache-2.0
//
// The records of clusters in the state store: what they are, where they lie, which compares guard
// them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/cluster.h"
#include "ports/state_store.h"
#include "service/sealer.h"

namespace trivet::service {

struct StoredTopology {
  Topology topology;
  Revision revision;
};

// Thread-safe; calls block on the store.
class ClusterStore {
 public:
  ClusterStore(StateStore& store, std::shared_ptr<const Sealer> sealer);

  Result<std::vector<Cluster>> list();
  Result<Cluster> get(const ClusterId& id);
  // Cluster, an unformed topology and the sealed secrets, all or nothing. kAlreadyExists.
  Status create(const Cluster& cluster, const ClusterSecrets& secrets);
  // Reads, changes, writes if nobody wrote in between; tries again when somebody did. `change` may
  // refuse. Returns what was written.
  Result<Cluster> update(const ClusterId& id, const std::function<Status(Cluster&)>& change);
  // All records of the cluster. Already gone is success.
  Status remove(const Cluster& cluster);

  Result<StoredTopology> topology(const ClusterResourceId& id);
  // kConflict when the record is not at `expected` any more (I4, I13).
  Result<Revision> commit_topology(const ClusterResourceId& id, Revision expected,
                                   const Topology& next);

  Result<ClusterSecrets> secrets(const ClusterResourceId& id);
  Status put_secrets(const ClusterResourceId& id, const ClusterSecrets& secrets);
  // All secrets are under the sealer's current key when it returns, in one commit.
  Status reseal();

 private:
  StateStore& store_;
  std::shared_ptr<const Sealer> sealer_;
  Mutex sealing_;  // from sealing to the commit: nothing is written under a key that has gone
};

}  // namespace trivet::service
