// SPDX-License-Identifier: Apache-2.0
//
// Whole files, durably. For small files of ours: configuration, keys, promises.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet {

// kNotFound when there is none.
Result<std::string> read_file(const std::string& path);
// All or nothing and on disk when it returns: writes beside it, fsyncs, renames, fsyncs the folder.
// The file has this mode, whatever the process's umask.
Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode);
// mkdir -p; folders that it makes get `mode`.
Status make_folders(const std::string& path, unsigned mode);
// "open /x/y: No such file or directory (2)" from errno.
std::string errno_message(std::string_view what, int number);

}  // namespace trivet
