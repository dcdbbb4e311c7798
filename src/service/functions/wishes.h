// SPDX-License-Identifier: Apache-2.0
//
// What callers ask of functions, in the service's words. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/function.h"
#include "service/functions/checks.h"

namespace trivet::functions {

struct VpcWish {
  std::vector<std::string> subnet_ids;  // both empty: no VPC any more
  std::vector<std::string> security_group_ids;
};
struct LoggingWish {
  std::optional<LogFormat> format;
  std::optional<std::string> application_level;
  std::optional<std::string> system_level;
  std::optional<std::string> group;
};

// Unset: as it is, or AWS's default for a new function. Move-only, because of the variables.
struct ConfigurationWish {
  std::optional<std::string> description;
  std::optional<std::string> runtime;
  std::optional<std::string> handler;
  std::optional<std::string> role_arn;
  std::optional<std::int32_t> timeout_s;
  std::optional<std::int32_t> memory_mb;
  std::optional<std::int32_t> ephemeral_mb;
  std::optional<Environment> environment;
  std::optional<std::vector<std::string>> layers;
  std::optional<VpcWish> vpc;
  std::optional<std::string> tracing_mode;
  LoggingWish logging;
  std::optional<std::string> architecture;
};

struct CreateFunction {
  std::string name;
  ConfigurationWish configuration;
  std::string archive;  // zip
  Tags tags;
  bool publish = false;
};
struct UpdateCode {
  std::string name;
  std::string archive;
  std::optional<std::string> architecture;
  std::string revision_id;  // empty: whatever it is
  bool publish = false;
  bool dry_run = false;
};
struct PublishVersion {
  std::string name;
  std::optional<std::string> description;
  std::string code_sha256;  // base64; empty: whatever it is
  std::string revision_id;
};
struct AliasWish {
  std::string name;
  std::optional<std::string> version;
  std::optional<std::string> description;
  // Another version and its share; an empty name: none any more.
  std::optional<std::pair<std::string, double>> other;
  std::string revision_id;
};
struct PublishLayer {
  std::string name;
  std::string description;
  std::string license;
  std::vector<std::string> runtimes;
  std::vector<std::string> architectures;
  std::string archive;
};
struct EventConfigWish {
  std::optional<std::int32_t> retries_max;
  std::optional<std::int32_t> age_max_s;
  std::optional<std::string> on_success;  // ARN; empty: nobody
  std::optional<std::string> on_failure;
};
struct PermissionWish {
  std::string statement_id;
  std::string action;
  std::string principal;
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
  std::optional<std::string> principal_org_id;
  std::string revision_id;
};

}  // namespace trivet::functions
