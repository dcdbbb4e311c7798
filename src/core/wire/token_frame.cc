// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "core/wire/token_frame.h"

#include <cstring>

namespace trivet::wire {
namespace {

constexpr std::uint8_t kKindRequest = 1;
constexpr std::uint8_t kKindResponse = 2;
constexpr std::uint8_t kFlagTls = 1;
constexpr std::uint8_t kVersionOfTlsNames = 2;  // the first whose requests have them

constexpr std::uint8_t kVersionOfVersions = 0;
constexpr std::uint8_t kKindVersionsQuestion = 3;
constexpr std::uint8_t kKindVersionsAnswer = 4;

// Appends to a fixed buffer. A write that does not fit makes the writer bad and writes nothing.
class Writer {
 public:
  explicit Writer(std::span<char> out) : out_(out) {}

  template <std::size_t kBytes>
  void integer(std::uint64_t value) {
    if (!room_for(kBytes)) {
      return;
    }
    for (std::size_t i = 0; i < kBytes; ++i) {
      out_[used_ + i] = static_cast<char>(value >> (8 * (kBytes - 1 - i)) & 0xFF);
    }
    used_ += kBytes;
  }
  void bytes(std::string_view value) {
    if (value.empty() || !room_for(value.size())) {
      return;
    }
    std::memcpy(out_.data() + used_, value.data(), value.size());
    used_ += value.size();
  }
  void short_text(std::string_view value) {
    integer<2>(value.size());
    bytes(value);
  }
  std::size_t written() const { return good_ ? used_ : 0; }

 private:
  bool room_for(std::size_t count) {
    good_ = good_ && count <= out_.size() - used_;
    return good_;
  }

  std::span<char> out_;
  std::size_t used_ = 0;
  bool good_ = true;
};

// Takes from the front of a view. A read past the end makes the reader bad and yields zero or
// nothing.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  template <std::size_t kBytes>
  std::uint64_t integer() {
    const std::string_view raw = bytes(kBytes);
    std::uint64_t value = 0;
    for (const char byte : raw) {
      value = value << 8 | static_cast<unsigned char>(byte);
    }
    return value;
  }
  std::string_view bytes(std::size_t count) {
    good_ = good_ && count <= in_.size();
    if (!good_) {
      return {};
    }
    const std::string_view taken(in_.data(), count);
    in_.remove_prefix(count);
    return taken;
  }
  std::string_view short_text(std::size_t max) {
    const auto size = static_cast<std::size_t>(integer<2>());
    good_ = good_ && size <= max;
    return bytes(size);
  }
  bool at_end() const { return good_ && in_.empty(); }

 private:
  std::string_view in_;
  bool good_ = true;
};

bool is_printable_ascii(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7E) {
      return false;
    }
  }
  return true;
}

// The rules that hold for a request on both sides.
bool is_valid(const TokenRequest& request) {
  return !request.user.empty() && request.user.size() <= kMaxUserBytes &&
         request.host.size() <= kMaxHostBytes &&
         request.peer_address.size() <= kMaxPeerAddressBytes &&
         request.tls_version.size() <= kMaxTlsNameBytes &&
         request.tls_cipher.size() <= kMaxTlsNameBytes && is_printable_ascii(request.tls_version) &&
         is_printable_ascii(request.tls_cipher) &&
         (request.version >= kVersionOfNoToken || !request.token.empty()) &&
         request.token.size() <= kMaxTokenBytes && Versions{}.fit(request.version) &&
         (request.version >= kVersionOfTlsNames ||
          (request.tls_version.empty() && request.tls_cipher.empty()));
}

bool is_valid(const TokenResponse& response) {
  const bool may_name = response.version >= kVersionOfAccounts;
  return Versions{}.fit(response.version) &&
         (response.verdict != Verdict::kAllow || !response.principal.empty()) &&
         (response.account.empty() || (response.verdict == Verdict::kAllow && may_name)) &&
         response.account.size() <= kMaxAccountBytes && is_printable_ascii(response.account) &&
         response.principal.size() <= kMaxPrincipalBytes &&
         response.reason.size() <= kMaxReasonBytes && is_printable_ascii(response.principal) &&
         is_printable_ascii(response.reason);
}

