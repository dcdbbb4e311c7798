// SPDX-License-Identifier: Apache-2.0
#include "service/sts_token.h"

#include <utility>

#include "base/bytes.h"

namespace trivet::service {
namespace {

constexpr std::string_view kContext = "sts-session-token";
constexpr std::uint8_t kVersion = 1;
enum class DataForm : std::uint8_t { kNone = 0, kInline = 1, kHash = 2 };

void put_u8(std::string& out, std::uint8_t value) {
  out += static_cast<char>(value);
}

void put_i64(std::string& out, std::int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
  }
}

// Two bytes of length, then the text.
void put_text(std::string& out, std::string_view text) {
  out += static_cast<char>(text.size() >> 8 & 0xff);
  out += static_cast<char>(text.size() & 0xff);
  out += text;
}

// Reads what the put_ functions wrote; `failed` once anything was missing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint8_t u8() {
    const std::string_view byte = take(1);
    return byte.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(byte[0]);
  }
  std::int64_t i64() {
    std::uint64_t value = 0;
    for (const char c : take(8)) {
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return static_cast<std::int64_t>(value);
  }
  std::string text() {
    const std::size_t high = u8();
    const std::size_t low = u8();
    return std::string(take(high << 8 | low));
  }
  bool ended_well() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    if (failed_ || rest_.size() < count) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view rest_;
  bool failed_ = false;
};

Error refuse() {
  return make_error(Errc::kDenied, "the session token was not made by this installation");
}

// Secrets of sessions are base64 of 30 bytes; the bytes travel.
SecretString secret_bytes(const SecretString& secret) {
  return SecretString(from_base64(secret.reveal()).value_or(""));
}

bool is_kind(std::uint8_t kind) {
  return kind >= 1 && kind <= 5;
}

}  // namespace

std::optional<std::string> seal_session_token(const SessionClaims& claims, const Sealer& sealer) {
  std::string plain;
  plain.reserve(2 * kSessionTokenMax);  // grown, it would leave copies behind
  put_u8(plain, kVersion);
  put_u8(plain, static_cast<std::uint8_t>(claims.kind));
  put_text(plain, claims.access_key_id.str());
  put_text(plain, secret_bytes(claims.secret).reveal());
  put_text(plain, claims.principal_id);
  put_text(plain, claims.session_name);
  put_text(plain, claims.source_identity);
  put_i64(plain, to_ms(claims.issued));
  put_i64(plain, to_ms(claims.expires));
  if (!claims.data_hash.empty()) {
    put_u8(plain, static_cast<std::uint8_t>(DataForm::kHash));
    put_text(plain, from_hex(claims.data_hash).value_or(""));
  } else if (!claims.data.empty()) {
    put_u8(plain, static_cast<std::uint8_t>(DataForm::kInline));
    const std::string data = encode(claims.data);
    if (data.size() > kSessionTokenMax) {
      return std::nullopt;
    }
    put_text(plain, data);
  } else {
    put_u8(plain, static_cast<std::uint8_t>(DataForm::kNone));
  }
  const SecretString wiped(std::move(plain));
  std::string token = to_base64(sealer.seal(kContext, wiped));
  if (token.size() > kSessionTokenMax) {
    return std::nullopt;
  }
  return token;
}

Result<SessionClaims> open_session_token(std::string_view token, const Sealer& sealer) {
  if (token.size() > kSessionTokenMax) {
    return refuse();
  }
  const auto sealed = from_base64(token);
  if (!sealed) {
    return refuse();
  }
  const auto plain = sealer.open(kContext, *sealed);
  if (!plain) {
    return refuse();
  }
  Reader reader(plain->reveal());
  const std::uint8_t version = reader.u8();
  const std::uint8_t kind = reader.u8();
  if (version != kVersion || !is_kind(kind)) {
    return refuse();
  }
  SessionClaims claims;
  claims.kind = static_cast<SessionClaims::Kind>(kind);
  claims.access_key_id = AccessKeyId(reader.text());
  const SecretString bytes(reader.text());
  claims.secret = SecretString(to_base64(bytes.reveal()));
  claims.principal_id = reader.text();
  claims.session_name = reader.text();
  claims.source_identity = reader.text();
  claims.issued = wall_time_from_ms(reader.i64());
  claims.expires = wall_time_from_ms(reader.i64());
  const auto form = static_cast<DataForm>(reader.u8());
  if (form == DataForm::kInline) {
    auto data = decode_session_data(reader.text());
    if (!data) {
      return refuse();
    }
    claims.data = std::move(*data);
  } else if (form == DataForm::kHash) {
    claims.data_hash = to_hex(reader.text());
  }
  if (!reader.ended_well()) {
    return refuse();
  }
  return claims;
}

}  // namespace trivet::service
