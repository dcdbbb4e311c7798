// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/file.h"

namespace trivet::sandbox {
namespace {

// By name, since the numbers differ between machines; a name that a machine has not is left out.
constexpr const char* kAllowed[] = {
    // Files.
    "access",
    "chdir",
    "chmod",
    "chown",
    "close",
    "close_range",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "futimesat",
    "getcwd",
    "getdents",
    "getdents64",
    "getxattr",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listxattr",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "memfd_create",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pipe",
    "pipe2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "removexattr",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "setxattr",
    "splice",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "tee",
    "truncate",
    "umask",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "vmsplice",
    "write",
    "writev",
    "mknod",
    "mknodat",
    // Memory.
    "brk",
    "madvise",
    "membarrier",
    "mincore",
    "mlock",
    "mlock2",
    "mmap",
    "mprotect",
    "mremap",
    "mseal",
    "msync",
    "munlock",
    "munmap",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    // Processes and threads.
    "arch_prctl",
    "capget",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "fork",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "gettid",
    "getuid",
    "kill",
    "pidfd_open",
    "pidfd_send_signal",
    "prctl",
    "prlimit64",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_yield",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "setpgid",
    "setpriority",
    "setrlimit",
    "setsid",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "sysinfo",
    "tgkill",
    "times",
    "tkill",
    "uname",
    "vfork",
    "wait4",
    "waitid",
    // Time.
    "alarm",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getitimer",
    "gettimeofday",
    "nanosleep",
    "pause",
    "setitimer",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    // Waiting and sockets.
    "accept",
    "accept4",
    "bind",
    "connect",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "poll",
    "ppoll",
    "pselect6",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "select",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socketpair",
    // Between the function's own processes.
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "getrandom",
};

// Setting to what one is already: programs do it at their start.
constexpr const char* kOwnIds[] = {"setuid",    "setgid",    "setreuid", "setregid",
                                   "setresuid", "setresgid", "setfsuid", "setfsgid"};

// All CLONE_NEW… flags; 0x80 is CLONE_NEWTIME.
constexpr scmp_datum_t kNewNamespaces = 0x7E020080;

constexpr scmp_datum_t kLow32 = 0xFFFFFFFF;

// Of terminals (asked by programs that want to know whether they have one), of descriptors, and
// what an interface is called and has. TIOCSTI and everything of devices is not among them.
constexpr scmp_datum_t kIoctls[] = {TCGETS,         TCSETS,         TCSETSW,      TIOCGWINSZ,
                                    TIOCGPGRP,      TIOCSPGRP,      FIONREAD,     FIONBIO,
                                    FIOCLEX,        FIONCLEX,       FIOASYNC,     SIOCGIFNAME,
                                    SIOCGIFCONF,    SIOCGIFFLAGS,   SIOCGIFADDR,  SIOCGIFMTU,
                                    SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFINDEX, SIOCGIFHWADDR};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

Error seccomp_error(std::string_view what, int number) {
  return make_error(Errc::kInternal, errno_message(what, number));
}

// 0 also when this machine has no such call.
template <typename... Conditions>
int allow(const Context& context, const char* name, Conditions... conditions) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR || number < 0) {
    return 0;
  }
  return seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, number, sizeof...(conditions),
                          conditions...);
}

int allow_sockets(const Context& context) {
  int result = 0;
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    result = result != 0
                 ? result
                 : allow(context, "socket",
                         SCMP_A0_64(SCMP_CMP_MASKED_EQ, kLow32, static_cast<scmp_datum_t>(family)));
  }
  // NETLINK_ROUTE: getifaddrs(3) asks with it, and nothing can be changed without a capability.
  return result != 0 ? result
                     : allow(context, "socket", SCMP_A0_64(SCMP_CMP_MASKED_EQ, kLow32, AF_NETLINK),
                             SCMP_A2_64(SCMP_CMP_MASKED_EQ, kLow32, 0));
}

int add_rules(const Context& context) {
  int result = 0;
  const auto add = [&result](int added) { result = result != 0 ? result : added; };
  for (const char* name : kAllowed) {
    add(allow(context, name));
  }
  for (const char* name : kOwnIds) {
    add(allow(context, name));
  }
  add(allow_sockets(context));
  add(allow(context, "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNewNamespaces, 0)));
  // Its flags lie in memory, where no filter can look: the C library then uses clone.
  add(seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  // Linux's personality, and asking which it is.
  add(allow(context, "personality", SCMP_A0_64(SCMP_CMP_EQ, 0)));
  add(allow(context, "personality", SCMP_A0_64(SCMP_CMP_EQ, kLow32)));
  for (const scmp_datum_t request : kIoctls) {
    add(allow(context, "ioctl", SCMP_A1_64(SCMP_CMP_MASKED_EQ, kLow32, request)));
  }
  return result;
}

}  // namespace

Result<int> make_seccomp_filter() {
  const Context context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) {
    return seccomp_error("make a seccomp filter", ENOMEM);
  }
  // What another architecture's calls would do is not known here.
  seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (const int added = add_rules(context); added != 0) {
    return seccomp_error("make a seccomp filter", -added);
  }
  const int fd = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0) {
    return seccomp_error("memfd_create", errno);
  }
  const int exported = seccomp_export_bpf(context.get(), fd);
  if (exported != 0 || ::lseek(fd, 0, SEEK_SET) != 0) {
    ::close(fd);
    return seccomp_error("export a seccomp filter", exported != 0 ? -exported : errno);
  }
  return fd;
}

}  // namespace trivet::sandbox
