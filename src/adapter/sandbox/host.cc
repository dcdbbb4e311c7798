// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/host.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "adapter/sandbox/processes.h"
#include "adapter/sandbox/seccomp_filter.h"
#include "adapter/sandbox/view.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"

namespace trivet::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kBubblewrap = {"/usr/bin/bwrap", "/usr/local/bin/bwrap",
                                                    "/bin/bwrap"};
constexpr std::int64_t kProcesses = 1'024;  // and threads, as AWS
constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
// Beside a function's own memory: bubblewrap's two processes and the launcher before them.
constexpr std::int64_t kOwnBytes = 2 * kMegabyte;
// For one process without a cgroup: the code of an interpreter is private memory too.
constexpr std::int64_t kDataMargin = 64 * kMegabyte;
// Below are the system's users and people; above are the kernel's own meanings of -1.
constexpr std::uint32_t kUidMin = 100'000;
constexpr std::uint32_t kUidMax = 2'147'483'647;
constexpr int kRemovePauseMs = 5;
constexpr Millis kSweepDeadline{2'000};

Error failed(const std::string& what) {
  return make_error(Errc::kInternal, errno_message(what, errno));
}

// A folder with exactly this mode, whatever the umask.
Status make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return failed("mkdir " + path);
  }
  return ::chmod(path.c_str(), mode) == 0 ? ok() : Status(failed("chmod " + path));
}

// Until it is empty: what was killed needs a moment to be gone.
bool remove_group(const Cgroups& cgroups, const std::string& id, Instant until) {
  const SystemClock clock;
  for (;;) {
    cgroups.kill_all(id);
    if (cgroups.remove(id)) {
      return true;
    }
    if (clock.now() >= until) {
      return false;
    }
    ::poll(nullptr, 0, kRemovePauseMs);
  }
}

}  // namespace

Host::Host(HostOptions options)
    : options_(std::move(options)),
      folder_(options_.home + "/sandbox"),
      is_root_(::geteuid() == 0),
      tmp_images_(folder_) {}

Host::~Host() {
  cgroups_.remove_root();
  if (seccomp_fd_ >= 0) {
    ::close(seccomp_fd_);
  }
}

Result<std::unique_ptr<Host>> Host::open(HostOptions options) {
  std::unique_ptr<Host> host(new Host(std::move(options)));
  TRIVET_CHECK_OK(host->check());
  host->sweep();
  return host;
}

Status Host::check() {
  for (const char* path : kBubblewrap) {
    if (bubblewrap_.empty() && ::access(path, X_OK) == 0) {
      bubblewrap_ = path;
    }
  }
  if (bubblewrap_.empty()) {
    return make_error(Errc::kUnavailable,
                      "functions run under bubblewrap, which is not here: install the package "
                      "bubblewrap");
  }
  if (::access(options_.program.c_str(), X_OK) != 0) {
    return make_error(Errc::kUnavailable, fmt::format("{} is not there", options_.program));
  }
  if (options_.uid_first < kUidMin || options_.uid_count == 0 ||
      options_.uid_first > kUidMax - options_.uid_count) {
    return make_error(
        Errc::kUnavailable,
        fmt::format("function_uids in config.json must be of {} to {}, not {} from {} "
                    "on",
                    kUidMin, kUidMax, options_.uid_count, options_.uid_first));
  }
  TRIVET_CHECK_OK(make_folder(folder_, 0711));
  TRIVET_TRY(seccomp_fd_, make_seccomp_filter());
  // Short, and no other installation's.
  cgroups_ = Cgroups::open("trivet-" + to_hex(sha256(options_.installation_id)).substr(0, 12));
  if (!is_root_) {
    weaknesses_.emplace_back(
        "the daemon is not root: environments run as its own user, in user namespaces, instead of "
        "each as a user of its own");
  }
  if (!cgroups_.keeps_memory()) {
    weaknesses_.emplace_back(
        "no memory cgroup can be made: memory limits are watched ten times a second instead of "
        "kept by the kernel");
  }
  if (!cgroups_.keeps_cpu()) {
    weaknesses_.emplace_back(
        "no cpu cgroup can be made: functions get as much of the processors as they like");
  }
  if (!cgroups_.keeps_processes() && !is_root_) {
    weaknesses_.emplace_back(
        "no pids cgroup can be made: the limit of 1024 processes is for all environments together");
  }
  const Status images =
      is_root_ ? tmp_images_.check() : Status(make_error(Errc::kDenied, "the daemon is not root"));
  has_tmp_images_ = images.has_value();
  if (!images) {
    weaknesses_.push_back(
        fmt::format("/tmp of functions is in memory and counts as the function's ({})",
                    images.error().message));
  }
  return ok();
}

