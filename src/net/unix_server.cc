// SPDX-License-Identifier: Apache-2.0
#include "net/unix_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <future>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "net/acceptor.h"

namespace trivet::net {
namespace {

using ErrorCode = boost::system::error_code;
using LocalSocket = asio::local::stream_protocol::socket;

constexpr Millis kLoopDeadline{5'000};
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kReadBytes = 4096;  // at least, in one call: a usual frame whole

class Connection;

}  // namespace

// On the loop's thread but for `open_connections`.
struct UnixServer::State {
  struct Listening {
    std::shared_ptr<Acceptor> acceptor;
    std::set<std::shared_ptr<Connection>> connections;  // keeps each alive until it is closed
  };
  // Not owned: what waits in the loop's context keeps this state, and would keep the context with
  // it.
  Loop::Impl* loop = nullptr;
  FrameHandler handler;
  UnixServerOptions options;
  std::map<std::string, Listening> listening;  // by path
  std::atomic<std::size_t> open_connections{0};
  std::size_t delayed = 0;  // answers that wait
  bool is_stopped = false;
};

namespace {

// One client. Runs on the loop's thread, all calls.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<UnixServer::State> server, std::string path, FramePeer peer, Fd fd)
      : server_(std::move(server)),
        path_(std::move(path)),
        peer_(std::move(peer)),
        socket_(server_->loop->context, asio::local::stream_protocol(), fd.release()),
        idle_(server_->loop->context),
        delay_(server_->loop->context) {}

  void start() {
    ErrorCode error;
    socket_.non_blocking(true, error);
    if (error) {
      close();
      return;
    }
    touch();
    watch_idle();
    read();
  }

  // Cuts the connection. Calling it twice is harmless.
  void close() {
    if (!socket_.is_open()) {
      return;
    }
    const auto self = shared_from_this();
    ErrorCode ignored;
    socket_.close(ignored);
    idle_.cancel();
    delay_.cancel();
    --server_->open_connections;
    const auto found = server_->listening.find(path_);
    if (found != server_->listening.end()) {
      found->second.connections.erase(self);
    }
  }

 private:
  void touch() {
    active_until_ = asio::steady_timer::clock_type::now() + server_->options.idle_timeout;
  }

  // Set once for each timeout, not for each frame: setting a timer costs a system call.
  void watch_idle() {
    idle_.expires_at(active_until_);
    idle_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (error) {
        return;
      }
      if (self->active_until_ <= asio::steady_timer::clock_type::now()) {
        self->close();
      } else {
        self->watch_idle();
      }
    });
  }

  void read() {
    if (in_.size() - received_ < kReadBytes) {
      grow(received_ + kReadBytes);
    }
    socket_.async_read_some(asio::buffer(in_.data() + received_, in_.size() - received_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                              if (error) {
                                self->close();
                              } else {
                                self->received_ += size;
                                self->look();
                              }
                            });
  }

  // Room for `size` bytes, leaving no copy of a token behind.
  void grow(std::size_t size) {
    std::string wider(size, '\0');
    std::memcpy(wider.data(), in_.data(), received_);
    explicit_bzero(in_.data(), in_.size());
    in_.swap(wider);
  }

  // Answers the frames that are whole, one after the other, and reads on.
  void look() {
    while (socket_.is_open()) {
      if (received_ < kLengthBytes) {
        read();
        return;
      }
      const std::size_t size = first_frame();
      if (size > server_->options.frame_bytes_max) {
        log(Level::kWarning, "net.frame_too_long",
            {{"tag", peer_.tag}, {"bytes", std::uint64_t{size}}});
        close();
        return;
      }
      if (received_ - kLengthBytes < size) {
        read();
        return;
      }
      if (!answer(size)) {
        return;
      }
    }
  }

  // As its first four bytes say.
  std::size_t first_frame() const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      size = size << 8 | static_cast<unsigned char>(in_[i]);
    }
    return size;
  }

  // False: not sent yet, or the connection is closed; who sends it looks on.
  bool answer(std::size_t size) {
    const FrameAnswer response =
        server_->handler(std::string_view(in_).substr(kLengthBytes, size), peer_);
    // A frame may carry a login token: it is not kept between requests.
    const std::size_t end = kLengthBytes + size;
    std::memmove(in_.data(), in_.data() + end, received_ - end);
    explicit_bzero(in_.data() + (received_ - end), end);
    received_ -= end;
    if (response.payload.empty() || !socket_.is_open()) {
      close();
      return false;
    }
    touch();
    const auto response_size = static_cast<std::uint32_t>(response.payload.size());
    out_.clear();
    for (int shift = 24; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<char>(response_size >> shift & 0xff));
    }
    out_ += response.payload;
    if (response.delay > Millis(0) && server_->delayed < server_->options.delayed_max) {
      send_after(response.delay);
      return false;
    }
    return send();
  }

  void send_after(Millis delay) {
    ++server_->delayed;
    delay_.expires_after(delay);
    delay_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      --self->server_->delayed;
      if (!error && self->socket_.is_open() && self->send()) {
        self->look();
      }
    });
  }

  // At once, as nearly always can be done: the loop need not come round for it. False as in
  // answer().
  bool send() {
    ErrorCode error;
    const std::size_t sent = socket_.write_some(asio::buffer(out_), error);
    if (error && error != asio::error::would_block) {
      close();
      return false;
    }
    if (sent == out_.size()) {
      return true;
    }
    asio::async_write(socket_, asio::buffer(out_.data() + sent, out_.size() - sent),
                      [self = shared_from_this()](const ErrorCode& failed, std::size_t) {
                        if (failed) {
                          self->close();
                        } else {
                          self->look();
                        }
                      });
    return false;
  }

  std::shared_ptr<UnixServer::State> server_;
  const std::string path_;
  const FramePeer peer_;
  LocalSocket socket_;
  asio::steady_timer idle_;
  asio::steady_timer delay_;  // of an answer
  asio::steady_timer::time_point active_until_;
  std::string in_;  // the first `received_` bytes are read and not answered
  std::size_t received_ = 0;
  std::string out_;
};

