// SPDX-License-Identifier: Apache-2.0
#include "model/cluster.h"
#include "model/record_json.h"

namespace trivet {
namespace {

using nlohmann::json;

using record_json::decode;
using record_json::get;
using record_json::kVersion;
using record_json::put;

json to_json(const Endpoint& e) {
  return {{"name", e.name}, {"address", e.address}, {"port", e.port}};
}

Endpoint endpoint_of(const json& j) {
  return {j.at("name"), j.at("address"), j.at("port").get<std::uint16_t>()};
}

template <typename Enum>
Enum enum_of(const json& j, std::initializer_list<Enum> all) {
  const auto name = j.get<std::string>();
  for (const Enum value : all) {
    if (to_string(value) == name) {
      return value;
    }
  }
  throw json::other_error::create(501, "unknown word '" + name + "'", &j);
}

json member_ids(const std::vector<MemberId>& ids) {
  json out = json::array();
  for (const MemberId& id : ids) {
    out.push_back(id.str());
  }
  return out;
}

json to_json(const Member& m) {
  return {{"id", m.id.str()},
          {"resource_id", m.resource_id},
          {"availability_zone", m.availability_zone},
          {"subnet_id", m.subnet_id},
          {"server_id", m.server_id},
          {"endpoint", to_json(m.endpoint)}};
}

Member member_of(const json& j) {
  return {MemberId(j.at("id")), j.at("resource_id"), j.at("availability_zone"),
          j.at("subnet_id"),    j.at("server_id"),   endpoint_of(j.at("endpoint"))};
}

void read_options(const json& j, Cluster& c) {
  c.iam_authentication = j.at("iam_authentication");
  c.deletion_protection = j.at("deletion_protection");
  c.auto_minor_version_upgrade = j.at("auto_minor_version_upgrade");
  c.copy_tags_to_snapshot = j.at("copy_tags_to_snapshot");
  c.publicly_accessible = j.at("publicly_accessible");
  c.storage_encrypted = j.at("storage_encrypted");
  c.backup_retention_days = j.at("backup_retention_days");
  c.monitoring_interval_s = j.at("monitoring_interval_s");
  c.monitoring_role_arn = j.at("monitoring_role_arn");
  c.backup_window = j.at("backup_window");
  c.maintenance_window = j.at("maintenance_window");
  c.parameter_group = j.at("parameter_group");
}

}  // namespace

std::string_view to_string(ClusterStatus status) {
  switch (status) {
    case ClusterStatus::kCreating:
      return "creating";
    case ClusterStatus::kAvailable:
      return "available";
    case ClusterStatus::kStopping:
      return "stopping";
    case ClusterStatus::kStopped:
      return "stopped";
    case ClusterStatus::kStarting:
      return "starting";
    case ClusterStatus::kDeleting:
      return "deleting";
    case ClusterStatus::kFailed:
      return "failed";
  }
  return "failed";
}

std::string_view to_string(Topology::Phase phase) {
  switch (phase) {
    case Topology::Phase::kForming:
      return "forming";
    case Topology::Phase::kSteady:
      return "steady";
    case Topology::Phase::kFailover:
      return "failover";
    case Topology::Phase::kColdStart:
      return "cold-start";
  }
  return "forming";
}

const Member* Cluster::find_member(const MemberId& member) const {
  for (const Member& m : members) {
    if (m.id == member) {
      return &m;
    }
  }
  return nullptr;
}

std::string encode(const Cluster& c) {
  json j = {{"v", kVersion},
            {"id", c.id.str()},
            {"resource_id", c.resource_id.str()},
            {"status", to_string(c.status)},
            {"status_reason", c.status_reason},
            {"engine", c.engine},
            {"engine_version", c.engine_version},
            {"instance_class", c.instance_class},
            {"allocated_storage_gib", c.allocated_storage_gib},
            {"storage_type", c.storage_type},
            {"master_username", c.master_username},
            {"database_name", c.database_name},
            {"subnet_group", c.subnet_group},
            {"vpc_id", c.vpc_id},
            {"security_group_ids", c.security_group_ids},
            {"iam_authentication", c.iam_authentication},
            {"deletion_protection", c.deletion_protection},
            {"auto_minor_version_upgrade", c.auto_minor_version_upgrade},
            {"copy_tags_to_snapshot", c.copy_tags_to_snapshot},
            {"publicly_accessible", c.publicly_accessible},
            {"storage_encrypted", c.storage_encrypted},
            {"backup_retention_days", c.backup_retention_days},
            {"monitoring_interval_s", c.monitoring_interval_s},
            {"monitoring_role_arn", c.monitoring_role_arn},
            {"backup_window", c.backup_window},
            {"maintenance_window", c.maintenance_window},
            {"parameter_group", c.parameter_group},
            {"tags", c.tags},
            {"created_ms", to_ms(c.created)},
            {"writer_endpoint", to_json(c.writer_endpoint)},
            {"reader_endpoint", to_json(c.reader_endpoint)}};
  put(j, "iops", c.iops);
  j["members"] = json::array();
  for (const Member& m : c.members) {
    j["members"].push_back(to_json(m));
  }
  for (const auto& [member, pid] : c.reboots) {
    j["reboots"][member.str()] = pid;
  }
  return j.dump();
}

Result<Cluster> decode_cluster(std::string_view text) {
  return decode<Cluster>(text, [](const json& j, Cluster& c) {
    c.id = ClusterId(j.at("id"));
    c.resource_id = ClusterResourceId(j.at("resource_id"));
    using S = ClusterStatus;
    c.status = enum_of(j.at("status"), {S::kCreating, S::kAvailable, S::kStopping, S::kStopped,
                                        S::kStarting, S::kDeleting, S::kFailed});
    c.status_reason = j.at("status_reason");
    c.engine = j.at("engine");
    c.engine_version = j.at("engine_version");
    c.instance_class = j.at("instance_class");
    c.allocated_storage_gib = j.at("allocated_storage_gib");
    c.storage_type = j.at("storage_type");
    c.master_username = j.at("master_username");
    c.database_name = j.at("database_name");
    c.subnet_group = j.at("subnet_group");
    c.vpc_id = j.at("vpc_id");
    c.security_group_ids = j.at("security_group_ids").get<std::vector<std::string>>();
    read_options(j, c);
    get(j, "iops", c.iops);
    c.tags = j.at("tags").get<Tags>();
    c.created = wall_time_from_ms(j.at("created_ms"));
    c.writer_endpoint = endpoint_of(j.at("writer_endpoint"));
    c.reader_endpoint = endpoint_of(j.at("reader_endpoint"));
    for (const json& m : j.at("members")) {
      c.members.push_back(member_of(m));
    }
    if (j.contains("reboots")) {
      for (const auto& [member, pid] : j.at("reboots").items()) {
        c.reboots.emplace(MemberId(member), pid.get<int>());
      }
    }
  });
}

std::string encode(const Topology& t) {
  json j = {{"v", kVersion},
            {"term", t.term.value()},
            {"phase", to_string(t.phase)},
            {"voters", member_ids(t.voters)},
            {"acks", t.acks},
            {"boot_id", t.boot_id}};
  if (t.writer) {
    j["writer"] = t.writer->str();
  }
  if (t.last_writer) {
    j["last_writer"] = t.last_writer->str();
  }
  return j.dump();
}

Result<Topology> decode_topology(std::string_view text) {
  return decode<Topology>(text, [](const json& j, Topology& t) {
    using Phase = Topology::Phase;
    t.term = Term(j.at("term").get<std::int64_t>());
    t.phase = enum_of(j.at("phase"),
                      {Phase::kForming, Phase::kSteady, Phase::kFailover, Phase::kColdStart});
    t.acks = j.at("acks");
    t.boot_id = j.at("boot_id");
    for (const json& voter : j.at("voters")) {
      t.voters.emplace_back(voter.get<std::string>());
    }
    if (j.contains("writer")) {
      t.writer = MemberId(j.at("writer"));
    }
    if (j.contains("last_writer")) {
      t.last_writer = MemberId(j.at("last_writer"));
    }
  });
}

std::string encode(const ClusterSecrets& s) {
  json passwords = json::object();
  for (const auto& [member, password] : s.replication_passwords) {
    passwords[member.str()] = password.reveal();
  }
  return json{{"v", kVersion},
              {"replication", passwords},
              {"probe", s.probe_password.reveal()},
              {"clone", s.clone_password.reveal()},
              {"master", s.master_password.reveal()}}
      .dump();
}

Result<ClusterSecrets> decode_cluster_secrets(std::string_view text) {
  return decode<ClusterSecrets>(text, [](const json& j, ClusterSecrets& s) {
    for (const auto& [member, password] : j.at("replication").items()) {
      s.replication_passwords.emplace(MemberId(member), SecretString(password.get<std::string>()));
    }
    s.probe_password = SecretString(j.at("probe").get<std::string>());
    s.clone_password = SecretString(j.at("clone").get<std::string>());
    s.master_password = SecretString(j.at("master").get<std::string>());
  });
}

}  // namespace trivet
