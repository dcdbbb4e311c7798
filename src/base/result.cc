// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace trivet {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "invalid argument";
    case Errc::kDenied:
      return "denied";
    case Errc::kNotFound:
      return "not found";
    case Errc::kAlreadyExists:
      return "already exists";
    case Errc::kConflict:
      return "conflict";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kTimeout:
      return "timeout";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kInternal:
      return "internal error";
  }
  return "unknown";
}

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "trivet: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace trivet
