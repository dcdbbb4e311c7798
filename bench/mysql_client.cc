// SPDX-License-Identifier: Apache-2.0
#include "bench/mysql_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"

namespace trivet::bench {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxPacketBytes = 1 << 20;
constexpr int kMaxLoginPackets = 8;
constexpr std::size_t kMaxRows = 1'000;
constexpr std::size_t kScrambleBytes = 20;
constexpr std::uint8_t kUtf8mb4 = 255;
constexpr std::uint8_t kComQuit = 1;
constexpr std::uint8_t kComQuery = 3;
constexpr std::uint8_t kOkHeader = 0x00;
constexpr std::uint8_t kMoreDataHeader = 0x01;
constexpr std::uint8_t kEofHeader = 0xfe;  // also AuthSwitchRequest
constexpr std::uint8_t kErrorHeader = 0xff;
constexpr char kFullAuthentication = 4;
constexpr std::string_view kSha2 = "caching_sha2_password";
constexpr std::string_view kClear = "mysql_clear_password";

// CLIENT_LONG_PASSWORD, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH,
// PLUGIN_AUTH_LENENC_CLIENT_DATA, DEPRECATE_EOF.
constexpr std::uint32_t kCapabilities =
    0x1U | 0x200U | 0x800U | 0x2000U | 0x8000U | 0x80000U | 0x200000U | 0x1000000U;

Error gone(std::string message) {
  return make_error(Errc::kUnavailable, std::move(message));
}

Error broken(std::string message) {
  return make_error(Errc::kCorrupt, std::move(message));
}

std::uint8_t header_of(std::string_view packet) {
  return packet.empty() ? kErrorHeader : static_cast<std::uint8_t>(packet.front());
}

void append_integer(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> (8 * i) & 0xff);
  }
}

// A text of at most 64 KiB - 1 with its length before it.
void append_text(std::string& out, std::string_view text) {
  if (text.size() < 251) {
    append_integer(out, text.size(), 1);
  } else {
    out += '\xfc';
    append_integer(out, text.size(), 2);
  }
  out += text;
}

// The text at the front of `in`, taken off it; nullopt is NULL or a length that cannot be here.
std::optional<std::string_view> take_text(std::string_view& in) {
  if (in.empty()) {
    return std::nullopt;
  }
  const auto first = static_cast<std::uint8_t>(in.front());
  std::size_t size = first;
  std::size_t head = 1;
  if (first == 0xfc && in.size() >= 3) {
    size = static_cast<std::uint8_t>(in[1]) | static_cast<std::size_t>(in[2] & 0xff) << 8;
    head = 3;
  } else if (first >= 251) {
    return std::nullopt;
  }
  if (in.size() < head + size) {
    return std::nullopt;
  }
  const std::string_view text = in.substr(head, size);
  in.remove_prefix(head + size);
  return text;
}

// "1045 Access denied …" of an ERR packet.
std::string error_text(std::string_view packet) {
  if (packet.size() < 3) {
    return "an error without a number";
  }
  const int number = (packet[1] & 0xff) | (packet[2] & 0xff) << 8;
  packet.remove_prefix(packet.size() > 9 && packet[3] == '#' ? 9 : 3);
  return std::to_string(number) + " " + std::string(packet);
}

// SHA256(secret) xor SHA256(SHA256(SHA256(secret)) ‖ scramble).
std::string scrambled(std::string_view secret, std::string_view scramble) {
  const std::string once = sha256(secret);
  std::string mask = sha256(sha256(once) + std::string(scramble));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] = static_cast<char>(mask[i] ^ once[i]);
  }
  return mask;
}

// The scramble of the server's greeting.
Result<std::string> scramble_of(std::string_view greeting) {
  const std::size_t version_end = greeting.find('\0');
  constexpr std::size_t kSecondPart = 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10;  // behind the version
  if (greeting.empty() || greeting.front() != 10 || version_end == std::string_view::npos ||
      greeting.size() < version_end + 1 + kSecondPart + 12) {
    return broken("the server's greeting is not understood");
  }
  const std::string_view rest = greeting.substr(version_end + 1);
  return std::string(rest.substr(4, 8)) + std::string(rest.substr(kSecondPart, 12));
}

std::string ssl_request() {
  std::string out;
  append_integer(out, kCapabilities, 4);
  append_integer(out, kMaxPacketBytes, 4);
  append_integer(out, kUtf8mb4, 1);
  out.append(23, '\0');
  return out;
}

Result<int> open_socket(const ServerAddress& server) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  if (inet_pton(AF_INET, server.address.c_str(), &address.sin_addr) != 1) {
    return make_error(Errc::kInvalidArgument, "not an IPv4 address: " + server.address);
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return gone(errno_message("socket", errno));
  }
  const int on = 1;
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Error error = gone(errno_message("connect to " + server.address, errno));
    close(fd);
    return error;
  }
  return fd;
}

}  // namespace

