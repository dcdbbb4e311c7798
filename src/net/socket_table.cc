// SPDX-License-Identifier: Apache-2.0
#include "net/socket_table.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace trivet::net {
namespace {

// The kernel answers at once; this is for one that does not.
constexpr timeval kAnswerMax{.tv_sec = 1, .tv_usec = 0};
constexpr std::size_t kAnswerBytes = 64 * 1024;
// As many as one dump may take: 64 million sockets.
constexpr int kAnswersMax = 1 << 18;

Error netlink_error(const std::string& what, int number) {
  const Errc code = number == EACCES || number == EPERM   ? Errc::kDenied
                    : number == ENOENT || number == ESRCH ? Errc::kNotFound
                                                          : Errc::kUnavailable;
  return make_error(code, errno_message(what, number));
}

struct Request {
  nlmsghdr head{};
  inet_diag_req_v2 body{};
};

Request request(std::uint16_t type, std::uint16_t flags) {
  Request out;
  out.head.nlmsg_len = sizeof out;
  out.head.nlmsg_type = type;
  out.head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  out.body.sdiag_family = AF_INET;
  out.body.sdiag_protocol = IPPROTO_TCP;
  return out;
}

// Sends `ask` and gives `take` each socket of the answer; the errno that the kernel answers, 0 for
// none. A netlink socket for each call: an answer that came too late is nobody's.
Result<int> ask_kernel(const Request& ask, const std::function<void(const inet_diag_msg&)>& take) {
  const Fd fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd || setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerMax, sizeof kAnswerMax) != 0 ||
      send(fd.get(), &ask, sizeof ask, 0) < 0) {
    return netlink_error("ask for TCP sockets", errno);
  }
  struct alignas(nlmsghdr) Answer {
    std::array<char, kAnswerBytes> bytes;
  };
  const auto answer = std::make_unique<Answer>();
  for (int i = 0; i < kAnswersMax; ++i) {
    const ssize_t got = recv(fd.get(), answer->bytes.data(), answer->bytes.size(), 0);
    if (got < 0) {
      return netlink_error("ask for TCP sockets", errno);
    }
    auto left = static_cast<std::size_t>(got);
    const char* at = answer->bytes.data();
    while (left >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      std::memcpy(&head, at, sizeof head);
      const std::size_t step = std::min<std::size_t>(left, NLMSG_ALIGN(head.nlmsg_len));
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > left) {
        break;
      }
      if (head.nlmsg_type == NLMSG_DONE) {
        return 0;
      }
      if (head.nlmsg_type == NLMSG_ERROR && head.nlmsg_len >= sizeof head + sizeof(int)) {
        int number = 0;
        std::memcpy(&number, at + NLMSG_HDRLEN, sizeof number);
        return -number;
      }
      if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof(inet_diag_msg)) {
        inet_diag_msg message{};
        std::memcpy(&message, at + NLMSG_HDRLEN, sizeof message);
        take(message);
      }
      at += step;
      left -= step;
    }
  }
  return make_error(Errc::kInternal, "ask for TCP sockets: the answer has no end");
}

// The inode of an entry of /proc/<pid>/fd; nullopt for what is no socket. Reads the link: a stat()
// would ask the file system behind it, which may hang.
std::optional<std::uint64_t> inode_of(int folder, const char* name) {
  constexpr std::string_view kStart = "socket:[";
  std::array<char, 64> text{};
  const ssize_t size = readlinkat(folder, name, text.data(), text.size());
  std::string_view link(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  if (!link.starts_with(kStart)) {
    return std::nullopt;
  }
  link.remove_prefix(kStart.size());
  std::uint64_t out = 0;
  const auto parsed = std::from_chars(link.data(), link.data() + link.size(), out);
  return parsed.ec == std::errc() ? std::optional(out) : std::nullopt;
}

// Gives `take` each socket's number and inode until it says that it has seen enough.
Status each_socket_of(int pid, const std::function<bool(int, std::uint64_t)>& take) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), &closedir);
  if (!folder) {
    return netlink_error("open " + path, errno);
  }
  while (const dirent* entry = readdir(folder.get())) {
    const char* const name = entry->d_name;
    int number = -1;
    if (std::from_chars(name, name + std::strlen(name), number).ec != std::errc()) {
      continue;
    }
    const auto inode = inode_of(dirfd(folder.get()), name);
    if (inode && take(number, *inode)) {
      break;
    }
  }
  return ok();
}

}  // namespace

