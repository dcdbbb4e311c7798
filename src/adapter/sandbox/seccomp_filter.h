// SPDX-License-Identifier: Apache-2.0
//
// Which system calls a function may make: those of ordinary programs. Everything that makes
// namespaces, mounts, traces, loads, or speaks to rarely used parts of the kernel is not among
// them and fails as if the kernel did not have it.
#pragma once

#include "base/result.h"

namespace trivet::sandbox {

// An anonymous file with the program (classic BPF), at its start; the caller closes it. Reading
// moves its position, so each sandbox gets a descriptor of its own (reopen through /proc/self/fd).
// kInternal when libseccomp cannot make it.
Result<int> make_seccomp_filter();

}  // namespace trivet::sandbox
