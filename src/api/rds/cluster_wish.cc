// SPDX-License-Identifier: Apache-2.0
#include "api/rds/cluster_wish.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/rds/cluster_wish_refusals.h"
#include "api/rds/common.h"
#include "api/rds/windows.h"
#include "service/ec2_service.h"

namespace trivet::api::rds {
namespace {

constexpr std::size_t kIdentifierMax = 52;  // 63 for Aurora
constexpr std::size_t kUserNameMax = 16;
constexpr std::size_t kPasswordMin = 8;
constexpr std::size_t kPasswordMax = 41;
constexpr std::size_t kDatabaseNameMax = 64;
constexpr std::size_t kZones = 3;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Status require(bool is_given, std::string_view parameter) {
  return is_given ? ok()
                  : Status(bad_value(fmt::format(
                        "The parameter {} must be provided and must not be blank.", parameter)));
}

Status read_identifier(const CreateDBClusterRequest& request, Cluster& wanted) {
  const std::string& id = request.DBClusterIdentifier;
  TRIVET_CHECK_OK(require(!id.empty(), "DBClusterIdentifier"));
  const bool is_valid = is_letter(id.front()) && id.back() != '-' &&
                        id.find("--") == std::string::npos &&
                        std::all_of(id.begin(), id.end(),
                                    [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  if (!is_valid) {
    return bad_value(
        "The parameter DBClusterIdentifier is not a valid identifier. Identifiers must begin with "
        "a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a "
        "hyphen or contain two consecutive hyphens.");
  }
  if (id.size() > kIdentifierMax) {
    return bad_value(
        fmt::format("The parameter DBClusterIdentifier is not a valid identifier because it is "
                    "longer than {} characters, which is the most for a Multi-AZ DB cluster.",
                    kIdentifierMax));
  }
  wanted.id = ClusterId(to_lower(id));
  return ok();
}

Status read_engine(const CreateDBClusterRequest& request, const WishContext& context,
                   Cluster& wanted) {
  constexpr std::string_view kNotBuilt[] = {"postgres",          "aurora",  "aurora-mysql",
                                            "aurora-postgresql", "neptune", "docdb"};
  if (request.Engine != "mysql") {
    const bool is_aws = std::find(std::begin(kNotBuilt), std::end(kNotBuilt), request.Engine) !=
                        std::end(kNotBuilt);
    return is_aws ? not_implemented(
                        fmt::format("The engine {} is not implemented: mysql is.", request.Engine))
                  : bad_value(fmt::format("Invalid DB engine: {}", request.Engine));
  }
  TRIVET_TRY(
      const service::EngineVersion version,
      service::choose_version(context.engines, request.Engine, request.EngineVersion.value_or("")));
  wanted.engine = version.engine;
  wanted.engine_version = version.version;
  wanted.parameter_group = version.parameter_group();
  if (request.DBClusterParameterGroupName &&
      to_lower(*request.DBClusterParameterGroupName) != wanted.parameter_group) {
    return aws_fault(
        Errc::kNotFound, "DBClusterParameterGroupNotFound",
        fmt::format("DBClusterParameterGroup not found: {}", *request.DBClusterParameterGroupName));
  }
  return ok();
}

Status check_iops(const CreateDBClusterRequest& request, const service::StorageType& type,
                  std::int64_t size) {
  if (!request.Iops) {
    return type.takes_iops
               ? Status(bad_combination(fmt::format(
                     "The parameter Iops must be provided for storage type {}.", type.name)))
               : ok();
  }
  const std::int64_t iops = *request.Iops;
  if (!type.takes_iops && size < service::kGp3StripedGib) {
    return bad_combination(fmt::format(
        "You can't specify IOPS or storage throughput for engine mysql and a storage size less "
        "than {}.",
        service::kGp3StripedGib));
  }
  const std::int64_t least = type.takes_iops ? service::kIopsMin : service::gp3_baseline(size).iops;
  if (iops < least || iops > service::kIopsMax) {
    return bad_value(
        fmt::format("Invalid iops value for engine name mysql and storage type {}: "
                    "{}. It must be between {} and {}.",
                    type.name, iops, least, service::kIopsMax));
  }
  const double ratio = static_cast<double>(iops) / static_cast<double>(size);
  if (ratio < service::kIopsPerGibMin || ratio > service::kIopsPerGibMax) {
    return bad_combination(
        fmt::format("Invalid iops to storage (GB) ratio for engine name mysql and storage type {}: "
                    "{:.4f}. It must be between {} and {}.",
                    type.name, ratio, service::kIopsPerGibMin, service::kIopsPerGibMax));
  }
  return ok();
}

Status read_size(const CreateDBClusterRequest& request, Cluster& wanted) {
  if (!request.DBClusterInstanceClass || request.DBClusterInstanceClass->empty()) {
    return bad_value("DBClusterInstanceClass is required.");
  }
  if (service::find_instance_class(*request.DBClusterInstanceClass) == nullptr) {
    return bad_value(fmt::format("Invalid DB Instance class: {}", *request.DBClusterInstanceClass));
  }
  TRIVET_CHECK_OK(require(request.AllocatedStorage.has_value(), "AllocatedStorage"));
  const std::string type_name = request.StorageType.value_or("io1");
  const service::StorageType* type = service::find_storage_type(type_name);
  if (type == nullptr) {
    return aws_fault(Errc::kInvalidArgument, "StorageTypeNotSupported",
                     fmt::format("The storage type {} isn't supported for Multi-AZ DB clusters. "
                                 "Choose gp3, io1 or io2.",
                                 type_name));
  }
  const std::int64_t size = *request.AllocatedStorage;
  if (size < type->gib_min || size > type->gib_max) {
    return bad_value(
        fmt::format("Invalid storage size for engine name mysql and storage type {}: "
                    "{}. It must be between {} and {} GiB.",
                    type_name, size, type->gib_min, type->gib_max));
  }
  TRIVET_CHECK_OK(check_iops(request, *type, size));
  wanted.instance_class = *request.DBClusterInstanceClass;
  wanted.allocated_storage_gib = size;
  wanted.storage_type = type_name;
  if (request.Iops) {
    wanted.iops = *request.Iops;
  }
  return ok();
}

// Accounts that every member has, or that MySQL and RDS keep for themselves.
bool is_reserved_user(std::string_view name) {
  constexpr std::string_view kReserved[] = {"rdsadmin", "rdsrepladmin", "rdsproxyadmin",
                                            "mysql",    "sys",          "event_scheduler"};
  const std::string lower = to_lower(name);
  return lower.starts_with("trivet_") ||
         std::find(std::begin(kReserved), std::end(kReserved), lower) != std::end(kReserved);
}

Status read_user(const CreateDBClusterRequest& request, Cluster& wanted) {
  TRIVET_CHECK_OK(
      require(request.MasterUsername && !request.MasterUsername->empty(), "MasterUsername"));
  const std::string& name = *request.MasterUsername;
  if (name.size() > kUserNameMax) {
    return bad_value(fmt::format(
        "The parameter MasterUsername is not valid because it is longer than {} characters.",
        kUserNameMax));
  }
  const bool is_valid = is_letter(name.front()) &&
                        std::all_of(name.begin(), name.end(),
                                    [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!is_valid) {
    return bad_value(
        "The parameter MasterUsername is not valid. It must begin with a letter and contain only "
        "letters, digits, and underscores.");
  }
  if (is_reserved_user(name)) {
    return bad_value(fmt::format(
        "MasterUsername {} cannot be used as it is a reserved word used by the engine", name));
  }
  wanted.master_username = name;
  return ok();
}

Status read_password(const CreateDBClusterRequest& request, SecretString& password) {
  const bool is_given = request.MasterUserPassword && !request.MasterUserPassword->empty();
  TRIVET_CHECK_OK(require(is_given, "MasterUserPassword"));
  TRIVET_CHECK_OK(check_master_password(request.MasterUserPassword->reveal()));
  password = request.MasterUserPassword->copy();
  return ok();
}

Status read_database(const CreateDBClusterRequest& request, ClusterWish& wish) {
  constexpr std::string_view kReserved[] = {"mysql", "information_schema", "performance_schema",
                                            "sys"};
  if (request.DatabaseName && !request.DatabaseName->empty()) {
    const std::string& name = *request.DatabaseName;
    const bool is_valid = name.size() <= kDatabaseNameMax && is_letter(name.front()) &&
                          std::all_of(name.begin(), name.end(), [](char c) {
                            return is_letter(c) || is_digit(c) || c == '_';
                          });
    if (!is_valid) {
      return bad_value(
          fmt::format("DatabaseName must begin with a letter and contain only "
                      "alphanumeric characters, at most {} of them.",
                      kDatabaseNameMax));
    }
    if (std::find(std::begin(kReserved), std::end(kReserved), to_lower(name)) !=
        std::end(kReserved)) {
      return bad_value(fmt::format(
          "DatabaseName {} cannot be used. It is a reserved word for this engine", name));
    }
    wish.wanted.database_name = name;
  }
  constexpr std::int32_t kPortMin = 1150;
  constexpr std::int32_t kPortMax = 65535;
  const std::int32_t port = request.Port.value_or(3306);
  if (port < kPortMin || port > kPortMax) {
    return bad_value(fmt::format("Invalid database port: {}. It must be between {} and {}.", port,
                                 kPortMin, kPortMax));
  }
  wish.port = static_cast<std::uint16_t>(port);
  return ok();
}

Status read_monitoring(const CreateDBClusterRequest& request, Cluster& wanted) {
  constexpr std::int32_t kIntervals[] = {0, 1, 5, 10, 15, 30, 60};
  const std::int32_t interval = request.MonitoringInterval.value_or(0);
  const std::string role = request.MonitoringRoleArn.value_or("");
  if (std::find(std::begin(kIntervals), std::end(kIntervals), interval) == std::end(kIntervals)) {
    return bad_value(fmt::format("Invalid monitoring interval: {}. It must be one of {}.", interval,
                                 fmt::join(kIntervals, ", ")));
  }
  if (interval != 0 && role.empty()) {
    return bad_combination(
        "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other "
        "than 0.");
  }
  if (interval == 0 && !role.empty()) {
    return bad_combination(
        "You must specify a MonitoringInterval value other than 0 when you specify a "
        "MonitoringRoleARN value.");
  }
  if (!role.empty() && (!role.starts_with("arn:") || role.find(":role/") == std::string::npos)) {
    return bad_value(fmt::format("Invalid MonitoringRoleArn: {}", role));
  }
  wanted.monitoring_interval_s = interval;
  wanted.monitoring_role_arn = role;
  return ok();
}

Status read_backup(const CreateDBClusterRequest& request, const WishContext& context,
                   Cluster& wanted) {
  const std::int32_t days = request.BackupRetentionPeriod.value_or(1);
  TRIVET_CHECK_OK(check_backup_days(days));
  TRIVET_TRY(Windows windows,
             choose_windows(request.PreferredBackupWindow, request.PreferredMaintenanceWindow,
                            context.random_below));
  wanted.backup_retention_days = days;
  wanted.backup_window = std::move(windows.backup);
  wanted.maintenance_window = std::move(windows.maintenance);
  return ok();
}

Status refuse_log_exports(const CreateDBClusterRequest& request, const Cluster& wanted) {
  constexpr std::string_view kTypes[] = {"error", "general", "iam-db-auth-error", "slowquery"};
  for (const std::string& type : request.EnableCloudwatchLogsExports) {
    if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes)) {
      return bad_combination(fmt::format(
          "You cannot use the log types '{}' with engine version mysql {}. For supported log "
          "types, see the documentation.",
          type, wanted.engine_version));
    }
  }
  if (!request.EnableCloudwatchLogsExports.empty()) {
    return not_implemented(
        "The parameter EnableCloudwatchLogsExports is not implemented for CreateDBCluster: logs "
        "are "
        "read with DescribeDBLogFiles and DownloadDBLogFilePortion.");
  }
  return ok();
}

Status read_zones(const CreateDBClusterRequest& request, const WishContext& context,
                  ClusterWish& wish) {
  const auto known = service::availability_zones(context.realm);
  std::set<std::string> zones;
  for (const std::string& zone : request.AvailabilityZones) {
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const auto& entry) { return entry.name == zone; });
    if (!is_known) {
      return aws_fault(Errc::kInvalidArgument, "InvalidVPCNetworkStateFault",
                       fmt::format("Availability zone '{}' is unavailable in this region, please "
                                   "choose another zone set.",
                                   zone));
    }
    zones.insert(zone);
  }
  if (!zones.empty() && zones.size() < kZones) {
    return bad_combination(
        fmt::format("A Multi-AZ DB cluster needs {} Availability Zones.", kZones));
  }
  wish.zones = {zones.begin(), zones.end()};
  return ok();
}

}  // namespace

