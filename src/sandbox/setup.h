// SPDX-License-Identifier: Apache-2.0
//
// The steps that bubblewrap cannot do, in their order: cgroups, namespaces, mounts, the listening
// socket inside, limits, and last the loss of every privilege. Each runs once, in a process of one
// thread.
#pragma once

#include "base/result.h"
#include "sandbox/options.h"

namespace trivet::sandbox {

// We end when the daemon does. kUnavailable: it has ended already.
Status end_with_parent(const Options& options);
Status join_cgroups(const Options& options);
// A mount namespace of our own, whose mounts nobody else sees, and the network namespace.
Status enter_namespaces(const Options& options);
// The layers at their place, and /tmp's file system.
Status mount_folders(const Options& options);
// Listens on 127.0.0.1 and sends the socket to the daemon.
Status open_runtime_api(const Options& options);
Status set_limits(const Options& options);
// From here on we are nobody, for good.
Status drop_privileges(const Options& options);
// Becomes bubblewrap. Returns only when that failed.
Error become_bubblewrap(const Options& options);

}  // namespace trivet::sandbox
