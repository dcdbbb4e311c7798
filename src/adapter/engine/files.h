// SPDX-License-Identifier: Apache-2.0
//
// Folders as a whole: lock, copy, make durable, remove. What an engine's installation and its
// template are made of, so that each appears by one rename or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/engine/subprocess.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace trivet::engine {

enum class LockKind { kShared, kExclusive };
// Held as long as the result lives, and given back by the kernel when we are killed. Waits at most
// `timeout`, calling `on_wait` once when it must wait. Errors: kTimeout.
Result<Fd> lock_file(const std::string& path, LockKind kind, Millis timeout,
                     const std::function<void()>& on_wait = {});

bool exists(const std::string& path);  // without following a link at its end
bool is_folder(const std::string& path);
bool is_file(const std::string& path);  // a regular one
// No error when it is not there.
Status remove_tree(const std::string& path);
Status rename_path(const std::string& from,
                   const std::string& to);  // and fsyncs the folder of `to`
// What an unprivileged process may still write on the file system of `path`.
Result<std::uint64_t> free_bytes(const std::string& path);

struct TreeSize {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;      // lengths of the files
  std::uint64_t allocated = 0;  // what they take on disk
};
Result<TreeSize> tree_size(const std::string& path);

struct CopyOptions {
  std::optional<RunAs> owner;  // of all copies; else whoever we are
  // Files below a folder of this name get their disk space at once, so that a full disk shows now
  // and not in the middle of a write: InnoDB dies when it cannot write its redo log. Empty: none.
  std::string reserved_folder;
};
// `from` becomes `to`, which must not exist: folders, files and links, with their modes. Shares
// blocks where the file system can; holes stay holes. Not durable: sync_tree is. Errors:
// kAlreadyExists; kInternal (disk full and the like, with what was copied removed again).
Status copy_tree(const std::string& from, const std::string& to, const CopyOptions& options);

// One regular file, links at its end followed, with this mode whatever the umask. `to` must not
// exist.
Status copy_one_file(const std::string& from, const std::string& to, unsigned mode);
// mkdir -p; those that are made get `mode` whatever the umask.
Status make_folders_exactly(const std::string& path, unsigned mode);
// The names in a folder, sorted; empty when it cannot be read.
std::vector<std::string> names_in(const std::string& folder);

// Long runs of zeros in the files below become holes.
Status punch_holes(const std::string& path);
// Every file and folder below is on disk when it returns.
Status sync_tree(const std::string& path);
Status give_tree(const std::string& path, const RunAs& owner);  // chown -R, links not followed

}  // namespace trivet::engine
