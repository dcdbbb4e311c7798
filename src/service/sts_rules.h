// SPDX-License-Identifier: Apache-2.0
//
// What all sessions have to keep to: names, durations, sizes. Only for StsService's files.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "service/sts_service.h"

namespace trivet::service {

inline constexpr std::int64_t kHour = 3600;
inline constexpr std::int64_t kPackedBytesMax = 8192;

Error packed_too_large(std::int64_t percent);
// 2-64 of `[\w+=,.@-]`.
Status check_session_name(std::string_view field, std::string_view name);
Status check_duration(std::int64_t seconds, std::int64_t most);
// How long a session of this role may last, or why not.
Result<std::chrono::seconds> role_duration(const Principal& caller, const Identity& role,
                                           std::optional<std::int64_t> asked);
// How much of the room for policies and tags the request takes; nullopt when it has none.
// PackedPolicyTooLarge.
Result<std::optional<std::int32_t>> packed_percent(const AssumeRole& request);

}  // namespace trivet::service
