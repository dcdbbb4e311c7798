// SPDX-License-Identifier: Apache-2.0
//
// Doing something inside another network namespace: sockets that are made there belong to it for
// good, programs that are started there run in it.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace trivet {

// Runs `work` on a thread of its own that has entered the namespace at `path`, and waits for it.
// kNotFound when there is no such namespace, kDenied without the privilege; `work` has not run
// then.
Status in_network_namespace(const std::string& path, const std::function<void()>& work);

}  // namespace trivet
