// SPDX-License-Identifier: Apache-2.0
//
// What a cluster can be made of: DB instance classes and engine versions. A class says how much of
// the machine one member may use; versions are those of the engines that are installed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::service {

struct InstanceClass {
  std::string_view name;  // "db.t3.micro"
  unsigned vcpus = 0;
  std::uint64_t memory_mib = 0;
};

// Those that a cluster may have, by name: AWS's for Multi-AZ DB clusters, and the db.t3 and db.t4g
// ones, which AWS has only for instances, for machines that are small.
std::span<const InstanceClass> instance_classes();
// nullptr when a cluster cannot have it.
const InstanceClass* find_instance_class(std::string_view name);

// One engine that is installed on this machine.
struct EngineVersion {
  std::string engine;   // "mysql"
  std::string version;  // "9.7.4"

  std::string series() const;            // "9.7"
  std::string parameter_family() const;  // "mysql9.7"
  std::string parameter_group() const;   // "default.mysql9.7"
  std::string option_group() const;      // "default:mysql-9-7"
};

// By number, not by letter: is `a` older than `b`? ("9.7.9" is older than "9.7.10".)
bool is_older_version(std::string_view a, std::string_view b);
// The newest of `engine` that `wanted` names: all of a version ("9.7.4"), its series ("9.7"), or
// nothing at all. Faults: InvalidParameterCombination; InsufficientDBInstanceCapacity when no such
// engine is installed at all.
Result<EngineVersion> choose_version(std::span<const EngineVersion> installed,
                                     std::string_view engine, std::string_view wanted);

// Storage of one type, per member.
struct StorageType {
  std::string_view name;  // "gp3"
  bool takes_iops = false;
  std::int64_t gib_min = 0;
  std::int64_t gib_max = 0;
};
std::span<const StorageType> storage_types();
const StorageType* find_storage_type(std::string_view name);

inline constexpr std::int64_t kIopsMin = 1000;
inline constexpr std::int64_t kIopsMax = 256'000;
inline constexpr double kIopsPerGibMin = 0.5;
inline constexpr double kIopsPerGibMax = 50;
// From this size on gp3 is striped over four volumes and takes Iops.
inline constexpr std::int64_t kGp3StripedGib = 400;

// What gp3 has without being asked.
struct Gp3Baseline {
  std::int64_t iops = 0;
  std::int64_t throughput_mib_s = 0;
};
Gp3Baseline gp3_baseline(std::int64_t gib);

}  // namespace trivet::service
