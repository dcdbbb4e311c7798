// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/address_check.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "adapter/process/guard_client.h"
#include "base/file.h"

namespace trivet::process {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> parse(const std::string& address, std::uint16_t port) {
  SocketAddress out;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
    return out;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
    return out;
  }
  return make_error(Errc::kInvalidArgument, fmt::format("'{}' is not an IP address", address));
}

Error cannot_bind(const std::string& address, std::uint16_t port, int number) {
  const std::string where = fmt::format("{} port {}", address, port);
  switch (number) {
    case EADDRINUSE:
      return make_error(Errc::kAlreadyExists, where + " is in use by another process");
    case EADDRNOTAVAIL:
      return make_error(Errc::kInvalidArgument, address + " is not an address of this machine");
    case EACCES:
      return make_error(Errc::kDenied, where + " needs the privilege to bind ports below 1024");
    default:
      return make_error(Errc::kInternal, errno_message("bind " + where, number));
  }
}

Result<OwnedFd> bound(const std::string& address, std::uint16_t port) {
  TRIVET_TRY(const SocketAddress where, parse(address, port));
  OwnedFd fd(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) {
    return make_error(Errc::kInternal, errno_message("socket", errno));
  }
  // As mysqld does: old connections in TIME_WAIT are no hindrance, a listener is.
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), where.pointer(), where.length) != 0 || ::listen(fd.get(), 1) != 0) {
    return cannot_bind(address, port, errno);
  }
  return fd;
}

}  // namespace

Status can_bind(const std::string& address, std::uint16_t port) {
  TRIVET_TRY([[maybe_unused]] const OwnedFd fd, bound(address, port));
  return ok();
}

Result<std::uint16_t> free_port(const std::string& address) {
  TRIVET_TRY(const OwnedFd fd, bound(address, 0));
  SocketAddress where;
  where.length = sizeof where.storage;
  if (::getsockname(fd.get(), where.pointer(), &where.length) != 0) {
    return make_error(Errc::kInternal, errno_message("getsockname", errno));
  }
  // The port is at the same place in both families' addresses.
  sockaddr_in v4{};
  std::memcpy(&v4, &where.storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace trivet::process
