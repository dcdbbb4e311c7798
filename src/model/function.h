// SPDX-License-Identifier: Apache-2.0
//
// Functions and layers of Lambda's API: what was asked for, in AWS's terms. A function is one
// record with its $LATEST, its aliases, policies and settings; each published version is a record
// of its own that never changes; so is each version of a layer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/cluster.h"

namespace trivet {

inline constexpr std::string_view kLatestVersion = "$LATEST";

// An archive that was unpacked, by what is in it. `id` names it in the code store.
struct CodeRef {
  std::string id;                   // SHA-256 of the archive, 64 hex digits
  std::int64_t archive_bytes = 0;   // AWS's CodeSize
  std::int64_t unpacked_bytes = 0;  // counts towards the 250 MB of a function with its layers
  friend bool operator==(const CodeRef&, const CodeRef&) = default;
};

// A layer version as a function has it: it goes on when the layer version is deleted.
struct LayerUse {
  std::string arn;
  CodeRef code;
  friend bool operator==(const LayerUse&, const LayerUse&) = default;
};

struct FunctionVpc {
  std::string vpc_id;
  std::vector<std::string> subnet_ids;
  std::vector<std::string> security_group_ids;
  friend bool operator==(const FunctionVpc&, const FunctionVpc&) = default;
};

enum class LogFormat { kText, kJson };

// A version of a function: $LATEST or a number.
struct FunctionVersion {
  std::string version = std::string(kLatestVersion);
  std::string description;
  std::string runtime;  // "python3.13"
  std::string handler;
  std::string role_arn;
  std::int32_t timeout_s = 3;
  std::int32_t memory_mb = 128;
  std::int32_t ephemeral_mb = 512;
  std::string sealed_environment;  // sealed as a whole; empty: no variables
  std::vector<LayerUse> layers;    // in order: a later one wins
  std::optional<FunctionVpc> vpc;
  std::string architecture = "x86_64";
  std::string tracing_mode = "PassThrough";
  std::string log_group;  // "/aws/lambda/report"
  LogFormat log_format = LogFormat::kText;
  std::string application_log_level;  // with kJson only: "INFO"
  std::string system_log_level;
  CodeRef code;
  WallTime modified{};
  // New with every change of code or configuration; what runs is told apart by it. A published
  // version has the one of the $LATEST that it was made of.
  std::string content_revision;
  std::string revision_id;  // RevisionId: a UUID, new with every change also of policies
  bool is_active = false;   // State: Active, else Pending
  bool is_updated = true;   // LastUpdateStatus: Successful, else InProgress
  friend bool operator==(const FunctionVersion&, const FunctionVersion&) = default;
};

struct FunctionAlias {
  std::string name;
  std::string version;
  std::string description;
  std::string other_version;  // gets a share of the events; empty: none does
  double other_weight = 0;    // 0 to 1
  std::string revision_id;
  friend bool operator==(const FunctionAlias&, const FunctionAlias&) = default;
};

// How asynchronous events of one qualifier are treated.
struct EventInvokeConfig {
  std::optional<std::int32_t> retries_max;  // 0 to 2; unset: 2
  std::optional<std::int32_t> age_max_s;    // 60 to 21600; unset: 21600
  std::string on_success;                   // ARN of a function; empty: nobody is told
  std::string on_failure;
  WallTime modified{};
  friend bool operator==(const EventInvokeConfig&, const EventInvokeConfig&) = default;
};

// Statements of AddPermission, each as the JSON that GetPolicy shows, in the order added.
struct PolicyStatement {
  std::string id;
  std::string json;
  friend bool operator==(const PolicyStatement&, const PolicyStatement&) = default;
};

// Key functions/<name>.
struct Function {
  std::string name;
  FunctionVersion latest;
  std::int64_t last_version = 0;  // the highest number that was ever given
  std::map<std::string, FunctionAlias> aliases;
  std::map<std::string, std::vector<PolicyStatement>> policies;  // by qualifier; "" is the function
  std::map<std::string, EventInvokeConfig> event_configs;        // by qualifier; "" is $LATEST
  std::optional<std::int32_t> reserved_concurrency;
  Tags tags;
  friend bool operator==(const Function&, const Function&) = default;
};

// Key function-layers/<name>/<number, 10 digits>.
struct LayerVersion {
  std::string name;
  std::int64_t number = 0;
  std::string description;
  std::string license;
  std::vector<std::string> runtimes;
  std::vector<std::string> architectures;
  CodeRef code;
  WallTime created{};
  friend bool operator==(const LayerVersion&, const LayerVersion&) = default;
};

// JSON with a version field, as model/cluster.h. Decoding fails with kCorrupt.
std::string encode(const Function& function);
std::string encode(const FunctionVersion& version);
std::string encode(const LayerVersion& layer);
Result<Function> decode_function(std::string_view text);
Result<FunctionVersion> decode_function_version(std::string_view text);
Result<LayerVersion> decode_layer_version(std::string_view text);

}  // namespace trivet
