// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/view.h"

namespace trivet::sandbox {
namespace {

// As AWS's own sandboxes have it.
constexpr const char* kUid = "993";
constexpr const char* kGid = "990";
constexpr const char* kSeccompFd = "5";  // sandbox/options.h

}  // namespace

std::vector<std::string> bubblewrap_arguments(const View& view) {
  std::vector<std::string> out = {"--unshare-user",
                                  "--unshare-pid",
                                  "--unshare-ipc",
                                  "--unshare-uts",
                                  "--unshare-cgroup-try",
                                  "--disable-userns",
                                  "--die-with-parent",
                                  "--new-session",
                                  "--uid",
                                  kUid,
                                  "--gid",
                                  kGid,
                                  "--hostname",
                                  "localhost",
                                  "--cap-drop",
                                  "ALL",
                                  "--seccomp",
                                  kSeccompFd,
                                  "--clearenv"};
  const auto add = [&out](std::vector<std::string> more) {
    out.insert(out.end(), more.begin(), more.end());
  };
  for (const auto& [name, value] : view.environment) {
    add({"--setenv", name, value});
  }
  add({"--ro-bind", view.root, "/"});
  add({"--proc", "/proc"});
  // Read-only: as on AWS there is no /dev/shm to write to, and what is in it would be memory that
  // nobody counts.
  add({"--dev", "/dev", "--remount-ro", "/dev"});
  if (view.tmp_folder.empty()) {
    add({"--size", std::to_string(view.tmp_bytes), "--tmpfs", "/tmp"});
  } else {
    add({"--bind", view.tmp_folder, "/tmp"});
  }
  add({"--ro-bind", view.code_folder, "/var/task"});
  if (!view.layers_folder.empty()) {
    add({"--ro-bind", view.layers_folder, "/opt"});
  }
  if (!view.bootstrap_folder.empty()) {
    add({"--ro-bind", view.bootstrap_folder, "/var/runtime"});
  }
  if (!view.ca_bundle.empty()) {
    add({"--ro-bind", view.ca_bundle, "/etc/trivet/ca-bundle.pem"});
  }
  add({"--ro-bind", view.resolv_conf, "/etc/resolv.conf"});
  add({"--chdir", "/var/task"});
  return out;
}

}  // namespace trivet::sandbox
