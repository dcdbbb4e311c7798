// SPDX-License-Identifier: Apache-2.0
#include "core/dns/message.h"

#include <utility>

namespace trivet::dns {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcodes = 0x7800;
constexpr std::uint16_t kWantsRecursion = 0x0100;
constexpr std::uint16_t kCanRecurse = 0x0080;

std::uint16_t read_16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put_16(std::string& out, std::uint32_t value) {
  out += static_cast<char>(value >> 8 & 255);
  out += static_cast<char>(value & 255);
}

void put_32(std::string& out, std::uint32_t value) {
  put_16(out, value >> 16);
  put_16(out, value & 0xffff);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The labels at `at`, which moves behind them. A question has no pointers in it.
std::optional<std::string> read_name(std::string_view message, std::size_t& at) {
  std::string name;
  const std::size_t begin = at;
  while (at < message.size() && at - begin < kNameBytesMax) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    ++at;
    if (size == 0) {
      return name;
    }
    if (size > kLabelBytesMax || at + size > message.size()) {
      return std::nullopt;
    }
    name += name.empty() ? "" : ".";
    for (const char c : message.substr(at, size)) {
      name += lower(c);
    }
    at += size;
  }
  return std::nullopt;
}

std::string header(const Question& question, ResponseCode code, std::uint16_t answers) {
  std::string out;
  put_16(out, question.id);
  const std::uint32_t flags = kResponse | kCanRecurse |
                              (question.wants_recursion ? kWantsRecursion : 0U) |
                              static_cast<std::uint32_t>(code);
  put_16(out, flags);
  put_16(out, 1);
  put_16(out, answers);
  put_16(out, 0);
  put_16(out, 0);
  return out + question.bytes;
}

}  // namespace

std::optional<Question> parse_query(std::string_view message) {
  if (message.size() < kHeaderBytes) {
    return std::nullopt;
  }
  const std::uint16_t flags = read_16(message, 2);
  if ((flags & (kResponse | kOpcodes)) != 0 || read_16(message, 4) != 1) {
    return std::nullopt;
  }
  Question question;
  question.id = read_16(message, 0);
  question.wants_recursion = (flags & kWantsRecursion) != 0;
  std::size_t at = kHeaderBytes;
  auto name = read_name(message, at);
  if (!name || at + 4 > message.size()) {
    return std::nullopt;
  }
  question.name = std::move(*name);
  question.type = read_16(message, at);
  question.klass = read_16(message, at + 2);
  question.bytes = message.substr(kHeaderBytes, at + 4 - kHeaderBytes);
  return question;
}

std::string make_answer(const Question& question, ResponseCode code) {
  return header(question, code, 0);
}

std::string make_answer(const Question& question, std::uint32_t address, std::uint32_t ttl_s) {
  std::string out = header(question, ResponseCode::kOk, 1);
  put_16(out, 0xC000 | kHeaderBytes);  // the name of the question
  put_16(out, kTypeA);
  put_16(out, kClassIn);
  put_32(out, ttl_s);
  put_16(out, 4);
  put_32(out, address);
  return out;
}

std::optional<std::string> format_error(std::string_view message) {
  if (message.size() < kHeaderBytes || (read_16(message, 2) & kResponse) != 0) {
    return std::nullopt;
  }
  std::string out;
  put_16(out, read_16(message, 0));
  put_16(out, kResponse | static_cast<std::uint32_t>(ResponseCode::kFormatError));
  out.append(8, '\0');
  return out;
}

std::uint16_t id_of(std::string_view message) {
  return read_16(message, 0);
}

std::string with_id(std::string message, std::uint16_t id) {
  message[0] = static_cast<char>(id >> 8);
  message[1] = static_cast<char>(id & 255);
  return message;
}

bool answers(std::string_view message, const Question& question) {
  if (message.size() < kHeaderBytes + question.bytes.size() ||
      (read_16(message, 2) & kResponse) == 0 || read_16(message, 4) != 1) {
    return false;
  }
  std::size_t at = kHeaderBytes;
  const auto name = read_name(message, at);
  return name == question.name && at + 4 <= message.size() &&
         read_16(message, at) == question.type && read_16(message, at + 2) == question.klass;
}

}  // namespace trivet::dns
