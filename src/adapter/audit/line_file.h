// SPDX-License-Identifier: Apache-2.0
//
// Lines appended to a file of bounded size: a full one becomes FILE.1, that one FILE.2, and so on;
// the oldest goes. Only its owner can read it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet::audit {

// Owns the open file. Used by one thread.
class LineFile {
 public:
  struct Limits {
    std::size_t bytes_max = std::size_t{10} << 20;
    int kept = 5;  // full ones beside the one that is written
  };
  // The folder is made, but not before the first line.
  LineFile(std::string path, Limits limits) : path_(std::move(path)), limits_(limits) {}
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // Whole lines, each with its end; they stay together in one file. Opens the file anew when
  // somebody removed it.
  Status write(std::string_view lines);

 private:
  Status open();
  void close();
  Status rotate();

  const std::string path_;
  const Limits limits_;
  int fd_ = -1;
  std::size_t bytes_ = 0;
};

}  // namespace trivet::audit