// Packets over the socket, plain until start_tls().
struct MysqlClient::Wire {
  explicit Wire(int socket) : fd(socket) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    SSL_free(ssl);
    close(fd);
  }

  Status start_tls(const TlsContext& context, const std::string& address);
  Status send_packet(std::string_view payload);
  Result<std::string_view> receive_packet();  // valid until the next call
  Status fill(std::size_t wanted);
  Status log_in(const TlsContext& tls, const std::string& address, const Account& account);
  Status prove(const Account& account, std::string_view scramble);
  Status command(std::uint8_t code, std::string_view text);

  const int fd;
  SSL* ssl = nullptr;
  std::uint8_t sequence = 0;
  Asked asked = Asked::kNothingMore;
  std::array<char, 16'384> buffer;
  std::size_t begin = 0;  // of what was read and not yet taken
  std::size_t end = 0;
  std::string long_packet;  // one that does not fit into the buffer
  std::string out;
};

Status MysqlClient::Wire::start_tls(const TlsContext& context, const std::string& address) {
  ssl = SSL_new(context.get());
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 ||
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.c_str()) != 1) {
    return make_error(Errc::kInternal, "OpenSSL: no connection object");
  }
  if (SSL_connect(ssl) == 1) {
    return ok();
  }
  const long verified = SSL_get_verify_result(ssl);
  ERR_clear_error();
  return gone(verified == X509_V_OK
                  ? "the TLS handshake failed"
                  : std::string("the certificate: ") + X509_verify_cert_error_string(verified));
}

Status MysqlClient::Wire::send_packet(std::string_view payload) {
  out.clear();
  append_integer(out, payload.size(), 3);
  append_integer(out, sequence++, 1);
  out += payload;
  std::size_t sent = 0;
  while (sent < out.size()) {
    const std::size_t left = out.size() - sent;
    const ssize_t count = ssl != nullptr ? SSL_write(ssl, out.data() + sent, static_cast<int>(left))
                                         : send(fd, out.data() + sent, left, MSG_NOSIGNAL);
    if (count <= 0) {
      ERR_clear_error();
      return gone("the server left");
    }
    sent += static_cast<std::size_t>(count);
  }
  return ok();
}

