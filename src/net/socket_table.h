// SPDX-License-Identifier: Apache-2.0
//
// The kernel's table of TCP sockets (sock_diag(7)): who is at an address, whose socket it is, and
// the end of one that is another process's. IPv4 only.
#pragma once

#include <linux/inet_diag.h>

#include <cstdint>
#include <set>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace trivet::net {

struct TcpSocket {
  inet_diag_sockid id{};     // as the kernel gave it
  std::uint64_t cookie = 0;  // of this socket and never of another
  std::uint64_t inode = 0;   // 0: no process has it: not accepted yet, or closed
};

enum class TcpSocketKind {
  kListening,
  // Made or being made, and not ended by this side.
  kConnected,
};

// Sockets of this network namespace whose own address is `local`. kInvalidArgument when it is not
// IPv4.
Result<std::vector<TcpSocket>> tcp_sockets_at(const HostPort& local, TcpSocketKind kind);

// Resets a connection (SOCK_DESTROY): both ends have an error at once. kNotFound when it is gone,
// kDenied without CAP_NET_ADMIN, kUnavailable in kernels without CONFIG_INET_DIAG_DESTROY.
Status end_tcp_socket(const TcpSocket& socket);
// Does end_tcp_socket work? Tried on a connection of its own.
Status can_end_tcp_sockets();

// The inodes of the sockets that a process has open. kNotFound: no such process; kDenied.
Result<std::set<std::uint64_t>> socket_inodes_of(int pid);
// A duplicate of the socket with that inode (pidfd_getfd, Linux 5.6), which needs the right to
// trace `pid`. While it is open the original is not closed by its owner's end.
Result<Fd> duplicate_socket_of(int pid, std::uint64_t inode);

}  // namespace trivet::net
