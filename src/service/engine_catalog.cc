// SPDX-License-Identifier: Apache-2.0
#include "service/engine_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace trivet::service {
namespace {

constexpr std::uint64_t gib(std::uint64_t n) {
  return n * 1024;
}

// The families of AWS's classes for Multi-AZ DB clusters: memory for each vCPU, and the sizes that
// there are ("Instance class availability for Multi-AZ DB clusters", RDS User Guide).
constexpr InstanceClass kClasses[] = {
    {"db.c6gd.12xlarge", 48, gib(96)},
    {"db.c6gd.16xlarge", 64, gib(128)},
    {"db.c6gd.2xlarge", 8, gib(16)},
    {"db.c6gd.4xlarge", 16, gib(32)},
    {"db.c6gd.8xlarge", 32, gib(64)},
    {"db.c6gd.large", 2, gib(4)},
    {"db.c6gd.medium", 1, gib(2)},
    {"db.c6gd.xlarge", 4, gib(8)},
    {"db.m5d.12xlarge", 48, gib(192)},
    {"db.m5d.16xlarge", 64, gib(256)},
    {"db.m5d.24xlarge", 96, gib(384)},
    {"db.m5d.2xlarge", 8, gib(32)},
    {"db.m5d.4xlarge", 16, gib(64)},
    {"db.m5d.8xlarge", 32, gib(128)},
    {"db.m5d.large", 2, gib(8)},
    {"db.m5d.xlarge", 4, gib(16)},
    {"db.m6gd.12xlarge", 48, gib(192)},
    {"db.m6gd.16xlarge", 64, gib(256)},
    {"db.m6gd.2xlarge", 8, gib(32)},
    {"db.m6gd.4xlarge", 16, gib(64)},
    {"db.m6gd.8xlarge", 32, gib(128)},
    {"db.m6gd.large", 2, gib(8)},
    {"db.m6gd.xlarge", 4, gib(16)},
    {"db.m6id.12xlarge", 48, gib(192)},
    {"db.m6id.16xlarge", 64, gib(256)},
    {"db.m6id.24xlarge", 96, gib(384)},
    {"db.m6id.2xlarge", 8, gib(32)},
    {"db.m6id.32xlarge", 128, gib(512)},
    {"db.m6id.4xlarge", 16, gib(64)},
    {"db.m6id.8xlarge", 32, gib(128)},
    {"db.m6id.large", 2, gib(8)},
    {"db.m6id.xlarge", 4, gib(16)},
    {"db.m6idn.12xlarge", 48, gib(192)},
    {"db.m6idn.16xlarge", 64, gib(256)},
    {"db.m6idn.24xlarge", 96, gib(384)},
    {"db.m6idn.2xlarge", 8, gib(32)},
    {"db.m6idn.32xlarge", 128, gib(512)},
    {"db.m6idn.4xlarge", 16, gib(64)},
    {"db.m6idn.8xlarge", 32, gib(128)},
    {"db.m6idn.large", 2, gib(8)},
    {"db.m6idn.xlarge", 4, gib(16)},
    {"db.r5d.12xlarge", 48, gib(384)},
    {"db.r5d.16xlarge", 64, gib(512)},
    {"db.r5d.24xlarge", 96, gib(768)},
    {"db.r5d.2xlarge", 8, gib(64)},
    {"db.r5d.4xlarge", 16, gib(128)},
    {"db.r5d.8xlarge", 32, gib(256)},
    {"db.r5d.large", 2, gib(16)},
    {"db.r5d.xlarge", 4, gib(32)},
    {"db.r6gd.12xlarge", 48, gib(384)},
    {"db.r6gd.16xlarge", 64, gib(512)},
    {"db.r6gd.2xlarge", 8, gib(64)},
    {"db.r6gd.4xlarge", 16, gib(128)},
    {"db.r6gd.8xlarge", 32, gib(256)},
    {"db.r6gd.large", 2, gib(16)},
    {"db.r6gd.xlarge", 4, gib(32)},
    {"db.r6id.12xlarge", 48, gib(384)},
    {"db.r6id.16xlarge", 64, gib(512)},
    {"db.r6id.24xlarge", 96, gib(768)},
    {"db.r6id.2xlarge", 8, gib(64)},
    {"db.r6id.32xlarge", 128, gib(1024)},
    {"db.r6id.4xlarge", 16, gib(128)},
    {"db.r6id.8xlarge", 32, gib(256)},
    {"db.r6id.large", 2, gib(16)},
    {"db.r6id.xlarge", 4, gib(32)},
    {"db.r6idn.12xlarge", 48, gib(384)},
    {"db.r6idn.16xlarge", 64, gib(512)},
    {"db.r6idn.24xlarge", 96, gib(768)},
    {"db.r6idn.2xlarge", 8, gib(64)},
    {"db.r6idn.32xlarge", 128, gib(1024)},
    {"db.r6idn.4xlarge", 16, gib(128)},
    {"db.r6idn.8xlarge", 32, gib(256)},
    {"db.r6idn.large", 2, gib(16)},
    {"db.r6idn.xlarge", 4, gib(32)},
    {"db.t3.large", 2, gib(8)},
    {"db.t3.medium", 2, gib(4)},
    {"db.t3.micro", 2, gib(1)},
    {"db.t3.small", 2, gib(2)},
    {"db.t4g.large", 2, gib(8)},
    {"db.t4g.medium", 2, gib(4)},
    {"db.t4g.micro", 2, gib(1)},
    {"db.t4g.small", 2, gib(2)},
    {"db.x2iedn.16xlarge", 64, gib(2048)},
    {"db.x2iedn.24xlarge", 96, gib(3072)},
    {"db.x2iedn.2xlarge", 8, gib(256)},
    {"db.x2iedn.32xlarge", 128, gib(4096)},
    {"db.x2iedn.4xlarge", 16, gib(512)},
    {"db.x2iedn.8xlarge", 32, gib(1024)},
    {"db.x2iedn.xlarge", 4, gib(128)},
};
static_assert(std::is_sorted(std::begin(kClasses), std::end(kClasses),
                             [](const InstanceClass& a, const InstanceClass& b) {
                               return a.name < b.name;
                             }));

constexpr StorageType kStorageTypes[] = {
    {"gp3", false, 20, 65'536},
    {"io1", true, 100, 65'536},
    {"io2", true, 100, 65'536},
};

// The number that `text` begins with; what follows it, without a dot, stays in `text`.
int take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) {
    value = -1;
  }
  const std::size_t dot = text.find('.');
  text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  return value;
}

bool matches(const EngineVersion& have, std::string_view wanted) {
  return wanted.empty() || have.version == wanted || have.series() == wanted;
}

}  // namespace

std::span<const InstanceClass> instance_classes() {
  return kClasses;
}

const InstanceClass* find_instance_class(std::string_view name) {
  const auto* it = std::lower_bound(
      std::begin(kClasses), std::end(kClasses), name,
      [](const InstanceClass& entry, std::string_view wanted) { return entry.name < wanted; });
  return it == std::end(kClasses) || it->name != name ? nullptr : it;
}

std::string EngineVersion::series() const {
  const std::size_t first = version.find('.');
  const std::size_t second = first == std::string::npos ? first : version.find('.', first + 1);
  return version.substr(0, second);
}

std::string EngineVersion::parameter_family() const {
  return engine + series();
}

std::string EngineVersion::parameter_group() const {
  return "default." + parameter_family();
}

std::string EngineVersion::option_group() const {
  std::string dashed = series();
  std::replace(dashed.begin(), dashed.end(), '.', '-');
  return fmt::format("default:{}-{}", engine, dashed);
}

bool is_older_version(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const int left = take_number(a);
    const int right = take_number(b);
    if (left != right) {
      return left < right;
    }
  }
  return false;
}