// Version, kind, transport, flags, connection id, peer port, three text lengths, token length.
constexpr std::size_t kRequestFixedBytes = 1 + 1 + 1 + 1 + 8 + 2 + 3 * 2 + 4;
// Version, kind, verdict, a zero, two text lengths.
constexpr std::size_t kResponseFixedBytes = 1 + 1 + 1 + 1 + 2 * 2;
constexpr std::size_t kTextFixedBytes = 2;

static_assert(kFramePrefixBytes + kRequestFixedBytes + kMaxUserBytes + kMaxHostBytes +
                  kMaxPeerAddressBytes + 2 * (kTextFixedBytes + kMaxTlsNameBytes) <=
              kMaxRequestHeadBytes);
static_assert(kMaxRequestHeadBytes + kMaxTokenBytes <= kMaxFramePayloadBytes);
static_assert(kFramePrefixBytes + kResponseFixedBytes + kMaxPrincipalBytes + kMaxReasonBytes +
                  kTextFixedBytes + kMaxAccountBytes <=
              kMaxResponseFrameBytes);

std::size_t encode_versions(std::uint8_t kind, const Versions& versions, std::span<char> out) {
  Writer writer(out);
  writer.integer<kFramePrefixBytes>(kVersionsFrameBytes - kFramePrefixBytes);
  writer.integer<1>(kVersionOfVersions);
  writer.integer<1>(kind);
  writer.integer<1>(versions.lowest);
  writer.integer<1>(versions.highest);
  return writer.written();
}

std::optional<Versions> decode_versions(std::uint8_t kind, std::string_view payload) {
  Reader reader(payload.substr(0, kVersionsFrameBytes - kFramePrefixBytes));
  const auto version = reader.integer<1>();
  const auto found_kind = reader.integer<1>();
  Versions versions;
  versions.lowest = static_cast<std::uint8_t>(reader.integer<1>());
  versions.highest = static_cast<std::uint8_t>(reader.integer<1>());
  if (!reader.at_end() || version != kVersionOfVersions || found_kind != kind ||
      versions.lowest == 0 || versions.lowest > versions.highest) {
    return std::nullopt;
  }
  return versions;
}

}  // namespace

std::optional<std::size_t> decode_frame_size(std::string_view prefix, std::size_t max_payload) {
  if (prefix.size() < kFramePrefixBytes) {
    return std::nullopt;
  }
  Reader reader(prefix);
  const auto size = static_cast<std::size_t>(reader.integer<kFramePrefixBytes>());
  if (size == 0 || size > max_payload) {
    return std::nullopt;
  }
  return size;
}

std::size_t encode_request_head(const TokenRequest& request, std::span<char> out) {
  if (!is_valid(request)) {
    return 0;
  }
  Writer writer(out);
  const bool has_names = request.version >= kVersionOfTlsNames;
  const std::size_t names_size =
      has_names ? 2 * kTextFixedBytes + request.tls_version.size() + request.tls_cipher.size() : 0;
  writer.integer<kFramePrefixBytes>(kRequestFixedBytes + request.user.size() + request.host.size() +
                                    request.peer_address.size() + names_size +
                                    request.token.size());
  writer.integer<1>(request.version);
  writer.integer<1>(kKindRequest);
  writer.integer<1>(static_cast<std::uint8_t>(request.transport));
  writer.integer<1>(request.is_tls ? kFlagTls : 0);
  writer.integer<8>(request.connection_id);
  writer.integer<2>(request.peer_port);
  writer.short_text(request.user);
  writer.short_text(request.host);
  writer.short_text(request.peer_address);
  if (has_names) {
    writer.short_text(request.tls_version);
    writer.short_text(request.tls_cipher);
  }
  writer.integer<4>(request.token.size());
  return writer.written();
}

std::size_t encode_request(const TokenRequest& request, std::span<char> out) {
  const std::size_t head = encode_request_head(request, out);
  if (head == 0 || request.token.size() > out.size() - head) {
    return 0;
  }
  std::memcpy(out.data() + head, request.token.data(), request.token.size());
  return head + request.token.size();
}

