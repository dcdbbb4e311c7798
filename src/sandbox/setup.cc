// SPDX-License-Identifier: Apache-2.0
#include "sandbox/setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace trivet::sandbox {
namespace {

constexpr int kBacklog = 64;
constexpr rlim_t kOpenFiles = 1'024;  // as AWS documents

Error failed(const std::string& what) {
  const int number = errno;
  return make_error(Errc::kInternal, what + ": " + std::strerror(number));
}

Status write_text(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return failed("open " + path);
  }
  const bool is_written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const Error error = failed("write " + path);
  ::close(fd);
  return is_written ? ok() : Status(error);
}

Status bring_loopback_up() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return failed("socket");
  }
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  bool is_up = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  if (is_up && (request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    is_up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  }
  const Error error = failed("bring loopback up");
  ::close(fd);
  return is_up ? ok() : Status(error);
}

// Our own uid and gid stay what they are, and everything else is nobody's.
Status map_ourselves(uid_t uid, gid_t gid) {
  TRIVET_CHECK_OK(write_text("/proc/self/setgroups", "deny"));
  const std::string us = std::to_string(uid);
  TRIVET_CHECK_OK(write_text("/proc/self/uid_map", us + " " + us + " 1"));
  const std::string group = std::to_string(gid);
  return write_text("/proc/self/gid_map", group + " " + group + " 1");
}

Status enter_network(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return failed("open " + path);
  }
  const bool is_entered = ::setns(fd, CLONE_NEWNET) == 0;
  const Error error = failed("enter the network namespace " + path);
  ::close(fd);
  return is_entered ? ok() : Status(error);
}

Status limit(int resource, rlim_t value, const char* name) {
  const rlimit both{value, value};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) == 0
             ? ok()
             : Status(failed(std::string("limit ") + name));
}

Status send_descriptor(int fd) {
  char byte = 'L';
  iovec data{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(kControlFd, &message, MSG_NOSIGNAL) == 1
             ? ok()
             : Status(failed("hand the listening socket over"));
}

}  // namespace

Status end_with_parent(const Options& options) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return failed("prctl");
  }
  if (::getppid() != options.parent) {
    return make_error(Errc::kUnavailable, "the daemon is gone");
  }
  return ok();
}

Status join_cgroups(const Options& options) {
  for (const std::string& folder : options.cgroups) {
    TRIVET_CHECK_OK(write_text(folder + "/cgroup.procs", "0"));
  }
  return ok();
}

Status enter_namespaces(const Options& options) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  int wanted = CLONE_NEWNS;
  if (options.netns.empty()) {
    wanted |= CLONE_NEWNET;
  }
  if (!options.uid) {
    wanted |= CLONE_NEWUSER;
  }
  if (::unshare(wanted) != 0) {
    return failed(options.uid ? "make namespaces"
                              : "make namespaces (may ordinary users make user namespaces here?)");
  }
  if (!options.uid) {
    TRIVET_CHECK_OK(map_ourselves(uid, gid));
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return failed("keep our mounts to ourselves");
  }
  if (!options.netns.empty()) {
    TRIVET_CHECK_OK(enter_network(options.netns));
  }
  return bring_loopback_up();
}

Status open_runtime_api(const Options& options) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return failed("socket");
  }
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(options.port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const Error error = failed("listen for the Runtime API");
    ::close(fd);
    return error;
  }
  const Status sent = send_descriptor(fd);
  ::close(fd);
  return sent;
}

Status set_limits(const Options& options) {
  // 1 and not 0: with 0 the kernel still hands dumps to a program that the host may have for them.
  TRIVET_CHECK_OK(limit(RLIMIT_CORE, 1, "core dumps"));
  TRIVET_CHECK_OK(limit(RLIMIT_NOFILE, kOpenFiles, "open files"));
  TRIVET_CHECK_OK(limit(RLIMIT_NPROC, options.processes, "processes"));
  TRIVET_CHECK_OK(limit(RLIMIT_MEMLOCK, 64 * 1'024, "locked memory"));
  TRIVET_CHECK_OK(limit(RLIMIT_MSGQUEUE, 0, "message queues"));
  TRIVET_CHECK_OK(limit(RLIMIT_RTPRIO, 0, "real-time priority"));
  TRIVET_CHECK_OK(limit(RLIMIT_NICE, 0, "priority"));
  if (options.data_bytes != 0) {
    TRIVET_CHECK_OK(limit(RLIMIT_DATA, options.data_bytes, "memory"));
  }
  return ok();
}

Status drop_privileges(const Options& options) {
  if (options.uid) {
    const uid_t uid = *options.uid;
    const gid_t gid = *options.uid;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 ||
        ::setresuid(uid, uid, uid) != 0) {
      return failed("become a user of its own");
    }
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return failed("give privileges up");
  }
  // A change of user clears it.
  return end_with_parent(options);
}

Error become_bubblewrap(const Options& options) {
  std::vector<std::string> arguments = {options.bubblewrap, "--args", std::to_string(kArgumentsFd),
                                        "--"};
  arguments.insert(arguments.end(), options.command.begin(), options.command.end());
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  char* const no_environment[] = {nullptr};
  ::close_range(kSeccompFd + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  ::execve(options.bubblewrap.c_str(), pointers.data(), no_environment);
  return failed("run " + options.bubblewrap);
}

}  // namespace trivet::sandbox
