// SPDX-License-Identifier: Apache-2.0
//
// Text forms of bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trivet {

std::string to_hex(std::string_view bytes);                  // lower case
std::optional<std::string> from_hex(std::string_view text);  // either case; odd length is nullopt
std::string to_base64(std::string_view bytes);               // RFC 4648 §4, padded
std::optional<std::string> from_base64(std::string_view text);  // strict: padded, no white space
std::string to_lower(std::string_view text);                    // ASCII only
bool equals_ignoring_case(std::string_view a, std::string_view b);  // ASCII only

}  // namespace trivet