// Until at least `wanted` bytes are in the buffer. Requires: wanted ≤ the buffer's size.
Status MysqlClient::Wire::fill(std::size_t wanted) {
  if (begin > 0 && begin + wanted > buffer.size()) {
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  while (end - begin < wanted) {
    const std::size_t room = buffer.size() - end;
    // What follows the greeting belongs to TLS: not a byte more than the packet.
    const std::size_t limit = ssl != nullptr ? room : wanted - (end - begin);
    const ssize_t count = ssl != nullptr
                              ? SSL_read(ssl, buffer.data() + end, static_cast<int>(limit))
                              : recv(fd, buffer.data() + end, limit, 0);
    if (count <= 0) {
      ERR_clear_error();
      return gone("the server left, or is silent");
    }
    end += static_cast<std::size_t>(count);
  }
  return ok();
}

Result<std::string_view> MysqlClient::Wire::receive_packet() {
  TRIVET_CHECK_OK(fill(4));
  const char* head = buffer.data() + begin;
  const std::size_t size = static_cast<std::size_t>(head[0] & 0xff) |
                           static_cast<std::size_t>(head[1] & 0xff) << 8 |
                           static_cast<std::size_t>(head[2] & 0xff) << 16;
  sequence = static_cast<std::uint8_t>(head[3] + 1);
  if (size > kMaxPacketBytes) {
    return broken("a packet longer than any that is expected");
  }
  begin += 4;
  if (size <= buffer.size()) {
    TRIVET_CHECK_OK(fill(size));
    begin += size;
    return std::string_view(buffer.data() + begin - size, size);
  }
  long_packet.clear();
  while (long_packet.size() < size) {
    TRIVET_CHECK_OK(fill(1));
    const std::size_t taken = std::min(size - long_packet.size(), end - begin);
    long_packet.append(buffer.data() + begin, taken);
    begin += taken;
  }
  return std::string_view(long_packet);
}

Status MysqlClient::Wire::command(std::uint8_t code, std::string_view text) {
  std::string payload(1, static_cast<char>(code));
  payload += text;
  sequence = 0;
  return send_packet(payload);
}

Status MysqlClient::Wire::log_in(const TlsContext& tls, const std::string& address,
                                 const Account& account) {
  TRIVET_TRY(const std::string_view greeting, receive_packet());
  if (header_of(greeting) == kErrorHeader) {
    return gone(error_text(greeting));
  }
  TRIVET_TRY(const std::string scramble, scramble_of(greeting));
  std::string response = ssl_request();
  TRIVET_CHECK_OK(send_packet(response));
  TRIVET_CHECK_OK(start_tls(tls, address));
  // Unless told, the common clients begin with the server's default method, whatever the account's
  // is.
  response.append(account.user).append(1, '\0');
  if (account.begins_clear) {
    append_text(response, account.secret + std::string(1, '\0'));
    response.append(kClear).append(1, '\0');
  } else {
    append_text(response, scrambled(account.secret, scramble));
    response.append(kSha2).append(1, '\0');
  }
  TRIVET_CHECK_OK(send_packet(response));
  return prove(account, scramble);
}

Status MysqlClient::Wire::prove(const Account& account, std::string_view scramble) {
  std::string fresh(scramble);
  for (int i = 0; i < kMaxLoginPackets; ++i) {
    TRIVET_TRY(const std::string_view packet, receive_packet());
    switch (header_of(packet)) {
      case kOkHeader:
        return ok();
      case kErrorHeader:
        return make_error(Errc::kDenied, error_text(packet));
      case kMoreDataHeader:
        if (packet.size() == 2 && packet[1] == kFullAuthentication) {
          asked = Asked::kFullPassword;
          TRIVET_CHECK_OK(send_packet(account.secret + std::string(1, '\0')));
        }
        break;
      case kEofHeader: {
        const std::string_view method = packet.substr(1, packet.find('\0', 1) - 1);
        if (method == kClear) {
          asked = Asked::kClearText;
          TRIVET_CHECK_OK(send_packet(account.secret + std::string(1, '\0')));
        } else if (method == kSha2 && packet.size() >= method.size() + 2 + kScrambleBytes) {
          fresh = packet.substr(method.size() + 2, kScrambleBytes);
          TRIVET_CHECK_OK(send_packet(scrambled(account.secret, fresh)));
        } else {
          return make_error(Errc::kDenied, "asked for " + std::string(method));
        }
        break;
      }
      default:
        return broken("an unknown packet during login");
    }
  }
  return broken("a login without an end");
}

Result<TlsContext> TlsContext::create(const std::string& ca_file) {
  TlsContext out;
  out.context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX* const context = out.context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) {
    return make_error(Errc::kInternal, "OpenSSL: no context");
  }
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return make_error(Errc::kInvalidArgument, "no certificates in " + ca_file);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return out;
}

MysqlClient::MysqlClient(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}
MysqlClient::MysqlClient(MysqlClient&&) noexcept = default;
MysqlClient& MysqlClient::operator=(MysqlClient&&) noexcept = default;
MysqlClient::~MysqlClient() = default;

Result<MysqlClient> MysqlClient::connect(const TlsContext& tls, const ServerAddress& server,
                                         const Account& account) {
  TRIVET_TRY(const int fd, open_socket(server));
  auto wire = std::make_unique<Wire>(fd);
  TRIVET_CHECK_OK(wire->log_in(tls, server.address, account));
  return MysqlClient(std::move(wire));
}

MysqlClient::Asked MysqlClient::asked() const {
  return wire_->asked;
}

Status MysqlClient::execute(std::string_view statement) {
  TRIVET_CHECK_OK(wire_->command(kComQuery, statement));
  TRIVET_TRY(const std::string_view packet, wire_->receive_packet());
  switch (header_of(packet)) {
    case kOkHeader:
      return ok();
    case kErrorHeader:
      return make_error(Errc::kConflict, error_text(packet));
    default:
      return broken("the statement has rows");
  }
}

Result<std::optional<std::string>> MysqlClient::value_of(std::string_view query) {
  TRIVET_CHECK_OK(wire_->command(kComQuery, query));
  TRIVET_TRY(std::string_view packet, wire_->receive_packet());
  if (header_of(packet) == kErrorHeader) {
    return make_error(Errc::kConflict, error_text(packet));
  }
  const std::size_t columns = header_of(packet);
  for (std::size_t i = 0; i < columns; ++i) {
    TRIVET_CHECK_OK(wire_->receive_packet());
  }
  std::optional<std::string> value;
  for (std::size_t row = 0; row < kMaxRows; ++row) {
    TRIVET_TRY(packet, wire_->receive_packet());
    if (header_of(packet) == kErrorHeader) {
      return make_error(Errc::kConflict, error_text(packet));
    }
    if (header_of(packet) == kEofHeader) {
      return value;
    }
    value = take_text(packet);
  }
  return broken("more rows than are expected");
}

void MysqlClient::quit() {
  if (wire_->command(kComQuit, {})) {
    SSL_shutdown(wire_->ssl);
    ERR_clear_error();
  }
}

}  // namespace trivet::bench
