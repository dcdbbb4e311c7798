// SPDX-License-Identifier: Apache-2.0
//
// This installation's block in a hosts file, on disk. The file is rewritten in place: it keeps its
// inode (in a container it is a bind mount that cannot be renamed over), and flock on it keeps
// several installations from losing each other's lines.
#pragma once

#include <string>
#include <vector>

#include "adapter/hosts/block.h"
#include "base/result.h"

namespace trivet::hosts {

// Thread-safe: it holds no state but names. Every call waits at most two seconds for the file's
// lock.
class HostsFile {
 public:
  HostsFile(std::string path, std::string installation);

  // Makes the block hold exactly `entries`; none takes it out. Does not write when nothing changes.
  // Errors: kDenied when the file may not be written (endpoints are then reached by address),
  // kTimeout when another process holds the lock, block.h's, kInternal (disk full and the like).
  Status set_entries(const std::vector<Entry>& entries) const;
  // Every other byte is as it was before the block came. A file that is not there is fine.
  Status remove_block() const;
  bool is_writable() const;

 private:
  std::string path_;
  std::string installation_;
};

}  // namespace trivet::hosts
