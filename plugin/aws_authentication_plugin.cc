// SPDX-License-Identifier: GPL-2.0-only
//
// AWSAuthenticationPlugin: logs a MySQL user in with an IAM token instead of a password. The plugin
// decides nothing: it hands the token, the user and what is known of the connection to Trivet's
// daemon over a unix socket and does what the daemon says. No daemon, no login. Held throughout:
// the token is asked for over a safe transport only, it is in no log and in no buffer of ours, and
// a login waits at most 3 seconds for the daemon.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <string_view>

#include "core/wire/token_frame.h"
#include "counters.h"
#include "daemon_exchange.h"
#include "mysql_plugin_abi.h"
#include "session_tls.h"

namespace {

using mysql_abi::ServerAuthInfo;
using mysql_abi::Vio;
using mysql_abi::VioInfo;
using trivet::wire::TokenRequest;
using trivet::wire::TokenResponse;
using trivet::wire::Transport;
using trivet::wire::Verdict;
using trivet_plugin::Exchange;
using trivet_plugin::Outcome;
using trivet_plugin::Refusal;

constexpr char kSocketVariable[] = "TRIVET_AUTH_SOCKET";
constexpr std::string_view kAuthenticationString = "RDS";
constexpr std::size_t kLogLineBytes = 512;

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

// A refusal that the client is at fault for; the other way round for our side.
int refuse_credentials(Refusal refusal) {
  trivet_plugin::count_failure(refusal);
  return mysql_abi::kCrAuthUserCredentials;
}

int fail(Refusal refusal) {
  trivet_plugin::count_failure(refusal);
  return mysql_abi::kCrAuthPluginError;
}

Refusal refusal_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered:
      return Refusal::kDaemonError;
    case Outcome::kTryAgain:
      return Refusal::kDaemonAbsent;
    case Outcome::kTimeout:
      return Refusal::kDaemonSilent;
    case Outcome::kClientGone:
      return Refusal::kClientGone;
    case Outcome::kOtherProtocol:
      return Refusal::kOtherProtocol;
    case Outcome::kStranger:
      return Refusal::kStranger;
    case Outcome::kNonsense:
      return Refusal::kDaemonNotUnderstood;
    case Outcome::kLocalFault:
      return Refusal::kLocalFault;
  }
  return Refusal::kLocalFault;
}

// What an administrator must know when plugin and daemon do not fit.
void log_other_protocol(const trivet::wire::Versions& theirs, std::string_view user = {}) {
  char text[kLogLineBytes];
  const bool is_daemon_newer = theirs.lowest > trivet::wire::kTokenProtocolVersion;
  std::snprintf(text, sizeof text, "the Trivet daemon speaks protocol %d to %d, this plugin %d: %s",
                theirs.lowest, theirs.highest, trivet::wire::kTokenProtocolVersion,
                is_daemon_newer ? "restart mysqld, which then loads the daemon's plugin"
                                : "upgrade the daemon");
  log_line("ERROR", text, user);
}

// The login once the token is there. Returns one of MySQL's codes.
int decide(const TokenRequest& request, const THD* thd, int client, ServerAuthInfo* info) {
  if (!trivet_plugin::has_daemon_address()) {
    log_line("ERROR", "TRIVET_AUTH_SOCKET is not set in mysqld's environment, or too long",
             request.user);
    return fail(Refusal::kNotConfigured);
  }
  Exchange exchange(thd, client);
  TokenResponse response;
  const Outcome outcome = exchange.run(request, response);
  if (outcome == Outcome::kOtherProtocol) {
    log_other_protocol(exchange.versions(), request.user);
    return fail(Refusal::kOtherProtocol);
  }
  if (outcome != Outcome::kAnswered || response.verdict == Verdict::kError) {
    if (outcome != Outcome::kClientGone) {
      log_line("ERROR", trivet_plugin::describe(outcome), request.user);
    }
    return fail(refusal_of(outcome));
  }
  if (response.verdict != Verdict::kAllow) {
    trivet_plugin::count_denial(response.reason);
    return mysql_abi::kCrAuthUserCredentials;  // the daemon has logged why
  }
  trivet_plugin::count_success();
  copy_text(info->external_user, response.principal);
  // Another account than the login's: the server lets it through where PROXY was granted.
  copy_text(info->authenticated_as, response.account.empty() ? request.user : response.account);
  return mysql_abi::kCrOk;
}

bool is_a_user(std::string_view name) {
  return !name.empty() && name.size() <= mysql_abi::kUserNameBytes;
}

