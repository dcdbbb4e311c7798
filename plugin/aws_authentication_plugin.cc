// SPDX-License-Identifier: GPL-2.0-only
//
// AWSAuthenticationPlugin: logs a MySQL user in with an IAM token instead of a password. The plugin
// decides nothing: it hands the token, the user and what is known of the connection to Trivet's
// daemon over a unix socket and does what the daemon says. No daemon, no login. Held throughout:
// the token is asked for over a safe transport only, it is in no log and in no buffer of ours, and
// a login waits at most kPatience for the daemon.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <string_view>

#include "core/wire/token_frame.h"
#include "mysql_plugin_abi.h"

namespace {

using mysql_abi::ServerAuthInfo;
using mysql_abi::Vio;
using mysql_abi::VioInfo;
using trivet::wire::TokenRequest;
using trivet::wire::TokenResponse;
using trivet::wire::Transport;
using trivet::wire::Verdict;

constexpr char kSocketVariable[] = "TRIVET_AUTH_SOCKET";
constexpr std::string_view kAuthenticationString = "RDS";
constexpr std::int64_t kPatienceMs = 3000;  // for everything a login needs of the daemon
constexpr std::int64_t kRetryPauseMs = 50;  // a daemon that starts is back within a few of these
constexpr std::int64_t kKillCheckMs = 100;  // how often a waiting login looks whether it was killed
constexpr std::size_t kLogLineBytes = 512;

// Written once by init(), before the first login.
sockaddr_un daemon_address{};
bool has_daemon_address = false;

// The error log. mysqld's standard error is its error log.

// Control characters and quotes of a user name must not forge a line.
void append_name(std::span<char> out, std::size_t& used, std::string_view name) {
  for (const char c : name) {
    if (used + 1 >= out.size()) {
      return;
    }
    const auto byte = static_cast<unsigned char>(c);
    out[used++] = byte < 0x20 || byte == 0x7F || c == '\'' || c == '\\' ? '?' : c;
  }
}

void append_text(std::span<char> out, std::size_t& used, std::string_view text) {
  for (const char c : text) {
    if (used + 1 >= out.size()) {
      return;
    }
    out[used++] = c;
  }
}

// One line, written with one call so that lines of two logins do not mix. Never given a token.
void log_line(const char* severity, std::string_view text, std::string_view user = {}) {
  char line[kLogLineBytes];
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  const int head = std::snprintf(
      line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ 0 [%s] [AWSAuthenticationPlugin] ",
      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
      now.tv_nsec / 1000, severity);
  if (head < 0 || static_cast<std::size_t>(head) >= sizeof line) {
    return;
  }
  auto used = static_cast<std::size_t>(head);
  if (!user.empty()) {
    append_text(line, used, "login of user '");
    append_name(line, used, user);
    append_text(line, used, "' failed: ");
  }
  append_text(line, used, text);
  line[used++] = '\n';
  if (write(STDERR_FILENO, line, used) < 0) {
    return;  // nowhere left to say so
  }
}

// Gives the client this error in place of the server's general one, where the server offers the
// way.
void set_client_error(unsigned code, const char* message) {
  if (my_printf_error != nullptr) {
    my_printf_error(code, "%s", 0, message);
  }
}

// The exchange with the daemon.

std::int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Closes its descriptor at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

enum class Outcome {
  kAnswered,
  kTryAgain,    // the daemon is not there, or went away before it answered
  kTimeout,     // it is there and did not answer in time
  kClientGone,  // the client left, or the connection is killed
  kStranger,    // another user's process holds the socket
  kNonsense,    // bytes that are no response
  kLocalFault,  // no permission, no descriptors
};

// One login's exchange. Lives on the stack of the login's thread.
class Exchange {
 public:
  // `thd` may be null.
  Exchange(const THD* thd, int client)
      : thd_(thd), client_(client), deadline_(monotonic_ms() + kPatienceMs) {}

  // Asks until there is an answer or the time is over. On kAnswered `response` points into this
  // object.
  Outcome run(const TokenRequest& request, TokenResponse& response) {
    for (;;) {
      const Outcome outcome = attempt(request, response);
      if (outcome != Outcome::kTryAgain) {
        return outcome;
      }
      const std::int64_t left = deadline_ - monotonic_ms();
      if (left <= 0) {
        return Outcome::kTryAgain;
      }
      if (wait(-1, 0, left < kRetryPauseMs ? left : kRetryPauseMs) == Outcome::kClientGone) {
        return Outcome::kClientGone;
      }
    }
  }

