// SPDX-License-Identifier: Apache-2.0
//
// Backup and maintenance windows: hh24:mi-hh24:mi each day, ddd:hh24:mi-ddd:hh24:mi each week, UTC,
// at least half an hour, not over each other. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace trivet::api::rds {

struct Windows {
  std::string backup;       // "07:00-07:30"
  std::string maintenance;  // "sun:05:00-sun:05:30", lower case
};

// Those asked for, checked; half an hour of the night, drawn by `random_below`, for one that is
// not. Faults: InvalidParameterValue, InvalidParameterCombination.
Result<Windows> choose_windows(const std::optional<std::string>& backup,
                               const std::optional<std::string>& maintenance,
                               const std::function<std::uint64_t(std::uint64_t)>& random_below);

}  // namespace trivet::api::rds
