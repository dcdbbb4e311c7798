// SPDX-License-Identifier: Apache-2.0
//
// The few primitives that the project needs, over OpenSSL's libcrypto (named only in crypto.cc).
// All functions are pure but random_bytes, and thread-safe.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace trivet {

std::string sha256(std::string_view data);  // 32 bytes
// Of the parts one behind the other.
std::string sha256_of_parts(std::initializer_list<std::string_view> parts);
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes
// Takes the same time wherever the first difference is. Different lengths are unequal at once.
bool constant_time_equal(std::string_view a, std::string_view b);

// From the operating system; ends the process if it has none to give.
std::string random_bytes(std::size_t count);

// AES-256-GCM. `key` is 32 bytes; `context` is authenticated, not encrypted (what the secret is
// for, so that one sealed value cannot stand in for another). Returns 12 bytes nonce ‖ ciphertext ‖
// 16 bytes tag.
std::string aead_seal(std::string_view key, std::string_view context, std::string_view plain);
// nullopt when the text was altered, cut, made under another key or for another context.
std::optional<std::string> aead_open(std::string_view key, std::string_view context,
                                     std::string_view sealed);

}  // namespace trivet
