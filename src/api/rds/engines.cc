// SPDX-License-Identifier: Apache-2.0
//
// DescribeDBEngineVersions, DescribeOrderableDBInstanceOptions: what can be created here.
#include <fmt/format.h>

#include <algorithm>

#include "api/rds/common.h"
#include "service/ec2_service.h"

namespace trivet::api::rds {
namespace {

using service::EngineVersion;

constexpr std::int32_t kOptionsMax = 1'000;  // AWS's greatest MaxRecords for options
constexpr std::string_view kLicense = "general-public-license";
// What RDS has beside mysql. None of it is installed here: they are answered with nothing.
constexpr std::string_view kOtherEngines[] = {"aurora",
                                              "aurora-mysql",
                                              "aurora-postgresql",
                                              "custom-oracle-ee",
                                              "custom-sqlserver-ee",
                                              "db2-ae",
                                              "db2-se",
                                              "docdb",
                                              "mariadb",
                                              "neptune",
                                              "oracle-ee",
                                              "oracle-ee-cdb",
                                              "oracle-se2",
                                              "oracle-se2-cdb",
                                              "postgres",
                                              "sqlserver-ee",
                                              "sqlserver-ex",
                                              "sqlserver-se",
                                              "sqlserver-web"};

Status check_engine(const std::string& engine) {
  const bool is_known = engine.empty() || engine == "mysql" ||
                        std::find(std::begin(kOtherEngines), std::end(kOtherEngines), engine) !=
                            std::end(kOtherEngines);
  return is_known ? ok() : Status(bad_value(fmt::format("Unrecognized engine name: {}", engine)));
}

FilterValues version_filter_values(const EngineVersion& version, std::string_view name) {
  if (name == "db-parameter-group-family") {
    return one(version.parameter_family());
  }
  if (name == "engine") {
    return one(version.engine);
  }
  if (name == "engine-mode") {
    return one("provisioned");
  }
  if (name == "engine-version") {
    return std::vector<std::string>{version.version, version.series()};
  }
  if (name == "status") {
    return one("available");
  }
  return std::nullopt;
}

rds::DBEngineVersion version_shape(const EngineVersion& version, const Realm& realm,
                                   const DescribeDBEngineVersionsRequest& request) {
  rds::DBEngineVersion out;
  out.Engine = version.engine;
  out.MajorEngineVersion = version.series();
  out.EngineVersion = version.version;
  out.DBParameterGroupFamily = version.parameter_family();
  out.DBEngineDescription = "MySQL Community Edition";
  out.DBEngineVersionDescription = "MySQL " + version.version;
  out.DBEngineVersionArn =
      arn(realm, "engine-version", fmt::format("{}/{}", version.engine, version.version));
  if (request.ListSupportedCharacterSets.value_or(false)) {
    out.SupportedCharacterSets.push_back(
        {.CharacterSetName = "utf8mb4", .CharacterSetDescription = "UTF-8 Unicode"});
  }
  out.ExportableLogTypes = {"error", "general", "iam-db-auth-error", "slowquery"};
  out.SupportsLogExportsToCloudwatchLogs = false;
  out.SupportsReadReplica = false;
  out.SupportedEngineModes = {"provisioned"};
  out.Status = "available";
  out.SupportsParallelQuery = false;
  out.SupportsGlobalDatabases = false;
  out.SupportsBabelfish = false;
  out.SupportsLimitlessDatabase = false;
  out.SupportsLocalWriteForwarding = false;
  out.SupportsIntegrations = false;
  out.SupportsCertificateRotationWithoutRestart = false;
  return out;
}

// Sorted as versions are, the oldest first.
std::vector<EngineVersion> sorted_engines(const RdsServices& services) {
  auto engines = services.engines();
  std::sort(engines.begin(), engines.end(), [](const EngineVersion& a, const EngineVersion& b) {
    return a.engine != b.engine ? a.engine < b.engine
                                : service::is_older_version(a.version, b.version);
  });
  return engines;
}

bool is_named(const std::optional<std::string>& wanted, const EngineVersion& version) {
  return !wanted || wanted->empty() || *wanted == version.version || *wanted == version.series();
}

// A key that sorts as the versions do: pages follow it.
std::string version_key(const EngineVersion& version) {
  std::string key = version.engine + " ";
  std::string number;
  for (const char c : version.version + ".") {
    if (c == '.') {
      key += std::string(number.size() < 6 ? 6 - number.size() : 0, '0') + number + ".";
      number.clear();
    } else {
      number += c;
    }
  }
  return key;
}

Result<DescribeDBEngineVersionsResponse> describe_versions(
    const RdsServices& services, const Realm& realm,
    const DescribeDBEngineVersionsRequest& request) {
  const std::string engine = request.Engine.value_or("");
  TRIVET_CHECK_OK(check_engine(engine));
  const EngineVersion nothing;
  TRIVET_TRY(bool is_passing, passes(request.Filters, [&](std::string_view name) {
               return version_filter_values(nothing, name);
             }));
  std::vector<EngineVersion> found;
  for (const EngineVersion& version : sorted_engines(services)) {
    TRIVET_TRY(is_passing, passes(request.Filters, [&](std::string_view name) {
                 return version_filter_values(version, name);
               }));
    const std::string family = request.DBParameterGroupFamily.value_or("");
    if (is_passing && (engine.empty() || engine == version.engine) &&
        is_named(request.EngineVersion, version) &&
        (family.empty() || family == version.parameter_family())) {
      found.push_back(version);
    }
  }
  if (request.DefaultOnly.value_or(false) && found.size() > 1) {
    found.erase(found.begin(), found.end() - 1);  // the newest is what a cluster gets
  }
  DescribeDBEngineVersionsResponse response{.Marker = request.Marker, .DBEngineVersions = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxRecords, response.Marker, version_key));
  for (const EngineVersion& version : found) {
    response.DBEngineVersions.push_back(version_shape(version, realm, request));
  }
  return response;
}

// One way to order a member: AWS lists each class, version and storage type by itself.
struct Option {
  EngineVersion version;
  const service::InstanceClass* instance_class;
  const service::StorageType* storage;