Result<std::vector<TcpSocket>> tcp_sockets_at(const HostPort& local, TcpSocketKind kind) {
  const auto address = ipv4_of(local.host);
  if (!address) {
    return make_error(Errc::kInvalidArgument, "'" + local.host + "' is not an IPv4 address");
  }
  Request ask = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  ask.body.idiag_states = kind == TcpSocketKind::kListening
                              ? 1U << TCP_LISTEN
                              : 1U << TCP_ESTABLISHED | 1U << TCP_SYN_RECV | 1U << TCP_CLOSE_WAIT;
  ask.body.id.idiag_sport = htons(local.port);
  std::vector<TcpSocket> out;
  TRIVET_TRY(const int number, ask_kernel(ask, [&](const inet_diag_msg& found) {
               if (found.idiag_family == AF_INET && found.id.idiag_src[0] == *address &&
                   found.id.idiag_sport == htons(local.port)) {
                 const std::uint64_t cookie =
                     std::uint64_t{found.id.idiag_cookie[1]} << 32 | found.id.idiag_cookie[0];
                 out.push_back({found.id, cookie, found.idiag_inode});
               }
             }));
  if (number != 0) {
    return netlink_error("ask for TCP sockets", number);
  }
  return out;
}

Status end_tcp_socket(const TcpSocket& socket) {
  Request ask = request(SOCK_DESTROY, NLM_F_ACK);
  ask.body.idiag_states = ~0U;
  ask.body.id = socket.id;
  TRIVET_TRY(const int number, ask_kernel(ask, [](const inet_diag_msg&) {}));
  if (number == 0) {
    return ok();
  }
  Error error = netlink_error("end a TCP connection", number);
  if (number == EPERM) {
    error.message += "; it needs CAP_NET_ADMIN";
  } else if (number == EOPNOTSUPP) {
    error.message += "; it needs a kernel with CONFIG_INET_DIAG_DESTROY";
  }
  return error;
}

Status can_end_tcp_sockets() {
  // The privilege is asked for only once a connection was found, so it takes one.
  TRIVET_TRY(const Fd listener, listen_tcp({"127.0.0.1", 0}));
  TRIVET_TRY(const HostPort name, local_name(listener.get()));
  TRIVET_TRY(const Fd client, start_connect(name, std::nullopt));
  TRIVET_TRY(const HostPort local, local_name(client.get()));
  TRIVET_TRY(const auto found, tcp_sockets_at(local, TcpSocketKind::kConnected));
  if (found.empty()) {
    return make_error(Errc::kUnavailable,
                      "a connection of this process is not in the kernel's table");
  }
  return end_tcp_socket(found.front());
}

Result<std::set<std::uint64_t>> socket_inodes_of(int pid) {
  std::set<std::uint64_t> out;
  TRIVET_CHECK_OK(each_socket_of(pid, [&](int, std::uint64_t inode) {
    out.insert(inode);
    return false;
  }));
  return out;
}

Result<Fd> duplicate_socket_of(int pid, std::uint64_t inode) {
  const std::string what = "take a socket of process " + std::to_string(pid);
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) {
    return netlink_error(what, errno);
  }
  int number = -1;
  TRIVET_CHECK_OK(each_socket_of(pid, [&](int found, std::uint64_t of) {
    number = of == inode ? found : number;
    return of == inode;
  }));
  if (number < 0) {
    return make_error(Errc::kUnavailable, what + ": it does not have it");
  }
  Fd out(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, 0)));
  if (!out) {
    return netlink_error(what, errno);
  }
  struct stat taken{};
  if (fstat(out.get(), &taken) != 0 || taken.st_ino != inode) {
    return make_error(Errc::kUnavailable, what + ": it has closed it");
  }
  return out;
}

}  // namespace trivet::net