std::optional<TokenRequest> decode_request(std::string_view payload) {
  Reader reader(payload);
  const auto version = static_cast<std::uint8_t>(reader.integer<1>());
  const auto kind = reader.integer<1>();
  const auto transport = reader.integer<1>();
  const auto flags = reader.integer<1>();
  const bool has_names = version >= kVersionOfTlsNames;
  if (!Versions{}.fit(version) || kind != kKindRequest || flags > kFlagTls ||
      (transport != static_cast<std::uint8_t>(Transport::kTcp) &&
       transport != static_cast<std::uint8_t>(Transport::kUnixSocket))) {
    return std::nullopt;
  }
  TokenRequest request;
  request.version = version;
  request.transport = static_cast<Transport>(transport);
  request.is_tls = flags == kFlagTls;
  request.connection_id = reader.integer<8>();
  request.peer_port = static_cast<std::uint16_t>(reader.integer<2>());
  request.user = reader.short_text(kMaxUserBytes);
  request.host = reader.short_text(kMaxHostBytes);
  request.peer_address = reader.short_text(kMaxPeerAddressBytes);
  if (has_names) {
    request.tls_version = reader.short_text(kMaxTlsNameBytes);
    request.tls_cipher = reader.short_text(kMaxTlsNameBytes);
  }
  request.token = reader.bytes(static_cast<std::size_t>(reader.integer<4>()));
  if (!reader.at_end() || !is_valid(request)) {
    return std::nullopt;
  }
  return request;
}

std::size_t encode_response(const TokenResponse& response, std::span<char> out) {
  if (!is_valid(response)) {
    return 0;
  }
  Writer writer(out);
  const bool has_account = response.version >= kVersionOfAccounts;
  writer.integer<kFramePrefixBytes>(kResponseFixedBytes + response.principal.size() +
                                    response.reason.size() +
                                    (has_account ? kTextFixedBytes + response.account.size() : 0));
  writer.integer<1>(response.version);
  writer.integer<1>(kKindResponse);
  writer.integer<1>(static_cast<std::uint8_t>(response.verdict));
  writer.integer<1>(0);
  writer.short_text(response.principal);
  writer.short_text(response.reason);
  if (has_account) {
    writer.short_text(response.account);
  }
  return writer.written();
}

std::optional<TokenResponse> decode_response(std::string_view payload) {
  Reader reader(payload);
  const auto version = static_cast<std::uint8_t>(reader.integer<1>());
  const auto kind = reader.integer<1>();
  const auto verdict = reader.integer<1>();
  const auto zero = reader.integer<1>();
  if (!Versions{}.fit(version) || kind != kKindResponse || zero != 0 ||
      verdict < static_cast<std::uint8_t>(Verdict::kAllow) ||
      verdict > static_cast<std::uint8_t>(Verdict::kError)) {
    return std::nullopt;
  }
  TokenResponse response;
  response.version = version;
  response.verdict = static_cast<Verdict>(verdict);
  response.principal = reader.short_text(kMaxPrincipalBytes);
  response.reason = reader.short_text(kMaxReasonBytes);
  if (version >= kVersionOfAccounts) {
    response.account = reader.short_text(kMaxAccountBytes);
  }
  if (!reader.at_end() || !is_valid(response)) {
    return std::nullopt;
  }
  return response;
}

std::size_t encode_versions_question(const Versions& versions, std::span<char> out) {
  return encode_versions(kKindVersionsQuestion, versions, out);
}

std::size_t encode_versions_answer(const Versions& versions, std::span<char> out) {
  return encode_versions(kKindVersionsAnswer, versions, out);
}

std::optional<Versions> decode_versions_question(std::string_view payload) {
  return decode_versions(kKindVersionsQuestion, payload);
}

std::optional<Versions> decode_versions_answer(std::string_view payload) {
  return decode_versions(kKindVersionsAnswer, payload);
}

bool is_of_unknown_version(std::string_view payload) {
  Reader reader(payload);
  const auto version = static_cast<std::uint8_t>(reader.integer<1>());
  const auto kind = reader.integer<1>();
  return kind == kKindRequest && version != kVersionOfVersions && !Versions{}.fit(version);
}

}  // namespace trivet::wire