  std::string key() const {
    return fmt::format("{} {} {}", version_key(version), instance_class->name, storage->name);
  }
};

rds::OrderableDBInstanceOption option_shape(const Option& option, const Realm& realm) {
  rds::OrderableDBInstanceOption out;
  out.Engine = option.version.engine;
  out.EngineVersion = option.version.version;
  out.DBInstanceClass = std::string(option.instance_class->name);
  out.LicenseModel = std::string(kLicense);
  out.AvailabilityZoneGroup = realm.region;
  for (const auto& zone : service::availability_zones(realm)) {
    out.AvailabilityZones.push_back({.Name = zone.name});
  }
  out.MultiAZCapable = false;  // of instances: what there is are clusters
  out.ReadReplicaCapable = false;
  out.Vpc = true;
  out.SupportsClusters = true;
  out.SupportsStorageEncryption = false;
  out.StorageType = std::string(option.storage->name);
  out.SupportsIops = option.storage->takes_iops;
  out.SupportsStorageThroughput = false;
  out.SupportsEnhancedMonitoring = false;
  out.SupportsIAMDatabaseAuthentication = true;
  out.SupportsPerformanceInsights = false;
  out.MinStorageSize = static_cast<std::int32_t>(option.storage->gib_min);
  out.MaxStorageSize = static_cast<std::int32_t>(option.storage->gib_max);
  if (option.storage->takes_iops) {
    out.MinIopsPerDbInstance = static_cast<std::int32_t>(service::kIopsMin);
    out.MaxIopsPerDbInstance = static_cast<std::int32_t>(service::kIopsMax);
    out.MinIopsPerGib = service::kIopsPerGibMin;
    out.MaxIopsPerGib = service::kIopsPerGibMax;
  }
  out.SupportedEngineModes = {"provisioned"};
  out.SupportsStorageAutoscaling = false;
  out.SupportsKerberosAuthentication = false;
  out.OutpostCapable = false;
  out.SupportsGlobalDatabases = false;
  out.SupportedNetworkTypes = {"IPV4"};
  out.SupportsDedicatedLogVolume = false;
  out.SupportsHttpEndpoint = false;
  return out;
}

Result<DescribeOrderableDBInstanceOptionsResponse> describe_options(
    const RdsServices& services, const Realm& realm,
    const DescribeOrderableDBInstanceOptionsRequest& request) {
  if (request.Engine.empty()) {
    return bad_value("The parameter Engine must be provided and must not be blank.");
  }
  TRIVET_CHECK_OK(check_engine(request.Engine));
  TRIVET_TRY([[maybe_unused]] const bool is_passing,
             passes(request.Filters, [](std::string_view) { return std::nullopt; }));
  const bool is_ours = request.LicenseModel.value_or(std::string(kLicense)) == kLicense &&
                       request.Vpc.value_or(true) &&
                       request.AvailabilityZoneGroup.value_or(realm.region) == realm.region;
  std::vector<Option> found;
  for (const EngineVersion& version : sorted_engines(services)) {
    for (const service::InstanceClass& instance_class : service::instance_classes()) {
      const std::string wanted = request.DBInstanceClass.value_or("");
      if (!is_ours || version.engine != request.Engine ||
          !is_named(request.EngineVersion, version) ||
          (!wanted.empty() && wanted != instance_class.name)) {
        continue;
      }
      for (const service::StorageType& storage : service::storage_types()) {
        found.push_back({version, &instance_class, &storage});
      }
    }
  }
  DescribeOrderableDBInstanceOptionsResponse response{.OrderableDBInstanceOptions = {},
                                                      .Marker = request.Marker};
  TRIVET_CHECK_OK(cut_page(
      found, request.MaxRecords, response.Marker, [](const Option& option) { return option.key(); },
      kOptionsMax));
  for (const Option& option : found) {
    response.OrderableDBInstanceOptions.push_back(option_shape(option, realm));
  }
  return response;
}

}  // namespace

void add_engine_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<DescribeDBEngineVersionsRequest>(
      [](const Call&, const DescribeDBEngineVersionsRequest&) -> std::vector<Permission> {
        return {{.action = "rds:DescribeDBEngineVersions", .resource = "*"}};
      },
      [services](const Call& call, const DescribeDBEngineVersionsRequest& request) {
        return describe_versions(services, call.realm, request);
      }));
  table.add(make_action<DescribeOrderableDBInstanceOptionsRequest>(
      [](const Call&, const DescribeOrderableDBInstanceOptionsRequest&) -> std::vector<Permission> {
        return {{.action = "rds:DescribeOrderableDBInstanceOptions", .resource = "*"}};
      },
      [services](const Call& call, const DescribeOrderableDBInstanceOptionsRequest& request) {
        return describe_options(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
