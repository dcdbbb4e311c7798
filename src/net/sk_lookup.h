// SPDX-License-Identifier: Apache-2.0
//
// A BPF program that chooses the listening socket of new connections (kernel documentation, "BPF
// sk_lookup program"; Linux 5.9). It looks {own address, own port} up in a map of sockets: what is
// there gets the connection, else the kernel searches as always. The instructions are written out,
// so neither clang nor libbpf nor BTF is needed; the privilege is CAP_BPF (before 5.8 it was
// CAP_SYS_ADMIN) with CAP_NET_ADMIN. The kernel takes a socket out of the map when it is closed,
// and the program away when this process ends.
#pragma once

#include "base/result.h"
#include "net/socket.h"

namespace trivet::net {

// Thread-compatible. Works in the network namespace of the thread that made it.
class SkLookup {
 public:
  // kDenied without the privilege, kUnavailable in kernels that cannot.
  static Result<SkLookup> attach();

  // New TCP connections to `at` (IPv4) are `listening`'s, in place of what stood there. The map
  // does not keep the socket open.
  Status put(const HostPort& at, int listening);
  void remove(const HostPort& at);

 private:
  Fd map_;
  Fd link_;
};

}  // namespace trivet::net