 private:
  Outcome attempt(const TokenRequest& request, TokenResponse& response) {
    const Descriptor daemon(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (daemon.get() < 0) {
      return Outcome::kLocalFault;
    }
    // A unix socket connects at once or not at all; EAGAIN is a full queue of waiting connections.
    if (connect(daemon.get(), reinterpret_cast<const sockaddr*>(&daemon_address),
                sizeof daemon_address) != 0) {
      const bool may_come =
          errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN || errno == EINTR;
      return may_come ? Outcome::kTryAgain : Outcome::kLocalFault;
    }
    if (!is_trusted(daemon.get())) {
      return Outcome::kStranger;
    }
    const Outcome sent = send_request(daemon.get(), request);
    return sent == Outcome::kAnswered ? receive_response(daemon.get(), response) : sent;
  }

  // Only root and mysqld's own user may see tokens and open accounts.
  static bool is_trusted(int daemon) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return getsockopt(daemon, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
  }

  Outcome send_request(int daemon, const TokenRequest& request) {
    char head[trivet::wire::kMaxRequestHeadBytes];
    const std::size_t head_size = trivet::wire::encode_request_head(request, head);
    if (head_size == 0) {
      return Outcome::kLocalFault;
    }
    const std::size_t total = head_size + request.token.size();
    std::size_t sent = 0;
    while (sent < total) {
      iovec parts[2];
      msghdr message{};
      message.msg_iov = parts;
      if (sent < head_size) {
        parts[message.msg_iovlen++] = {head + sent, head_size - sent};
      }
      const std::size_t token_sent = sent > head_size ? sent - head_size : 0;
      parts[message.msg_iovlen++] = {const_cast<char*>(request.token.data()) + token_sent,
                                     request.token.size() - token_sent};
      const ssize_t count = sendmsg(daemon, &message, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
      } else if (const Outcome next = after_failure(daemon, POLLOUT); next != Outcome::kAnswered) {
        return next;
      }
    }
    return Outcome::kAnswered;
  }

  Outcome receive_response(int daemon, TokenResponse& response) {
    using trivet::wire::kFramePrefixBytes;
    std::size_t got = 0;
    std::size_t wanted = kFramePrefixBytes;
    bool has_size = false;
    while (got < wanted) {
      const ssize_t count = recv(daemon, answer_ + got, wanted - got, 0);
      if (count == 0) {
        return Outcome::kTryAgain;
      }
      if (count < 0) {
        if (const Outcome next = after_failure(daemon, POLLIN); next != Outcome::kAnswered) {
          return next;
        }
        continue;
      }
      got += static_cast<std::size_t>(count);
      if (!has_size && got == kFramePrefixBytes) {
        const auto size =
            trivet::wire::decode_frame_size({answer_, got}, sizeof answer_ - kFramePrefixBytes);
        if (!size.has_value()) {
          return Outcome::kNonsense;
        }
        wanted += *size;
        has_size = true;
      }
    }
    const auto decoded =
        trivet::wire::decode_response({answer_ + kFramePrefixBytes, got - kFramePrefixBytes});
    if (!decoded.has_value()) {
      return Outcome::kNonsense;
    }
    response = *decoded;
    return Outcome::kAnswered;
  }

  // After a call that moved nothing: waits where that helps. kAnswered means "go on".
  Outcome after_failure(int daemon, short events) {
    if (errno == EINTR) {
      return deadline_ > monotonic_ms() ? Outcome::kAnswered : Outcome::kTimeout;
    }
    if (errno == EPIPE || errno == ECONNRESET) {
      return Outcome::kTryAgain;
    }
    if (errno != EAGAIN) {
      return Outcome::kLocalFault;
    }
    return wait(daemon, events, deadline_ - monotonic_ms());
  }

  // Waits for events of `daemon` (-1: for the time only). kAnswered: look again. A client that
  // hangs up and a connection that is killed end the wait, so mysqld gets its threads back at once
  // when it shuts down.
  Outcome wait(int daemon, short events, std::int64_t milliseconds) {
    const std::int64_t until = monotonic_ms() + milliseconds;
    for (std::int64_t left = milliseconds; left > 0; left = until - monotonic_ms()) {
      pollfd watched[2] = {{.fd = daemon, .events = events, .revents = 0},
                           {.fd = client_, .events = POLLRDHUP, .revents = 0}};
      const int ready =
          poll(watched, 2, static_cast<int>(left < kKillCheckMs ? left : kKillCheckMs));
      if (ready < 0 && errno != EINTR) {
        return Outcome::kLocalFault;
      }
      if (is_killed() || (ready > 0 && watched[1].revents != 0)) {
        return Outcome::kClientGone;
      }
      if (ready > 0) {
        return Outcome::kAnswered;
      }
    }
    return daemon >= 0 ? Outcome::kTimeout : Outcome::kAnswered;
  }

  bool is_killed() const {
    return thd_ != nullptr && thd_killed != nullptr && thd_killed(thd_) != 0;
  }

  const THD* const thd_;
  const int client_;
  const std::int64_t deadline_;
  char answer_[trivet::wire::kMaxResponseFrameBytes];
};

const char* describe(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered:
      return "the daemon reports an internal error";
    case Outcome::kTryAgain:
      return "the Trivet daemon is not there (nothing answers at TRIVET_AUTH_SOCKET)";
    case Outcome::kTimeout:
      return "the Trivet daemon did not answer within 3 seconds";
    case Outcome::kClientGone:
      return "the client left";
    case Outcome::kStranger:
      return "TRIVET_AUTH_SOCKET is held by a process of another user";
    case Outcome::kNonsense:
      return "the answer at TRIVET_AUTH_SOCKET is not understood; is it another version's?";
    case Outcome::kLocalFault:
      return "TRIVET_AUTH_SOCKET cannot be used (permissions, or no file descriptors left)";
  }
  return "?";
}

// What the server calls.

// The address of the other end of mysqld's connection; behind a router, the router's.
void name_peer(int client, std::span<char> text, TokenRequest& request) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(client, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return;
  }
  int family = address.ss_family;
  const void* bytes = nullptr;
  if (family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    bytes = &v4->sin_addr;
    request.peer_port = ntohs(v4->sin_port);
  } else if (family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    bytes = &v6->sin6_addr;
    request.peer_port = ntohs(v6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {  // mysqld listens on both with one IPv6 socket
      family = AF_INET;
      bytes = &v6->sin6_addr.s6_addr[12];
    }
  }
  if (bytes != nullptr &&
      inet_ntop(family, bytes, text.data(), static_cast<socklen_t>(text.size())) != nullptr) {
    request.peer_address = text.data();
  }
}

void copy_text(std::span<char> out, std::string_view text) {
  const std::size_t count = text.size() < out.size() ? text.size() : out.size() - 1;
  std::memcpy(out.data(), text.data(), count);
  out[count] = '\0';
}

// The login once the token is there. Returns one of MySQL's codes.
int decide(const TokenRequest& request, const THD* thd, int client, ServerAuthInfo* info) {
  if (!has_daemon_address) {
    log_line("ERROR", "TRIVET_AUTH_SOCKET is not set in mysqld's environment, or too long",
             request.user);
    return mysql_abi::kCrAuthPluginError;
  }
  Exchange exchange(thd, client);
  TokenResponse response;
  const Outcome outcome = exchange.run(request, response);
  if (outcome == Outcome::kClientGone) {
    return mysql_abi::kCrAuthPluginError;
  }
  if (outcome != Outcome::kAnswered || response.verdict == Verdict::kError) {
    log_line("ERROR", describe(outcome), request.user);
    return mysql_abi::kCrAuthPluginError;
  }
  if (response.verdict != Verdict::kAllow) {
    return mysql_abi::kCrAuthUserCredentials;  // the daemon has logged why
  }
  copy_text(info->external_user, response.principal);
  copy_text(info->authenticated_as, request.user);
  return mysql_abi::kCrOk;
}

int authenticate_user(Vio* vio, ServerAuthInfo* info) {
  info->password_used = mysql_abi::kPasswordUsedNo;
  VioInfo connection{};
  vio->info(vio, &connection);
  const bool is_local = connection.protocol == VioInfo::kSocket;
  if (!connection.is_tls_established && !is_local) {
    // Many clients would send the token in the clear when asked, so they are not asked.
    set_client_error(mysql_abi::kErSecureTransportRequired,
                     "IAM authentication is allowed only with SSL connections.");
    return mysql_abi::kCrAuthUserCredentials;
  }

  unsigned char* packet = nullptr;
  const int length = vio->read_packet(vio, &packet);
  if (length < 0 || packet == nullptr) {
    return mysql_abi::kCrAuthUserCredentials;  // the client left or cannot do mysql_clear_password
  }
  const auto packet_size = static_cast<std::size_t>(length);
  std::string_view token(reinterpret_cast<const char*>(packet), packet_size);
  if (!token.empty() && token.back() == '\0') {
    token.remove_suffix(1);
  }

  TokenRequest request;
  request.transport = is_local ? Transport::kUnixSocket : Transport::kTcp;
  request.is_tls = connection.is_tls_established;
  const THD* const thd = thd_get_current_thd != nullptr ? thd_get_current_thd() : nullptr;
  if (thd != nullptr && thd_get_thread_id != nullptr) {
    request.connection_id = thd_get_thread_id(thd);
  }
  if (info->user_name != nullptr) {
    request.user = {info->user_name, info->user_name_length};
  }
  if (info->host_or_ip != nullptr && info->host_or_ip_length <= trivet::wire::kMaxHostBytes) {
    request.host = {info->host_or_ip, info->host_or_ip_length};
  }
  request.token = token;
  char peer[INET6_ADDRSTRLEN];
  name_peer(connection.socket, peer, request);

  int result = mysql_abi::kCrAuthUserCredentials;
  if (!token.empty()) {
    info->password_used = mysql_abi::kPasswordUsedYes;
  }
  if (token.empty()) {
    log_line("Warning", "the client sent no token", request.user);
  } else if (token.size() > trivet::wire::kMaxTokenBytes) {
    log_line("Warning", "the client sent more than a token can be", request.user);
  } else if (!request.user.empty() && request.user.size() <= mysql_abi::kUserNameBytes) {
    result = decide(request, thd, connection.socket, info);
  }
  explicit_bzero(packet, packet_size);
  return result;
}

bool is_rds(const char* text, unsigned int size) {
  if (text != nullptr && std::string_view(text, size) == kAuthenticationString) {
    return true;
  }
  set_client_error(mysql_abi::kErPasswordFormat,
                   "AWSAuthenticationPlugin takes no password: write IDENTIFIED WITH "
                   "AWSAuthenticationPlugin AS 'RDS'");
  return false;
}

int generate_authentication_string(char* out, unsigned int* out_size, const char* in,
                                   unsigned int in_size) {
  if (!is_rds(in, in_size) || *out_size < kAuthenticationString.size()) {
    return 1;
  }
  std::memcpy(out, kAuthenticationString.data(), kAuthenticationString.size());
  *out_size = static_cast<unsigned int>(kAuthenticationString.size());
  return 0;
}

int validate_authentication_string(char* text, unsigned int size) {
  return is_rds(text, size) ? 0 : 1;
}

int set_salt(const char*, unsigned int, unsigned char*, unsigned char* salt_size) {
  *salt_size = 0;
  return 0;
}

// Loading goes on without an address: the accounts stay visible, and each login says what is
// missing.
int init(void*) {
  const char* const path = std::getenv(kSocketVariable);
  if (path == nullptr || path[0] == '\0') {
    log_line(
        "Warning",
        "TRIVET_AUTH_SOCKET is not set in mysqld's environment; no login with a token will work");
    return 0;
  }
  const std::string_view text(path);
  if (text.size() >= sizeof daemon_address.sun_path) {
    log_line("Warning",
             "TRIVET_AUTH_SOCKET is longer than 107 bytes; no login with a token will work");
    return 0;
  }
  daemon_address.sun_family = AF_UNIX;
  std::memcpy(daemon_address.sun_path, text.data(), text.size());
  has_daemon_address = true;
  return 0;
}

mysql_abi::AuthDescriptor auth_descriptor = {
    .interface_version = mysql_abi::kAuthenticationInterfaceVersion,
    .client_auth_plugin = "mysql_clear_password",
    .authenticate_user = authenticate_user,
    .generate_authentication_string = generate_authentication_string,
    .validate_authentication_string = validate_authentication_string,
    .set_salt = set_salt,
    .authentication_flags = 0,
    .compare_password_with_hash = nullptr,
};

}  // namespace

// The three symbols mysqld looks for in a plugin's file.
#define PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

PLUGIN_EXPORT int _mysql_plugin_interface_version_;
PLUGIN_EXPORT int _mysql_sizeof_struct_st_plugin_;
PLUGIN_EXPORT mysql_abi::PluginDescriptor _mysql_plugin_declarations_[];

int _mysql_plugin_interface_version_ = mysql_abi::kPluginInterfaceVersion;
int _mysql_sizeof_struct_st_plugin_ = sizeof(mysql_abi::PluginDescriptor);
mysql_abi::PluginDescriptor _mysql_plugin_declarations_[] = {
    {.type = mysql_abi::kAuthenticationPluginType,
     .info = &auth_descriptor,
     .name = "AWSAuthenticationPlugin",
     .author = "Trivet",
     .descr = "IAM database authentication",
     .license = mysql_abi::kLicenseGpl,
     .init = init,
     .check_uninstall = nullptr,
     .deinit = nullptr,
     .version = 0x0100,
     .status_vars = nullptr,
     .system_vars = nullptr,
     .reserved = nullptr,
     .flags = 0},
    {},
};
