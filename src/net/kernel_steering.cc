// SPDX-License-Identifier: Apache-2.0
#include "net/kernel_steering.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "net/socket_table.h"

namespace trivet::net {
namespace {

bool is_listening(int fd) {
  int answer = 0;
  socklen_t size = sizeof answer;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

// Open for as short as can be: until it is closed, the port would go on listening when its owner
// dies, and connections to it would wait for ever.
Result<Fd> duplicate_listener(const SteeringTarget& of) {
  TRIVET_TRY(const auto listening, tcp_sockets_at(of.listening, TcpSocketKind::kListening));
  if (listening.empty()) {
    return make_error(Errc::kUnavailable, "nobody listens on " + to_string(of.listening));
  }
  TRIVET_TRY(Fd socket, duplicate_socket_of(of.pid, listening.front().inode));
  const auto name = local_name(socket.get());
  if (!name || *name != of.listening || !is_listening(socket.get())) {
    return make_error(Errc::kUnavailable, "process " + std::to_string(of.pid) +
                                              " does not listen on " + to_string(of.listening));
  }
  return socket;
}

}  // namespace

Result<std::unique_ptr<KernelSteering>> KernelSteering::open() {
  TRIVET_CHECK_OK(can_end_tcp_sockets());
  TRIVET_TRY(SkLookup lookup, SkLookup::attach());
  return std::unique_ptr<KernelSteering>(new KernelSteering(std::move(lookup)));
}

Status KernelSteering::steer(const HostPort& at, const SteeringTarget& to) {
  TRIVET_TRY(const Fd socket, duplicate_listener(to));
  return lookup_.put(at, socket.get());
}

void KernelSteering::release(const HostPort& at) {
  lookup_.remove(at);
}

Result<EndedConnections> KernelSteering::end_connections(const HostPort& at,
                                                         std::optional<int> keep) {
  TRIVET_TRY(const auto connections, tcp_sockets_at(at, TcpSocketKind::kConnected));
  const auto undecided = std::exchange(undecided_[to_string(at)], {});
  EndedConnections out;
  if (connections.empty()) {
    undecided_.erase(to_string(at));
    return out;
  }
  // After the list: what this process accepts meanwhile is not in it.
  TRIVET_TRY(std::set<std::uint64_t> spared, socket_inodes_of(getpid()));
  if (keep) {
    if (auto kept = socket_inodes_of(*keep)) {
      spared.merge(*kept);
    }
  }
  Status failed = ok();
  for (const TcpSocket& connection : connections) {
    if (spared.contains(connection.inode)) {
      continue;
    }
    // Not accepted by anybody: maybe this process's own listener has it, and will.
    if (connection.inode == 0 && (keep || !undecided.contains(connection.cookie))) {
      undecided_[to_string(at)].insert(connection.cookie);
      ++out.undecided;
      continue;
    }
    const Status ended = end_tcp_socket(connection);
    if (ended) {
      ++out.ended;
    } else if (ended.error().code != Errc::kNotFound) {
      failed = ended;
    }
  }
  if (!failed) {
    return failed.error();
  }
  return out;
}

}  // namespace trivet::net
