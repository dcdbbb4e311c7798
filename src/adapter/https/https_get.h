// SPDX-License-Identifier: Apache-2.0
//
// Fetches a small document over HTTPS, by libcurl: certificates are checked, no redirect is
// followed, time and size are bounded.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace trivet::https {

struct HttpsOptions {
  // A PEM file of authorities that are trusted beside the system's; it need not be there.
  std::string more_authorities;
  Millis deadline{5'000};  // for all of it
  std::size_t bytes_max = std::size_t{256} * 1024;
};

// The body of an answer 200 to GET. kInvalidArgument for a URL that is not https; kUnavailable and
// kTimeout say what went wrong, kCorrupt that the answer is too long. Blocks. Thread-safe.
Result<std::string> https_get(const std::string& url, const HttpsOptions& options);

}  // namespace trivet::https
