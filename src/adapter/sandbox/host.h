// SPDX-License-Identifier: Apache-2.0
//
// Makes sandboxes on this machine and takes them away. It knows what this machine can keep of what
// a sandbox promises, gives each one a user of its own, and removes what a daemon that was killed
// has left.
//
//   <home>/sandbox/<id>/         mount points, resolv.conf and /tmp of one that runs
//   <home>/sandbox/.tmp-512.img  an empty /tmp to copy
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapter/sandbox/cgroups.h"
#include "adapter/sandbox/launch.h"
#include "adapter/sandbox/tmp_images.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"

namespace trivet::sandbox {

struct HostOptions {
  std::string home;             // absolute
  std::string program;          // path of trivet-sandbox
  std::string installation_id;  // names our cgroups
  // The users that sandboxes run as; nobody else may have them. systemd leaves these to others:
  // "Users, Groups, UIDs and GIDs on systemd Systems".
  std::uint32_t uid_first = 1'900'000'000;
  std::uint32_t uid_count = 4'096;
};

struct Spec {
  std::string root;  // the runtime's
  std::string code_folder;
  std::vector<std::string> layer_folders;  // a later one wins
  std::string bootstrap_folder;            // empty: none
  std::string ca_bundle;                   // empty: none
  std::string resolv_conf;                 // the text
  std::string netns;                       // to be entered; empty: loopback alone
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> command;
  std::int32_t memory_mb = 128;
  std::int32_t ephemeral_mb = 512;
};

struct Running {
  std::string id;
  std::optional<std::uint32_t> uid;  // not given: ours, since we are not root
  Launched process;
};

// Thread-safe; calls about one sandbox come one at a time. Blocks for tens of milliseconds.
class Host {
 public:
  // Removes what is left of an earlier daemon. kUnavailable with the cure: no bubblewrap, no
  // trivet-sandbox, no namespaces for ordinary users.
  static Result<std::unique_ptr<Host>> open(HostOptions options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // What is not as strong here as it can be, a sentence each, for status and doctor. Empty: all is.
  const std::vector<std::string>& weaknesses() const { return weaknesses_; }
  bool is_root() const { return is_root_; }
  // The kernel keeps the memory limit; otherwise somebody has to watch resident_bytes().
  bool keeps_memory() const { return cgroups_.keeps_memory(); }

  // kUnavailable: all users are taken. kInternal with the step that failed. See launch() for which
  // thread may call.
  Result<Running> start(const Spec& spec, Millis deadline);
  // Everything in it ends now; finish() is still to be called.
  void kill(const Running& running) const;
  // The wait status of the sandbox's first process; nothing while it runs. Once only.
  static std::optional<int> wait_status(const Running& running);
  // Kills it, waits for it unless `is_reaped`, gives back what it had. What cannot be removed
  // within `deadline` is left to the next open(), and its user is not given out again.
  void finish(Running running, bool is_reaped, Millis deadline);

  // Thousandths of a processor; nullopt: as much as it likes.
  Status set_cpu(const Running& running, std::optional<std::int64_t> thousandths) const;
  // Of the whole sandbox; without cgroups of all its processes that are there now.
  MemoryUse memory(const Running& running) const;
  std::int64_t out_of_memory(const Running& running) const;

 private:
  explicit Host(HostOptions options);
  Status check();
  void sweep();
  Result<std::optional<std::uint32_t>> take_uid();
  void give_uid(const Running& running);
  std::string folder_of(const std::string& id) const { return folder_ + "/" + id; }
  Status make_folder_of(const Running& running, const Spec& spec);
  LaunchPlan plan_of(const Running& running, const Spec& spec,
                     std::vector<std::string> cgroups) const;

  const HostOptions options_;
  const std::string folder_;
  const bool is_root_;
  std::string bubblewrap_;
  int seccomp_fd_ = -1;
  Cgroups cgroups_;
  TmpImages tmp_images_;
  bool has_tmp_images_ = false;
  std::vector<std::string> weaknesses_;
  Mutex mutex_;
  std::set<std::uint32_t> uids_ GUARDED_BY(mutex_);
  std::uint32_t next_uid_ GUARDED_BY(mutex_) = 0;
};

}  // namespace trivet::sandbox