void Host::sweep() {
  const Instant until = SystemClock().now() + kSweepDeadline;
  for (const std::string& id : cgroups_.ids()) {
    if (!remove_group(cgroups_, id, until)) {
      log(Level::kWarning, "sandbox.left", {{"id", id}});
    }
  }
  std::error_code error;
  for (auto at = fs::directory_iterator(folder_, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (at->path().filename().string().front() != '.') {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
    }
  }
}

Result<std::optional<std::uint32_t>> Host::take_uid() {
  if (!is_root_) {
    return std::optional<std::uint32_t>();
  }
  const MutexLock lock(mutex_);
  for (std::uint32_t i = 0; i < options_.uid_count; ++i) {
    const std::uint32_t uid = options_.uid_first + next_uid_;
    next_uid_ = (next_uid_ + 1) % options_.uid_count;
    if (uids_.insert(uid).second) {
      return std::optional<std::uint32_t>(uid);
    }
  }
  return make_error(Errc::kUnavailable,
                    fmt::format("all {} users of environments are taken", options_.uid_count));
}

void Host::give_uid(const Running& running) {
  if (running.uid) {
    const MutexLock lock(mutex_);
    uids_.erase(*running.uid);
  }
}

Status Host::make_folder_of(const Running& running, const Spec& spec) {
  const std::string folder = folder_of(running.id);
  TRIVET_CHECK_OK(make_folder(folder, 0711));
  TRIVET_CHECK_OK(make_folder(folder + "/opt", 0755));
  TRIVET_CHECK_OK(make_folder(folder + "/tmp", 0755));
  // Not write_file_atomically: nobody needs it after a crash, and its fsync costs more than all the
  // rest of a cold start.
  const std::string resolv = folder + "/resolv.conf";
  const Fd file(::open(resolv.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.is_open() ||
      ::write(file.get(), spec.resolv_conf.data(), spec.resolv_conf.size()) !=
          static_cast<ssize_t>(spec.resolv_conf.size()) ||
      ::fchmod(file.get(), 0644) != 0) {
    return failed("write " + resolv);
  }
  return has_tmp_images_ ? tmp_images_.make(folder + "/tmp.img", spec.ephemeral_mb) : ok();
}

LaunchPlan Host::plan_of(const Running& running, const Spec& spec,
                         std::vector<std::string> cgroups) const {
  const std::string folder = folder_of(running.id);
  LaunchPlan plan;
  plan.program = options_.program;
  plan.seccomp_fd = seccomp_fd_;
  plan.uid = running.uid;
  const auto add = [&plan](std::vector<std::string> more) {
    plan.arguments.insert(plan.arguments.end(), more.begin(), more.end());
  };
  View view{.root = spec.root,
            .code_folder = spec.code_folder,
            .layers_folder = {},
            .bootstrap_folder = spec.bootstrap_folder,
            .ca_bundle = spec.ca_bundle,
            .resolv_conf = folder + "/resolv.conf",
            .tmp_folder = {},
            .tmp_bytes = spec.ephemeral_mb * kMegabyte,
            .environment = spec.environment};
  add({"--bubblewrap", bubblewrap_, "--processes", std::to_string(kProcesses)});
  if (running.uid) {
    add({"--uid", std::to_string(*running.uid)});
  }
  if (!spec.netns.empty()) {
    add({"--netns", spec.netns});
  }
  for (const std::string& group : cgroups) {
    add({"--cgroup", group});
  }
  if (!cgroups_.keeps_memory()) {
    add({"--data-bytes", std::to_string(spec.memory_mb * kMegabyte + kDataMargin)});
  }
  if (spec.layer_folders.size() == 1) {
    view.layers_folder = spec.layer_folders.front();
  } else if (!spec.layer_folders.empty()) {
    for (const std::string& layer : spec.layer_folders) {
      add({"--layer", layer});
    }
    view.layers_folder = folder + "/opt";
    add({"--layers-at", view.layers_folder});
  }
  if (has_tmp_images_) {
    view.tmp_folder = folder + "/tmp";
    add({"--tmp-image", folder + "/tmp.img", "--tmp-at", view.tmp_folder});
  }
  add({"--"});
  add(spec.command);
  plan.bubblewrap_arguments = bubblewrap_arguments(view);
  return plan;
}

Result<Running> Host::start(const Spec& spec, Millis deadline) {
  Running running;
  running.id = random_text(12, kLowerAlphanumerics);
  TRIVET_TRY(running.uid, take_uid());
  const auto started = [&]() -> Result<Launched> {
    TRIVET_CHECK_OK(make_folder_of(running, spec));
    TRIVET_TRY(const std::vector<std::string> groups,
               cgroups_.make(running.id, {.memory_bytes = spec.memory_mb * kMegabyte + kOwnBytes,
                                          .processes = kProcesses}));
    return launch(plan_of(running, spec, groups), deadline);
  };
  Result<Launched> process = started();
  if (!process) {
    finish(std::move(running), true, Millis(500));
    return process.error();
  }
  running.process = std::move(*process);
  return running;
}

void Host::kill(const Running& running) const {
  if (running.process.pid > 0) {
    // bubblewrap's inner process ends with it, and with that one all of the sandbox's.
    ::kill(running.process.pid, SIGKILL);
  }
  cgroups_.kill_all(running.id);
}

std::optional<int> Host::wait_status(const Running& running) {
  int status = 0;
  if (::waitpid(running.process.pid, &status, WNOHANG) == running.process.pid) {
    return status;
  }
  return std::nullopt;
}

void Host::finish(Running running, bool is_reaped, Millis deadline) {
  const SystemClock clock;
  const Instant until = clock.now() + deadline;
  if (!is_reaped && running.process.pid > 0) {
    kill(running);
    pollfd ended{running.process.pidfd.get(), POLLIN, 0};
    while (clock.now() < until && ::poll(&ended, 1, kRemovePauseMs) <= 0) {
    }
    is_reaped = wait_status(running).has_value();
  }
  // A process number that was reaped may be another's: only what has our cgroup is killed here.
  const bool is_gone = remove_group(cgroups_, running.id, until);
  std::error_code error;
  fs::remove_all(folder_of(running.id), error);
  if (is_gone && (is_reaped || running.process.pid <= 0)) {
    give_uid(running);
  } else {
    log(Level::kWarning, "sandbox.left", {{"id", running.id}});
  }
}

Status Host::set_cpu(const Running& running, std::optional<std::int64_t> thousandths) const {
  return cgroups_.set_cpu(running.id, thousandths);
}

MemoryUse Host::memory(const Running& running) const {
  if (cgroups_.keeps_memory()) {
    return cgroups_.memory(running.id);
  }
  const std::int64_t now = resident_bytes_below(running.process.pid);
  return {now, now};
}

std::int64_t Host::out_of_memory(const Running& running) const {
  return cgroups_.out_of_memory(running.id);
}

}  // namespace trivet::sandbox
