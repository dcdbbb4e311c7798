// SPDX-License-Identifier: Apache-2.0
//
// What AWS checks of a function before it takes it, with AWS's faults and texts. Nothing here
// changes anything. Texts: recorded from AWS by others
// (reference: lambda-and-console §3.5, §3.6).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "model/function.h"
#include "model/ids.h"
#include "service/functions/book.h"
#include "service/identity_snapshot.h"
#include "service/network_state.h"

namespace trivet::functions {

// AWS's quotas.
inline constexpr std::int64_t kArchiveBytesMax = 52'428'800;
inline constexpr std::int64_t kUnpackedBytesMax = 262'144'000;
inline constexpr std::size_t kLayersMax = 5;
inline constexpr std::size_t kEnvironmentBytesMax = 4'096;
inline constexpr std::size_t kTagsMax = 50;

using Environment = std::map<std::string, SecretString>;

Error bad_value(std::string message);    // InvalidParameterValueException
Error bad_request(std::string message);  // ValidationException

// Those of functions that this version of Trivet has a way to run, sorted.
const std::vector<std::string_view>& runtimes();
Status check_runtime(const std::string& runtime);
// The runtime needs a handler, but for provided.*.
Status check_handler(const std::string& runtime, const std::string& handler);
Status check_timeout(std::int32_t seconds);
Status check_memory(std::int32_t mb);
// Reserved names and AWS's 4 KB.
Status check_environment(const Environment& environment);
Status check_tags(const Tags& tags);
// The layers of these ARNs, in order. Faults: too many, unknown, two versions of one.
Result<std::vector<LayerUse>> find_layers(const BookState& state, const Realm& realm,
                                          const std::vector<std::string>& arns);
// Code and layers together.
Status check_unpacked_size(const CodeRef& code, const std::vector<LayerUse>& layers);

// The role exists, trusts Lambda, and where the function gets network interfaces may make them.
Status check_role(const service::IdentitySnapshot& identities, const std::string& role_arn,
                  const std::string& function_arn, bool needs_network, WallTime now);
// Subnets and groups exist and are of one VPC; its id.
Result<std::string> check_vpc(const service::NetworkState& network,
                              const std::vector<std::string>& subnet_ids,
                              const std::vector<std::string>& security_group_ids);

}  // namespace trivet::functions
