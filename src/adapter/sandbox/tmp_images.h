// SPDX-License-Identifier: Apache-2.0
//
// /tmp of an environment: a file system of its own in a sparse file, so that its size is kept by
// the kernel and what is in it is not the function's memory. One file of each size is made with
// mkfs and copied from then on.
#pragma once

#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

namespace trivet::sandbox {

// Thread-safe.
class TmpImages {
 public:
  explicit TmpImages(std::string folder) : folder_(std::move(folder)) {}

  // Can such file systems be made and mounted here? The error says what is missing.
  Status check() const;
  // Makes `path`, with room for `megabytes`.
  Status make(const std::string& path, std::int32_t megabytes);

 private:
  Result<std::string> pattern(std::int32_t megabytes);

  const std::string folder_;
  Mutex mutex_;
};

}  // namespace trivet::sandbox
