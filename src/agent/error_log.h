// SPDX-License-Identifier: Apache-2.0
//
// mysqld's error log, watched from outside: how fast it grows, which is evidence of a server that
// spins, and that it never fills the disk. mysqld appends to it, so it may be cut at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace trivet::agent {

// Not thread-safe. Its folder is mysqld's user's.
class ErrorLog {
 public:
  // One commented place.
  struct Limits {
    std::uint64_t bytes_max = 32U << 20U;  // longer: it is moved to the old log …
    std::chrono::hours moved_every{24};    // … but not so soon again: then …
    std::uint64_t bytes_kept = 1U << 20U;  // … it is cut to its first bytes
  };
  struct Look {
    std::uint64_t written = 0;  // since the look before; 0 at the first
    std::uint64_t moved = 0;    // bytes that are in the old log now
    std::uint64_t cut = 0;      // bytes that are lost
  };

  ErrorLog(std::string path, std::string old_path)
      : ErrorLog(std::move(path), std::move(old_path), Limits()) {}
  ErrorLog(std::string path, std::string old_path, Limits limits)
      : path_(std::move(path)), old_path_(std::move(old_path)), limits_(limits) {}

  // Blocks as long as the disk does. What cannot be moved, for want of space say, is cut.
  // kNotFound: there is no log yet. kInternal: it cannot be opened or cut.
  Result<Look> look(WallTime now);

 private:
  Status shorten(int file, std::uint64_t size, WallTime now, Look& out);
  // False: there is no copy.
  bool copy_to_old(int file, Look& out) const;

  const std::string path_;
  const std::string old_path_;
  const Limits limits_;
  std::optional<std::uint64_t> size_;
};

}  // namespace trivet::agent