Result<ClusterWish> read_cluster_wish(const CreateDBClusterRequest& request,
                                      const WishContext& context) {
  ClusterWish wish;
  Cluster& wanted = wish.wanted;
  TRIVET_CHECK_OK(read_identifier(request, wanted));
  TRIVET_CHECK_OK(read_engine(request, context, wanted));
  TRIVET_CHECK_OK(refuse_aurora_parameters(request));
  TRIVET_CHECK_OK(refuse_unbuilt_parameters(request));
  TRIVET_CHECK_OK(read_size(request, wanted));
  TRIVET_CHECK_OK(read_user(request, wanted));
  TRIVET_CHECK_OK(read_password(request, wish.master_password));
  TRIVET_CHECK_OK(read_database(request, wish));
  TRIVET_CHECK_OK(read_monitoring(request, wanted));
  TRIVET_CHECK_OK(read_backup(request, context, wanted));
  TRIVET_CHECK_OK(refuse_log_exports(request, wanted));
  TRIVET_CHECK_OK(read_zones(request, context, wish));
  TRIVET_TRY(wanted.tags, read_tags(request.Tags));
  if (request.DBSubnetGroupName && !request.DBSubnetGroupName->empty()) {
    wish.subnet_group = to_lower(*request.DBSubnetGroupName);
  }
  const std::set<std::string> groups(request.VpcSecurityGroupIds.begin(),
                                     request.VpcSecurityGroupIds.end());
  wanted.security_group_ids = {groups.begin(), groups.end()};
  wanted.iam_authentication = request.EnableIAMDatabaseAuthentication.value_or(false);
  wanted.deletion_protection = request.DeletionProtection.value_or(false);
  wanted.auto_minor_version_upgrade = request.AutoMinorVersionUpgrade.value_or(true);
  wanted.copy_tags_to_snapshot = request.CopyTagsToSnapshot.value_or(false);
  wish.is_public = request.PubliclyAccessible;
  wanted.storage_encrypted = request.StorageEncrypted.value_or(false);
  return wish;
}

