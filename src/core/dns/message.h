// SPDX-License-Identifier: Apache-2.0
//
// DNS messages (RFC 1035) as far as the resolver of a VPC needs them: one question in, an IPv4
// address or a refusal out. Everything else is handed on as bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trivet::dns {

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kClassIn = 1;

enum class ResponseCode : std::uint8_t {
  kOk = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNoSuchName = 3,
  kNotImplemented = 4,
  kRefused = 5,
};

struct Question {
  std::uint16_t id = 0;
  bool wants_recursion = false;
  std::string name;  // lower case, without a dot at the end; "" is the root
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::string bytes;  // the question section as it came, for the answer
};

// nullopt: no query with exactly one question, or bytes that are no message.
std::optional<Question> parse_query(std::string_view message);

// An answer without records: with kOk, the name is there and has none of this type.
std::string make_answer(const Question& question, ResponseCode code);
// One A record. `address` in host byte order.
std::string make_answer(const Question& question, std::uint32_t address, std::uint32_t ttl_s);
// To what cannot be parsed but has an id: kFormatError. nullopt when it has not even that, or is
// an answer itself.
std::optional<std::string> format_error(std::string_view message);

// The id at the head of a message, and the message with another one. Requires: at least 2 bytes.
std::uint16_t id_of(std::string_view message);
std::string with_id(std::string message, std::uint16_t id);
// Is it an answer to this question? (So that nobody else's is handed on.)
bool answers(std::string_view message, const Question& question);

}  // namespace trivet::dns
