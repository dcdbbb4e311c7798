// SPDX-License-Identifier: Apache-2.0
#include "core/guard_wire/guard_frame.h"

#include <type_traits>

namespace trivet::guard_wire {
namespace {

// "TG" and the version of the frames. A newer daemon must still understand an older guard.
constexpr std::uint32_t kMark = 0x01004754;

// Writes numbers at growing offsets of a frame.
class Writer {
 public:
  explicit Writer(char* out) : out_(out) {}
  template <typename T>
  void put(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      out_[at_++] = static_cast<char>(bits & 0xffU);
      bits = static_cast<std::make_unsigned_t<T>>(static_cast<std::uint64_t>(bits) >> 8U);
    }
  }

 private:
  char* out_;
  std::size_t at_ = 0;
};

// Reads them back. Requires: the frame is as long as what is taken.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  template <typename T>
  T take() {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(in_[at_++])) << (8U * i);
    }
    return static_cast<T>(bits);
  }

 private:
  std::string_view in_;
  std::size_t at_ = 0;
};

bool is_one_of(std::uint8_t value, std::uint8_t least, std::uint8_t most) {
  return value >= least && value <= most;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return -1;
}

}  // namespace

std::array<char, kRequestBytes> encode(const Request& request) {
  std::array<char, kRequestBytes> out{};
  Writer writer(out.data());
  writer.put(kMark);
  writer.put(request.sequence);
  writer.put(static_cast<std::uint8_t>(request.verb));
  for (int i = 0; i < 7; ++i) {
    writer.put(std::uint8_t{0});
  }
  writer.put(request.permit_ms);
  return out;
}

std::array<char, kReplyBytes> encode(const Reply& reply) {
  std::array<char, kReplyBytes> out{};
  Writer writer(out.data());
  writer.put(kMark);
  writer.put(reply.sequence);
  writer.put(static_cast<std::uint8_t>(reply.kind));
  writer.put(static_cast<std::uint8_t>(reply.status.state));
  writer.put(static_cast<std::uint8_t>(reply.status.kill_reason));
  writer.put(std::uint8_t{0});
  writer.put(reply.status.guard_pid);
  writer.put(reply.status.mysqld_pid);
  writer.put(reply.status.wait_status);
  writer.put(reply.status.generation);
  writer.put(reply.status.started_ms);
  writer.put(reply.status.exited_ms);
  writer.put(reply.status.permit_left_ms);
  for (const std::uint8_t byte : reply.status.boot_id) {
    writer.put(byte);
  }
  return out;
}

std::optional<Request> decode_request(std::string_view bytes) {
  if (bytes.size() != kRequestBytes) {
    return std::nullopt;
  }
  Reader reader(bytes);
  if (reader.take<std::uint32_t>() != kMark) {
    return std::nullopt;
  }
  Request request;
  request.sequence = reader.take<std::uint32_t>();
  const auto verb = reader.take<std::uint8_t>();
  for (int i = 0; i < 7; ++i) {
    reader.take<std::uint8_t>();
  }
  request.permit_ms = reader.take<std::int64_t>();
  if (request.sequence == 0 || request.permit_ms < kForever ||
      !is_one_of(verb, static_cast<std::uint8_t>(Verb::kStatus),
                 static_cast<std::uint8_t>(Verb::kQuit))) {
    return std::nullopt;
  }
  request.verb = static_cast<Verb>(verb);
  return request;
}

std::optional<Reply> decode_reply(std::string_view bytes) {
  if (bytes.size() != kReplyBytes) {
    return std::nullopt;
  }
  Reader reader(bytes);
  if (reader.take<std::uint32_t>() != kMark) {
    return std::nullopt;
  }
  Reply reply;
  reply.sequence = reader.take<std::uint32_t>();
  const auto kind = reader.take<std::uint8_t>();
  const auto state = reader.take<std::uint8_t>();
  const auto reason = reader.take<std::uint8_t>();
  reader.take<std::uint8_t>();
  if (!is_one_of(kind, 1, 3) || !is_one_of(state, 1, 2) || !is_one_of(reason, 0, 3)) {
    return std::nullopt;
  }
  reply.kind = static_cast<ReplyKind>(kind);
  reply.status.state = static_cast<State>(state);
  reply.status.kill_reason = static_cast<KillReason>(reason);
  reply.status.guard_pid = reader.take<std::int32_t>();
  reply.status.mysqld_pid = reader.take<std::int32_t>();
  reply.status.wait_status = reader.take<std::int32_t>();
  reply.status.generation = reader.take<std::uint64_t>();
  reply.status.started_ms = reader.take<std::int64_t>();
  reply.status.exited_ms = reader.take<std::int64_t>();
  reply.status.permit_left_ms = reader.take<std::int64_t>();
  for (std::uint8_t& byte : reply.status.boot_id) {
    byte = reader.take<std::uint8_t>();
  }
  return reply;
}

std::string describe_wait_status(std::int32_t wait_status) {
  const std::int32_t signal = wait_status & 0x7f;
  if (signal == 0) {
    return "exited with status " + std::to_string((wait_status >> 8) & 0xff);
  }
  return "killed by signal " + std::to_string(signal);
}

std::optional<std::array<std::uint8_t, 16>> parse_boot_id(std::string_view text) {
  std::array<std::uint8_t, 16> out{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') {
      continue;
    }
    const int value = hex_value(c);
    if (value < 0 || digits == 32) {
      return std::nullopt;
    }
    out[digits / 2] = static_cast<std::uint8_t>(out[digits / 2] * 16 + value);
    ++digits;
  }
  if (digits != 32) {
    return std::nullopt;
  }
  return out;
}

}  // namespace trivet::guard_wire