// All but the token. `peer` is where the client's address will be.
TokenRequest request_of(const VioInfo& connection, const THD* thd, const ServerAuthInfo& info,
                        std::span<char> peer) {
  TokenRequest request;
  const bool is_local = connection.protocol == VioInfo::kSocket;
  request.transport = is_local ? Transport::kUnixSocket : Transport::kTcp;
  request.is_tls = connection.is_tls_established;
  if (connection.is_tls_established) {
    const trivet_plugin::TlsNames names = trivet_plugin::tls_names_of(connection.socket);
    request.tls_version = names.version;
    request.tls_cipher = names.cipher;
  }
  if (thd != nullptr && thd_get_thread_id != nullptr) {
    request.connection_id = thd_get_thread_id(thd);
  }
  if (info.user_name != nullptr) {
    request.user = {info.user_name, info.user_name_length};
  }
  if (info.host_or_ip != nullptr && info.host_or_ip_length <= trivet::wire::kMaxHostBytes) {
    request.host = {info.host_or_ip, info.host_or_ip_length};
  }
  name_peer(connection.socket, peer, request);
  return request;
}

// Of a login that is refused whatever the daemon says: the client is not kept waiting for it.
void have_it_recorded(const TokenRequest& request, const THD* thd, int client) {
  constexpr std::int64_t kRecordPatienceMs = 300;
  if (is_a_user(request.user) && trivet_plugin::has_daemon_address()) {
    Exchange exchange(thd, client, kRecordPatienceMs);
    TokenResponse response;
    exchange.run(request, response);
  }
}

int authenticate_user(Vio* vio, ServerAuthInfo* info) {
  trivet_plugin::count_request();
  info->password_used = mysql_abi::kPasswordUsedNo;
  VioInfo connection{};
  vio->info(vio, &connection);
  const bool is_local = connection.protocol == VioInfo::kSocket;
  const THD* const thd = thd_get_current_thd != nullptr ? thd_get_current_thd() : nullptr;
  char peer[INET6_ADDRSTRLEN];
  TokenRequest request = request_of(connection, thd, *info, peer);
  if (!connection.is_tls_established && !is_local) {
    // Many clients would send the token in the clear when asked, so they are not asked.
    set_client_error(mysql_abi::kErSecureTransportRequired,
                     "IAM authentication is allowed only with SSL connections.");
    have_it_recorded(request, thd, connection.socket);
    return refuse_credentials(Refusal::kNoTls);
  }

  unsigned char* packet = nullptr;
  const int length = vio->read_packet(vio, &packet);
  if (length < 0 || packet == nullptr) {
    // The client left or cannot do mysql_clear_password.
    return refuse_credentials(Refusal::kClientGone);
  }
  const auto packet_size = static_cast<std::size_t>(length);
  std::string_view token(reinterpret_cast<const char*>(packet), packet_size);
  if (!token.empty() && token.back() == '\0') {
    token.remove_suffix(1);
  }

  request.token = token;

  int result = mysql_abi::kCrAuthUserCredentials;
  if (!token.empty()) {
    info->password_used = mysql_abi::kPasswordUsedYes;
  }
  if (token.size() > trivet::wire::kMaxTokenBytes) {
    log_line("Warning", "the client sent more than a token can be", request.user);
    result = refuse_credentials(Refusal::kTokenTooLong);
  } else if (is_a_user(request.user)) {
    result = decide(request, thd, connection.socket, info);
  } else {
    result = refuse_credentials(Refusal::kLocalFault);  // no such account can be in mysql.user
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

// Loading goes on whatever is found: the accounts stay visible, and each login says what is wrong.
void check_protocol() {
  trivet::wire::Versions theirs;
  const Outcome outcome = trivet_plugin::ask_versions(theirs);
  if (outcome == Outcome::kOtherProtocol) {
    log_other_protocol(theirs);
  } else if (outcome != Outcome::kAnswered) {
    // A daemon that comes later is understood or not by the first login.
    log_line("Warning", trivet_plugin::describe(outcome));
  }
}

int init(void*) {
  trivet_plugin::watch_tls();
  const char* const path = std::getenv(kSocketVariable);
  if (path == nullptr || path[0] == '\0') {
    log_line(
        "Warning",
        "TRIVET_AUTH_SOCKET is not set in mysqld's environment; no login with a token will work");
    return 0;
  }
  if (!trivet_plugin::set_daemon_address(path)) {
    log_line("Warning",
             "TRIVET_AUTH_SOCKET is longer than 107 bytes; no login with a token will work");
    return 0;
  }
  check_protocol();
  return 0;
}

int deinit(void*) {
  trivet_plugin::close_kept_connections();
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
     .deinit = deinit,
     .version = 0x0100,
     .status_vars = trivet_plugin::status_variables(),
     .system_vars = nullptr,
     .reserved = nullptr,
     .flags = 0},
    {},
};
