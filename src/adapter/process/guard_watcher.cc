// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/guard_watcher.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.h"

namespace trivet::process {
namespace {

using guard_wire::Reply;
using guard_wire::ReplyKind;

// Nothing depends on this: it only bounds the wait, as every wait must be bounded.
constexpr int kPollMs = 10'000;
constexpr Millis kConnectDeadline{1000};

}  // namespace

GuardWatcher::GuardWatcher(OnExit on_exit)
    : on_exit_(std::move(on_exit)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TRIVET_ASSERT(wake_.is_open());
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "guard-watcher");
    run();
  });
}

GuardWatcher::~GuardWatcher() {
  stopping_ = true;
  wake();
  thread_.join();
}

void GuardWatcher::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

Status GuardWatcher::watch(const std::string& member, const std::string& socket_path) {
  TRIVET_TRY(GuardClient client, GuardClient::connect(socket_path, kConnectDeadline));
  TRIVET_TRY(const GuardStatus status, client.status(kConnectDeadline));
  // A second connection, of which nothing was read yet: its first frame is the event, now or later.
  TRIVET_TRY(OwnedFd fd, connect_to_guard(socket_path));
  {
    const MutexLock lock(mutex_);
    watched_.insert_or_assign(member, Watched{member, std::move(fd), {}, status});
  }
  wake();
  return ok();
}

void GuardWatcher::unwatch(const std::string& member) {
  const MutexLock lock(mutex_);
  watched_.erase(member);
}

std::unique_ptr<MemberExit> GuardWatcher::read(Watched& watched) {
  char bytes[guard_wire::kReplyBytes];
  const ssize_t n =
      ::recv(watched.fd.get(), bytes, guard_wire::kReplyBytes - watched.buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return nullptr;
  }
  auto over = std::make_unique<MemberExit>();
  over->member = watched.member;
  over->status = watched.last;
  if (n <= 0) {
    over->guard_alive = false;
    return over;
  }
  watched.buffer.append(bytes, static_cast<std::size_t>(n));
  if (watched.buffer.size() < guard_wire::kReplyBytes) {
    return nullptr;
  }
  const auto reply = guard_wire::decode_reply(watched.buffer);
  watched.buffer.clear();
  if (!reply || reply->kind != ReplyKind::kExited) {
    return nullptr;
  }
  over->status = reply->status;
  return over;
}

void GuardWatcher::run() {
  while (!stopping_) {
    std::vector<pollfd> polls = {{wake_.get(), POLLIN, 0}};
    std::vector<std::string> members;
    {
      const MutexLock lock(mutex_);
      for (const auto& [member, watched] : watched_) {
        polls.push_back({watched.fd.get(), POLLIN, 0});
        members.push_back(member);
      }
    }
    if (::poll(polls.data(), polls.size(), kPollMs) <= 0) {
      continue;
    }
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &times, sizeof times);
    for (std::size_t i = 0; i < members.size() && !stopping_; ++i) {
      if (polls[i + 1].revents == 0) {
        continue;
      }
      std::unique_ptr<MemberExit> over;
      {
        const MutexLock lock(mutex_);
        const auto it = watched_.find(members[i]);
        if (it == watched_.end() || it->second.fd.get() != polls[i + 1].fd) {
          continue;
        }
        over = read(it->second);
        if (over) {
          watched_.erase(it);
        }
      }
      if (over) {
        on_exit_(*over);
      }
    }
  }
}

bool wait_process_gone(int pid, Millis deadline) {
  const OwnedFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.is_open()) {
    return errno == ESRCH;
  }
  pollfd dead{fd.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&dead, 1, static_cast<int>(deadline.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace trivet::process
