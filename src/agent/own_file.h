// SPDX-License-Identifier: Apache-2.0
//
// Files in folders that belong to mysqld's user, opened by the daemon, which may be root: nothing
// there may lead to another file.
#pragma once

#include <string>

#include "base/fd.h"

namespace trivet::agent {

// As open(2), with mode 0600 for a new file; never a link, a fifo or a device. Not open: errno says
// why, EPERM for what is no plain file with one name.
Fd open_own(const std::string& path, int flags);

}  // namespace trivet::agent
