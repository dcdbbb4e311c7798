// SPDX-License-Identifier: Apache-2.0
//
// Asserts that stay on in every build: a state that cannot be ends the process, and its supervisor
// starts it again from what is on disk.
#pragma once

namespace trivet {
// Writes the place and the condition to standard error and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);
}  // namespace trivet

#define TRIVET_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::trivet::assert_failed(#condition, __FILE__, __LINE__))
