// SPDX-License-Identifier: Apache-2.0
#include "net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace trivet::net {
namespace {

// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;

// An address in the form the kernel takes.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> to_socket_address(const HostPort& name) {
  SocketAddress out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, name.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(name.port);
    out.size = sizeof(sockaddr_in);
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET6, name.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(name.port);
    out.size = sizeof(sockaddr_in6);
    return out;
  }
  return make_error(Errc::kInvalidArgument, "'" + name.host + "' is not a numeric IP address");
}

Result<HostPort> from_socket_address(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  HostPort out;
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    out.port = ntohs(v4->sin_port);
  } else if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    out.port = ntohs(v6->sin6_port);
  } else {
    return make_error(Errc::kInvalidArgument, "not an IP socket");
  }
  out.host = text;
  return out;
}

void set_int_option(int fd, int level, int name, int value) {
  // Best effort: these only tune a socket that works without them.
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

Error errno_error(const std::string& what, int number) {
  const Errc code = number == EACCES || number == EPERM ? Errc::kDenied : Errc::kUnavailable;
  return make_error(code, errno_message(what, number));
}

Result<sockaddr_un> to_unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return make_error(Errc::kInvalidArgument,
                      "the path of a unix socket has 1 to 107 bytes: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes a socket file that nobody listens on.
Status remove_stale_socket(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? ok() : errno_error("look at " + path, errno);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return make_error(Errc::kAlreadyExists, path + " exists and is not a socket");
  }
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) {
    return errno_error("make a unix socket", errno);
  }
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN) {
    return make_error(Errc::kAlreadyExists, "another process listens on " + path);
  }
  if (errno != ECONNREFUSED) {
    return errno_error("probe " + path, errno);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return errno_error("remove the stale socket " + path, errno);
  }
  return ok();
}

}  // namespace

std::string to_string(const HostPort& name) {
  const std::string port = std::to_string(name.port);
  return name.host.find(':') == std::string::npos ? name.host + ":" + port
                                                  : "[" + name.host + "]:" + port;
}

Result<Fd> listen_tcp(const HostPort& at) {
  TRIVET_TRY(const auto address, to_socket_address(at));
  const std::string what = "listen on " + to_string(at);
  Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return errno_error(what, errno);
  }
  // A restarted daemon takes its address back while old connections are in TIME_WAIT.
  set_int_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(fd.get(), address.get(), address.size) != 0 || listen(fd.get(), kBacklog) != 0) {
    return errno_error(what, errno);
  }
  return fd;
}

Result<Fd> listen_unix(const std::string& path, const UnixListenOptions& options) {
  TRIVET_TRY(const auto address, to_unix_address(path));
  TRIVET_CHECK_OK(remove_stale_socket(path, address));
  const std::string what = "listen on " + path;
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The file takes its first mode from the socket's: closed to others until owner and mode are
  // right.
  if (!fd || fchmod(fd.get(), 0600) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno_error(what, errno);
  }
  const bool has_owner = options.uid.has_value() || options.gid.has_value();
  if ((has_owner && chown(path.c_str(), options.uid.value_or(static_cast<uid_t>(-1)),
                          options.gid.value_or(static_cast<gid_t>(-1))) != 0) ||
      chmod(path.c_str(), options.mode) != 0 || listen(fd.get(), kBacklog) != 0) {
    const int number = errno;
    unlink(path.c_str());
    return errno_error(what, number);
  }
  return fd;
}

Result<Fd> accept_one(int listening) {
  const int number = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (number >= 0) {
    return Fd(number);
  }
  const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
  return make_error(Errc::kUnavailable, exhausted ? errno_message("accept", errno) : std::string());
}

Result<Fd> start_connect(const HostPort& to, const std::optional<std::string>& source) {
  TRIVET_TRY(const auto address, to_socket_address(to));
  const std::string what = "connect to " + to_string(to);
  Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return errno_error(what, errno);
  }
  set_int_option(fd.get(), SOL_SOCKET, SO_MARK, static_cast<int>(kOwnMark));
  if (source) {
    TRIVET_TRY(const auto from, to_socket_address({*source, 0}));
    // Without this a port is taken at bind and is then unique for the source address alone.
    set_int_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd.get(), from.get(), from.size) != 0) {
      return errno_error(what + " from " + *source, errno);
    }
  }
  if (connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return errno_error(what, errno);
  }
  return fd;
}

int connect_error(int fd) {
  int number = 0;
  socklen_t size = sizeof number;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 ? number : errno;
}

Result<HostPort> local_name(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, address.get(), &address.size) != 0) {
    return errno_error("ask for a socket's address", errno);
  }
  return from_socket_address(address);
}

Result<HostPort> peer_name(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getpeername(fd, address.get(), &address.size) != 0) {
    return errno_error("ask for a socket's peer", errno);
  }
  return from_socket_address(address);
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred found{};
  socklen_t size = sizeof found;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) {
    return errno_error("ask for a unix socket's peer", errno);
  }
  return PeerCredentials{.uid = found.uid, .gid = found.gid, .pid = found.pid};
}

bool is_loopback_v4(const std::string& host) {
  const auto address = ipv4_of(host);
  return address && (ntohl(*address) >> 24) == 127;
}

std::optional<std::uint32_t> ipv4_of(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ? std::optional(address.s_addr)
                                                         : std::nullopt;
}

void set_stream_options(int fd) {
  set_int_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_int_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 5);
}

void reset_on_close(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

}  // namespace trivet::net