Result<EngineVersion> choose_version(std::span<const EngineVersion> installed,
                                     std::string_view engine, std::string_view wanted) {
  const EngineVersion* best = nullptr;
  bool is_any = false;
  for (const EngineVersion& have : installed) {
    if (have.engine != engine) {
      continue;
    }
    is_any = true;
    if (matches(have, wanted) &&
        (best == nullptr || is_older_version(best->version, have.version))) {
      best = &have;
    }
  }
  if (!is_any) {
    return aws_fault(
        Errc::kUnavailable, "InsufficientDBInstanceCapacity",
        fmt::format("No {0} engine is installed: run 'trivet engine install {0}'.", engine));
  }
  if (best == nullptr) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     fmt::format("Cannot find version {} for {}", wanted, engine));
  }
  return *best;
}

std::span<const StorageType> storage_types() {
  return kStorageTypes;
}

const StorageType* find_storage_type(std::string_view name) {
  const auto* it = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                [&](const StorageType& type) { return type.name == name; });
  return it == std::end(kStorageTypes) ? nullptr : it;
}

Gp3Baseline gp3_baseline(std::int64_t size_gib) {
  if (size_gib < kGp3StripedGib) {
    return {.iops = 3000, .throughput_mib_s = 125};
  }
  return {.iops = 12'000, .throughput_mib_s = 500};
}

}  // namespace trivet::service
