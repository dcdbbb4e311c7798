// SPDX-License-Identifier: Apache-2.0
//
// Names and secrets drawn from the operating system's randomness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trivet {

inline constexpr std::string_view kLowerAlphanumerics = "abcdefghijklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view kUpperAlphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view kAlphanumerics =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// `count` characters, each drawn evenly from `alphabet` (at most 256 characters).
std::string random_text(std::size_t count, std::string_view alphabet);
std::string random_uuid();  // version 4, lower case
// Even over [0, bound). Requires: bound > 0.
std::uint64_t random_below(std::uint64_t bound);

}  // namespace trivet