void add_connection(const std::shared_ptr<UnixServer::State>& state, const std::string& path,
                    const std::string& tag, Fd fd) {
  const auto credentials = peer_credentials(fd.get());
  const auto found = state->listening.find(path);
  if (!credentials || found == state->listening.end()) {
    return;
  }
  if (state->open_connections >= state->options.connections_max) {
    log(Level::kWarning, "net.too_many_connections", {{"path", path}});
    return;
  }
  FramePeer peer{.tag = tag, .credentials = *credentials};
  auto connection = std::make_shared<Connection>(state, path, std::move(peer), std::move(fd));
  found->second.connections.insert(connection);
  ++state->open_connections;
  connection->start();
}

// Takes `path` out of `state` and closes all that belongs to it.
void drop_path(const std::shared_ptr<UnixServer::State>& state, const std::string& path) {
  const auto found = state->listening.find(path);
  if (found == state->listening.end()) {
    return;
  }
  const auto dropped = std::move(found->second);
  state->listening.erase(found);
  unlink(path.c_str());
  dropped.acceptor->close();
  for (const auto& connection : dropped.connections) {
    connection->close();
  }
}

// Runs `task` on the loop's thread and waits, or runs it here when the loop has ended. nullopt when
// the loop did not get to it in time.
template <typename Task>
auto run_on(Loop::Impl* loop, Task task) -> std::optional<decltype(task())> {
  if (loop->stopped) {
    return task();
  }
  TRIVET_ASSERT(std::this_thread::get_id() != loop->thread.get_id());
  auto result = std::make_shared<std::promise<decltype(task())>>();
  auto ran = result->get_future();
  asio::post(loop->context,
             [result, task = std::move(task)]() mutable { result->set_value(task()); });
  if (ran.wait_for(kLoopDeadline) != std::future_status::ready) {
    return std::nullopt;
  }
  return ran.get();
}

}  // namespace

UnixServer::UnixServer(Loop& loop, FrameHandler handler, UnixServerOptions options)
    : state_(std::make_shared<State>()) {
  state_->loop = loop.impl().get();
  state_->handler = std::move(handler);
  state_->options = options;
}

UnixServer::~UnixServer() {
  stop();
}

Status UnixServer::add(const std::string& path, const std::string& tag,
                       const UnixListenOptions& options) {
  TRIVET_TRY(Fd fd, listen_unix(path, options));
  auto kept = std::make_shared<Fd>(std::move(fd));
  const auto added = run_on(state_->loop, [state = state_, kept, path, tag] {
    if (state->is_stopped || state->loop->stopped) {
      unlink(path.c_str());
      return false;
    }
    auto acceptor = std::make_shared<Acceptor>(
        state->loop->context, std::move(*kept),
        [state, path, tag](Fd accepted) { add_connection(state, path, tag, std::move(accepted)); });
    state->listening[path].acceptor = acceptor;
    acceptor->start();
    return true;
  });
  if (!added.value_or(false)) {
    return make_error(Errc::kUnavailable, "listen on " + path + ": the server has stopped");
  }
  return ok();
}

void UnixServer::remove(const std::string& path) {
  const auto removed = run_on(state_->loop, [state = state_, path] {
    drop_path(state, path);
    return true;
  });
  if (!removed) {
    log(Level::kWarning, "net.unix_remove_late", {{"path", path}});
  }
}

void UnixServer::stop() {
  const auto stopped = run_on(state_->loop, [state = state_] {
    state->is_stopped = true;
    while (!state->listening.empty()) {
      drop_path(state, std::string(state->listening.begin()->first));
    }
    return true;
  });
  if (!stopped) {
    log(Level::kWarning, "net.unix_stop_late", {});
  }
}

std::size_t UnixServer::connections() const {
  return state_->open_connections;
}

}  // namespace trivet::net
