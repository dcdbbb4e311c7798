// SPDX-License-Identifier: Apache-2.0
//
// A Multi-AZ DB cluster: what was asked for (Cluster), who may write (Topology), and the secrets
// that its members share. Three records with three lives: the first changes with the API, the
// second only by compare-and-set (failover.md I4, I13), the third at formation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/ids.h"

namespace trivet {

struct Endpoint {
  std::string name;     // DNS name; the address itself when names are not managed
  std::string address;  // 127.x.y.z on one host
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One of the three DB instances of a cluster. Its name, AZ, server id and endpoint never change.
struct Member {
  MemberId id;
  std::string resource_id;  // DbiResourceId, "db-" + 26
  std::string availability_zone;
  std::string subnet_id;
  std::uint32_t server_id = 0;  // @@server_id; unique in the installation
  Endpoint endpoint;
  friend bool operator==(const Member&, const Member&) = default;
};

enum class ClusterStatus {
  kCreating,
  kAvailable,
  kStopping,
  kStopped,
  kStarting,
  kDeleting,
  kFailed,
};
std::string_view to_string(ClusterStatus status);  // AWS's words: "creating", …

using Tags = std::map<std::string, std::string>;

// What CreateDBCluster asked for and what was allotted to it. Key clusters/<id>.
struct Cluster {
  ClusterId id;
  ClusterResourceId resource_id;
  ClusterStatus status = ClusterStatus::kCreating;
  std::string status_reason;  // why it failed; empty otherwise
  std::string engine = "mysql";
  std::string engine_version;
  std::string instance_class;
  std::int64_t allocated_storage_gib = 0;
  std::string storage_type;
  std::optional<std::int64_t> iops;
  std::string master_username;
  std::string database_name;
  std::string subnet_group;
  std::string vpc_id;
  std::vector<std::string> security_group_ids;
  bool iam_authentication = false;
  bool deletion_protection = false;
  bool auto_minor_version_upgrade = true;
  bool copy_tags_to_snapshot = false;
  bool publicly_accessible = false;
  bool storage_encrypted = false;
  int backup_retention_days = 1;
  int monitoring_interval_s = 0;
  std::string monitoring_role_arn;
  std::string backup_window;       // hh24:mi-hh24:mi, UTC
  std::string maintenance_window;  // ddd:hh24:mi-ddd:hh24:mi, UTC
  std::string parameter_group;
  Tags tags;
  WallTime created{};
  Endpoint writer_endpoint;
  Endpoint reader_endpoint;
  std::vector<Member> members;  // three, in the order of their AZs
  // Members that are to be restarted, each with the process that is to end: whichever daemon is
  // there goes on with it.
  std::map<MemberId, int> reboots;

  const Member* find_member(const MemberId& member) const;
  friend bool operator==(const Cluster&, const Cluster&) = default;
};

// Who writes, in which term, and whose acknowledgement counts. Key topology/<cluster resource id>.
struct Topology {
  enum class Phase {
    kForming,    // no term has been given yet
    kSteady,     // `writer` is set and serves
    kFailover,   // no writer; voters are being asked (failover.md F1-F8)
    kColdStart,  // no writer; the last one is coming back in place (I11)
  };
  Term term;
  Phase phase = Phase::kForming;
  std::optional<MemberId> writer;  // of `term`; only in kSteady
  // Who wrote last. In a steady term another one than the writer: it handed over (a switchover).
  std::optional<MemberId> last_writer;
  std::vector<MemberId> voters;  // N of the last steady term
  int acks = 1;                  // W
  // The operating system's run in which the voters last were whole (I9a). Empty once they are not,
  // because the writer was shut down past us (T43).
  std::string boot_id;
  friend bool operator==(const Topology&, const Topology&) = default;
};
std::string_view to_string(Topology::Phase phase);

// What members of one cluster know of each other. Sealed as a whole in the store; key
// cluster-secrets/<cluster resource id>.
struct ClusterSecrets {
  // Each member replicates with an account of its own, trivet_repl_<server id> (I10).
  std::map<MemberId, SecretString> replication_passwords;
  SecretString probe_password;   // of trivet_probe, which may log in and do nothing
  SecretString clone_password;   // of trivet_clone, which may be a donor
  SecretString master_password;  // only until the master user exists; empty afterwards
};

// JSON with a version field. Decoding fails with kCorrupt for text of a newer version or no text of
// ours.
std::string encode(const Cluster& cluster);
std::string encode(const Topology& topology);
std::string encode(const ClusterSecrets& secrets);  // clear: seal it before it is stored
Result<Cluster> decode_cluster(std::string_view text);
Result<Topology> decode_topology(std::string_view text);
Result<ClusterSecrets> decode_cluster_secrets(std::string_view text);

}  // namespace trivet
