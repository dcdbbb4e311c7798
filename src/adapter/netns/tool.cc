// SPDX-License-Identifier: Apache-2.0
#include "adapter/netns/tool.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.h"
#include "base/network_namespace.h"

extern char** environ;

namespace trivet::netns {
namespace {

// They take milliseconds; one that waits for the kernel's lock on a busy host takes longer.
constexpr int kDeadlineMs = 10'000;
constexpr std::size_t kOutputMax = 1 << 20;

// A file in memory, so that a program which writes a lot never waits for us.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(::memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  bool write_all(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
      if (n < 0 && errno != EINTR) {
        return false;
      }
      done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    return ::lseek(fd_, 0, SEEK_SET) == 0;
  }
  std::string read_all() const {
    std::string out;
    std::array<char, 4096> part{};
    ssize_t n = 0;
    while (out.size() < kOutputMax &&
           (n = ::pread(fd_, part.data(), part.size(), static_cast<off_t>(out.size()))) > 0) {
      out.append(part.data(), static_cast<std::size_t>(n));
    }
    return out;
  }

 private:
  int fd_;
};

// The wait status, or nothing when the deadline came first: then it is killed and reaped.
Result<int> wait_for(pid_t pid, const std::string& name) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  int ready = pidfd < 0 ? -1 : ::poll(&ended, 1, kDeadlineMs);
  while (ready < 0 && pidfd >= 0 && errno == EINTR) {
    ready = ::poll(&ended, 1, kDeadlineMs);
  }
  if (pidfd >= 0) {
    ::close(pidfd);
  }
  if (ready == 0) {
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ready == 0) {
    return make_error(Errc::kTimeout, name + " did not end within 10 seconds");
  }
  return status;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Signals that this process ignores or blocks are no business of the program's.
void set_signals(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigemptyset(&none);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

Result<std::string> run_tool(const std::vector<std::string>& argv, const std::string& input) {
  MemoryFile in("input");
  const MemoryFile out("output");
  const MemoryFile complaints("complaints");
  if (in.fd() < 0 || out.fd() < 0 || complaints.fd() < 0 || !in.write_all(input)) {
    return make_error(Errc::kUnavailable, errno_message("make a file in memory", errno));
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.fd(), 0);
  posix_spawn_file_actions_adddup2(&files, out.fd(), 1);
  posix_spawn_file_actions_adddup2(&files, complaints.fd(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  set_signals(attributes);
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    return make_error(failure == ENOENT ? Errc::kNotFound : Errc::kUnavailable,
                      errno_message("run " + argv[0], failure));
  }
  TRIVET_TRY(const int status, wait_for(pid, argv[0]));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return make_error(Errc::kUnavailable, argv[0] + ": " + first_line(complaints.read_all()));
  }
  return out.read_all();
}

Status run_ip(const std::string& commands) {
  const auto done = run_tool({"ip", "-batch", "-"}, commands);
  return done ? ok() : Status(done.error());
}

Status run_nft(const std::string& rules) {
  const auto done = run_tool({"nft", "-f", "-"}, rules);
  return done ? ok() : Status(done.error());
}

Status run_inside(const std::string& path, const std::function<Status()>& work) {
  Status result = ok();
  TRIVET_CHECK_OK(in_network_namespace(path, [&] { result = work(); }));
  return result;
}

}  // namespace trivet::netns