// PubliclyAccessible. RDS, CreateDBCluster: where it is not said, it follows from the VPC's having
// an internet gateway; where there is none, nobody outside could come in.
static Result<bool> read_access(const service::NetworkState& network, const std::string& vpc_id,
                                std::optional<bool> is_public) {
  const bool has_gateway =
      std::any_of(network.internet_gateways.begin(), network.internet_gateways.end(),
                  [&](const auto& entry) { return entry.second.vpc_id == vpc_id; });
  if (is_public.value_or(false) && !has_gateway) {
    return aws_fault(Errc::kInvalidArgument, "InvalidVPCNetworkStateFault",
                     "Cannot create a publicly accessible DBCluster. The specified VPC has no "
                     "internet gateway attached. Update the VPC and then try again.");
  }
  return is_public.value_or(has_gateway);
}

Status check_master_password(std::string_view text) {
  if (text.size() < kPasswordMin) {
    return bad_value(
        fmt::format("The parameter MasterUserPassword is not a valid password because "
                    "it is shorter than {} characters.",
                    kPasswordMin));
  }
  if (text.size() > kPasswordMax) {
    return bad_value(
        fmt::format("The parameter MasterUserPassword is not a valid password because "
                    "it is longer than {} characters.",
                    kPasswordMax));
  }
  const bool is_valid = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '/' && c != '@' && c != '"';
  });
  if (!is_valid) {
    return bad_value(
        "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters "
        "besides '/', '@', '\"', ' ' may be used.");
  }
  return ok();
}

