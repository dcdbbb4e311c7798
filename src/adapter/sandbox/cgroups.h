// SPDX-License-Identifier: Apache-2.0
//
// What an environment may use of memory, processors and process numbers, kept by the kernel:
// cgroups of version 2, or of version 1 where the host still has those. One group below
// "trivet-<installation>" for each environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::sandbox {

// Where the controllers are. Plain value.
struct CgroupMounts {
  std::string unified;  // version 2, with the memory controller in it; empty: version 1 or none
  std::string memory;   // version 1; empty: none
  std::string cpu;
  std::string pids;
};
// `mounts` is /proc/self/mounts, `controllers` what cgroup.controllers of version 2 says (empty
// without it). Pure.
CgroupMounts parse_cgroup_mounts(std::string_view mounts, std::string_view controllers);

struct CgroupLimits {
  std::int64_t memory_bytes = 0;
  std::int64_t processes = 0;  // and threads
};

struct MemoryUse {
  std::int64_t now = 0;   // bytes
  std::int64_t peak = 0;  // since the group was made
};

// Thread-safe as long as no two calls concern the same group.
class Cgroups {
 public:
  // Without any usable controller this is still an object, that keeps nothing: see what is kept
  // below. `name` is one path component.
  static Cgroups open(const std::string& name);

  bool keeps_memory() const { return !mounts_.unified.empty() || !mounts_.memory.empty(); }
  bool keeps_cpu() const { return !mounts_.unified.empty() || !mounts_.cpu.empty(); }
  bool keeps_processes() const { return !mounts_.unified.empty() || !mounts_.pids.empty(); }
  std::string version() const;  // "2", "1" or "" (none)

  // The folders whose cgroup.procs a process joins by. Nothing is left behind on an error.
  Result<std::vector<std::string>> make(const std::string& id, const CgroupLimits& limits) const;
  // Thousandths of a processor; nullopt: as much as it likes.
  Status set_cpu(const std::string& id, std::optional<std::int64_t> thousandths) const;
  MemoryUse memory(const std::string& id) const;
  // How often the kernel ended something in it for lack of memory.
  std::int64_t out_of_memory(const std::string& id) const;
  // Sends SIGKILL to everything in it.
  void kill_all(const std::string& id) const;
  // kConflict while something is still in it. Already gone is success.
  Status remove(const std::string& id) const;
  // Takes our own folder away, if nothing is left in it.
  void remove_root() const;
  // The groups that are there, made by whomever.
  std::vector<std::string> ids() const;

 private:
  std::vector<std::string> folders(const std::string& id) const;

  CgroupMounts mounts_;  // each with our own folder's name at its end
};

}  // namespace trivet::sandbox
