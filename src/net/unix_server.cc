// SPDX-License-Identifier: Apache-2.0
#include "net/unix_server.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "net/poller.h"

namespace trivet::net {
namespace {

constexpr Millis kThreadDeadline{5'000};
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kReadBytes = 4096;  // at least, in one call: a usual frame whole
// As many as are taken before other events of the thread get their turn.
constexpr int kAcceptedAtOnceMax = 64;
// Out of descriptors: time for some to be closed.
constexpr Millis kAcceptPause{100};

Instant now() {
  return SystemClock().now();
}

// Its calls wait, but not longer.
void set_waits(int fd, Millis longest) {
  const timeval limit{.tv_sec = longest.count() / 1000, .tv_usec = longest.count() % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

}  // namespace

// On the poller's thread but for what says otherwise.
struct UnixServer::Impl {
  class Connection;
  struct Door final : Poller::Watcher {
    void ready(std::uint32_t) override { owner->accept_from(*this); }
    Impl* owner = nullptr;
    std::string path;
    std::string tag;
    Fd fd;
    std::uint32_t wishes = 0;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections;  // by number
  };

  Impl(const std::string& name, FrameHandler given, UnixServerOptions limits)
      : thread_name(name), handler(std::move(given)), options(limits), poller(name) {}

  void open(Fd listening, const std::string& path, const std::string& tag);
  void watch(Door& door, std::uint32_t wishes);
  void accept_from(Door& door);
  void admit(Door& door, Fd accepted);
  void forget(const std::string& path, std::uint64_t connection);
  void close(const std::string& path);
  void close_all();
  // From any other thread, under `mutex`. Runs `task` on the thread and waits, or runs it here when
  // the thread has ended. False when the thread did not get to it in time: it may run later.
  bool run(Poller::Task task) REQUIRES_LOCK(mutex);

  const std::string thread_name;
  const FrameHandler handler;
  const UnixServerOptions options;
  std::map<std::string, std::shared_ptr<Door>> doors;  // by path
  std::uint64_t last_number = 0;                       // of a connection
  std::atomic<std::size_t> delayed{0};                 // answers that wait; of the connections
  std::atomic<std::size_t> open_connections{0};        // read by any thread
  Mutex mutex;                                         // of who adds, removes and stops
  bool is_stopped GUARDED_BY(mutex) = false;
  Poller poller;  // last: its thread uses the rest
};

// One client, and the thread that it is served on.
class UnixServer::Impl::Connection {
 public:
  Connection(Impl& owner, std::uint64_t number, std::string path, FramePeer peer, Fd fd)
      : owner_(owner),
        number_(number),
        path_(std::move(path)),
        peer_(std::move(peer)),
        fd_(std::move(fd)) {
    touch();
    set_waits(fd_.get(), owner.options.idle_timeout);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Cuts the connection and waits for its thread, which is at most one answer of the handler away.
  ~Connection() {
    cut();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  // Throws std::system_error: there is no thread to be had.
  void start() {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), owner_.thread_name.c_str());
      while (receive() && answer()) {
      }
      cut();
      explicit_bzero(in_.data(), in_.size());
      owner_.poller.post(
          [&owner = owner_, path = path_, number = number_] { owner.forget(path, number); });
    });
  }

  // Ends every wait of the thread. The descriptor stays its own until there is no thread.
  void cut() { shutdown(fd_.get(), SHUT_RDWR); }

 private:
  void touch() { active_until_ = now() + owner_.options.idle_timeout; }

  // Until there is a whole frame. False: the connection is over.
  bool receive() {
    for (;;) {
      if (received_ >= kLengthBytes) {
        frame_ = first_frame();
        if (frame_ > owner_.options.frame_bytes_max) {
          log(Level::kWarning, "net.frame_too_long",
              {{"tag", peer_.tag}, {"bytes", std::uint64_t{frame_}}});
          return false;
        }
        if (received_ - kLengthBytes >= frame_) {
          return true;
        }
      }
      if (in_.size() - received_ < kReadBytes) {
        grow(received_ + kReadBytes);
      }
      const ssize_t got = recv(fd_.get(), in_.data() + received_, in_.size() - received_, 0);
      if (got > 0) {
        received_ += static_cast<std::size_t>(got);
      } else if (got == 0 || errno != EINTR) {
        return false;
      }
      if (received_ > 0 && now() > active_until_) {
        return false;  // byte by byte
      }
    }
  }

  // Room for `size` bytes, leaving no copy of a token behind.
  void grow(std::size_t size) {
    std::string wider(size, '\0');
    std::memcpy(wider.data(), in_.data(), received_);
    explicit_bzero(in_.data(), in_.size());
    in_.swap(wider);
  }

  // As its first four bytes say.
  std::size_t first_frame() const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      size = size << 8 | static_cast<unsigned char>(in_[i]);
    }
    return size;
  }