Status check_backup_days(std::int32_t days) {
  if (days < 1 || days > 35) {
    return bad_value(fmt::format(
        "Invalid backup retention period: {}. It must be between 1 and 35 days.", days));
  }
  return ok();
}

Status check_security_groups(const service::NetworkState& network,
                             const std::vector<std::string>& ids, const std::string& vpc_id) {
  for (const std::string& id : ids) {
    const SecurityGroup* security_group = network.find_security_group(id);
    if (security_group == nullptr) {
      return bad_value(fmt::format("Invalid security group , groupId= {}, groupName=.", id));
    }
    if (security_group->vpc_id != vpc_id) {
      return bad_combination(fmt::format(
          "The DB instance and EC2 security group are in different VPCs. The DB instance is in {} "
          "and the EC2 security group is in {}",
          vpc_id, security_group->vpc_id));
    }
  }
  return ok();
}

Result<std::vector<service::MemberPlace>> place_cluster(const service::NetworkState& network,
                                                        const DbSubnetGroup& group,
                                                        ClusterWish& wish) {
  Cluster& wanted = wish.wanted;
  wanted.subnet_group = group.name;
  wanted.vpc_id = group.vpc_id;
  std::map<std::string, std::string> subnet_of_zone;  // the first of each
  for (const std::string& id : group.subnet_ids) {
    const trivet::Subnet* subnet = network.find_subnet(id);
    const bool is_wanted =
        subnet != nullptr &&
        (wish.zones.empty() ||
         std::binary_search(wish.zones.begin(), wish.zones.end(), subnet->availability_zone));
    if (is_wanted) {
      subnet_of_zone.emplace(subnet->availability_zone, id);
    }
  }
  if (subnet_of_zone.size() < kZones) {
    return aws_fault(
        Errc::kInvalidArgument, "DBSubnetGroupDoesNotCoverEnoughAZs",
        fmt::format("The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
                    "Current AZ coverage: {}. Add subnets to cover at least {} AZs.",
                    fmt::join(network.zones_of(group), ", "), kZones));
  }
  TRIVET_CHECK_OK(check_security_groups(network, wanted.security_group_ids, group.vpc_id));
  if (wanted.security_group_ids.empty()) {
    if (const SecurityGroup* fallback = network.default_security_group(group.vpc_id)) {
      wanted.security_group_ids.push_back(fallback->id);
    }
  }
  TRIVET_TRY(wanted.publicly_accessible, read_access(network, group.vpc_id, wish.is_public));
  std::vector<service::MemberPlace> places;
  for (const auto& [zone, subnet_id] : subnet_of_zone) {
    if (places.size() < kZones) {
      places.push_back({.availability_zone = zone, .subnet_id = subnet_id});
    }
  }
  return places;
}

}  // namespace trivet::api::rds
