// SPDX-License-Identifier: Apache-2.0
//
// trivet-sandbox: from the daemon's rights to a function's, in one process that then becomes
// bubblewrap.
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <vector>

#include "sandbox/options.h"
#include "sandbox/setup.h"

namespace trivet::sandbox {
namespace {

constexpr int kExitFailed = 125;

Status set_up(const Options& options) {
  TRIVET_CHECK_OK(end_with_parent(options));
  TRIVET_CHECK_OK(join_cgroups(options));
  TRIVET_CHECK_OK(enter_namespaces(options));
  TRIVET_CHECK_OK(mount_folders(options));
  TRIVET_CHECK_OK(open_runtime_api(options));
  TRIVET_CHECK_OK(set_limits(options));
  return drop_privileges(options);
}

Error run(const std::vector<std::string>& arguments) {
  TRIVET_TRY(const Options options, parse_options(arguments));
  TRIVET_CHECK_OK(set_up(options));
  return become_bubblewrap(options);
}

}  // namespace
}  // namespace trivet::sandbox

int main(int argc, char** argv) {
  using namespace trivet::sandbox;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const trivet::Error error = run({argv + 1, argv + argc});
  const std::string message = "E" + error.message;
  (void)::send(kControlFd, message.data(), message.size(), MSG_NOSIGNAL);
  return kExitFailed;
}