  // False: the connection is over.
  bool answer() {
    const FrameAnswer response =
        owner_.handler(std::string_view(in_).substr(kLengthBytes, frame_), peer_);
    // A frame may carry a login token: it is not kept between requests.
    const std::size_t end = kLengthBytes + frame_;
    std::memmove(in_.data(), in_.data() + end, received_ - end);
    explicit_bzero(in_.data() + (received_ - end), end);
    received_ -= end;
    if (response.payload.empty() || !has_waited(response.delay)) {
      return false;
    }
    touch();
    const auto response_size = static_cast<std::uint32_t>(response.payload.size());
    out_.clear();
    for (int shift = 24; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<char>(response_size >> shift & 0xff));
    }
    out_ += response.payload;
    return send_all();
  }

  // False: the client left, or the connection is cut.
  bool has_waited(Millis delay) {
    if (delay <= Millis(0)) {
      return true;
    }
    bool is_there = true;
    if (++owner_.delayed <= owner_.options.delayed_max) {
      pollfd watched = {.fd = fd_.get(), .events = POLLRDHUP, .revents = 0};
      is_there = poll(&watched, 1, static_cast<int>(delay.count())) <= 0;
    }
    --owner_.delayed;
    return is_there;
  }

  bool send_all() {
    std::string_view rest = out_;
    while (!rest.empty()) {
      const ssize_t count = send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count > 0) {
        rest.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  Impl& owner_;
  const std::uint64_t number_;
  const std::string path_;
  const FramePeer peer_;
  const Fd fd_;
  // The rest is of the thread.
  Instant active_until_;
  std::string in_;  // the first `received_` bytes are read and not answered
  std::size_t received_ = 0;
  std::size_t frame_ = 0;  // the size of the first frame
  std::string out_;
  std::thread thread_;  // last: it uses the others
};

void UnixServer::Impl::open(Fd listening, const std::string& path, const std::string& tag) {
  auto door = std::make_shared<Door>();
  door->owner = this;
  door->path = path;
  door->tag = tag;
  door->fd = std::move(listening);
  watch(*door, EPOLLIN);
  doors[path] = std::move(door);
}

void UnixServer::Impl::watch(Door& door, std::uint32_t wishes) {
  if (!poller.watch(door.fd.get(), door.wishes, wishes, door)) {
    log(Level::kError, "net.watch_failed", {{"path", door.path}});
    return;
  }
  door.wishes = wishes;
}

void UnixServer::Impl::accept_from(Door& door) {
  for (int i = 0; i < kAcceptedAtOnceMax && door.fd; ++i) {
    auto accepted = accept_one(door.fd.get());
    if (accepted) {
      admit(door, std::move(*accepted));
      continue;
    }
    if (accepted.error().message.empty()) {
      return;
    }
    log(Level::kWarning, "net.accept_failed", {{"error", accepted.error().message}});
    watch(door, 0);
    poller.after(kAcceptPause, [this, path = door.path] {
      const auto found = doors.find(path);
      if (found != doors.end()) {
        watch(*found->second, EPOLLIN);
      }
    });
    return;
  }
}

void UnixServer::Impl::admit(Door& door, Fd accepted) {
  const auto credentials = peer_credentials(accepted.get());
  if (!credentials) {
    return;
  }
  if (open_connections >= options.connections_max) {
    log(Level::kWarning, "net.too_many_connections", {{"path", door.path}});
    return;
  }
  FramePeer peer{.tag = door.tag, .credentials = *credentials};
  auto connection = std::make_unique<Connection>(*this, ++last_number, door.path, std::move(peer),
                                                 std::move(accepted));
  try {
    connection->start();
  } catch (const std::system_error& error) {
    log(Level::kWarning, "net.no_thread", {{"path", door.path}, {"error", error.what()}});
    return;
  }
  ++open_connections;
  door.connections.emplace(last_number, std::move(connection));
}

// Of one that has ended by itself; gone already when its door was closed meanwhile.
void UnixServer::Impl::forget(const std::string& path, std::uint64_t connection) {
  const auto door = doors.find(path);
  if (door != doors.end()) {
    open_connections -= door->second->connections.erase(connection);
  }
}

void UnixServer::Impl::close(const std::string& path) {
  const auto found = doors.find(path);
  if (found == doors.end()) {
    return;
  }
  const auto door = found->second;
  doors.erase(found);
  unlink(path.c_str());
  watch(*door, 0);
  door->fd.close();
  for (const auto& [number, connection] : door->connections) {
    connection->cut();  // all of them before the first is waited for
  }
  open_connections -= door->connections.size();
  door->connections.clear();
  poller.release_later(door);
}

void UnixServer::Impl::close_all() {
  while (!doors.empty()) {
    close(std::string(doors.begin()->first));
  }
}

bool UnixServer::Impl::run(Poller::Task task) {
  if (is_stopped) {
    task();
    return true;
  }
  TRIVET_ASSERT(!poller.on_this_thread());
  // Shared: the thread may come to it after we gave up.
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> ran = done->get_future();
  poller.post([done, task = std::move(task)] {
    task();
    done->set_value();
  });
  return ran.wait_for(kThreadDeadline) == std::future_status::ready;
}

UnixServer::UnixServer(const std::string& name, FrameHandler handler, UnixServerOptions options)
    : impl_(std::make_unique<Impl>(name, std::move(handler), options)) {}

UnixServer::~UnixServer() {
  stop();
}

Status UnixServer::add(const std::string& path, const std::string& tag,
                       const UnixListenOptions& options) {
  const MutexLock lock(impl_->mutex);
  if (impl_->is_stopped) {
    return make_error(Errc::kUnavailable, "listen on " + path + ": the server has stopped");
  }
  TRIVET_TRY(Fd fd, listen_unix(path, options));
  auto kept = std::make_shared<Fd>(std::move(fd));  // a std::function is copyable
  if (!impl_->run(
          [impl = impl_.get(), kept, path, tag] { impl->open(std::move(*kept), path, tag); })) {
    return make_error(Errc::kUnavailable, "listen on " + path + ": the server does not answer");
  }
  return ok();
}

void UnixServer::remove(const std::string& path) {
  const MutexLock lock(impl_->mutex);
  if (!impl_->run([impl = impl_.get(), path] { impl->close(path); })) {
    log(Level::kWarning, "net.unix_remove_late", {{"path", path}});
  }
}

void UnixServer::stop() {
  const MutexLock lock(impl_->mutex);
  if (impl_->is_stopped) {
    return;
  }
  impl_->run([impl = impl_.get()] { impl->close_all(); });
  impl_->poller.stop();
  impl_->doors.clear();  // nothing, but where the thread did not get to it
  impl_->is_stopped = true;
}

std::size_t UnixServer::connections() const {
  return impl_->open_connections;
}

}  // namespace trivet::net
