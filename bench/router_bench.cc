// SPDX-License-Identifier: Apache-2.0
//
// What the router costs: requests a second of an echo server, direct and through the router, in
// turns, and their ratio. With nothing but an echo behind it, every request is all network, so this
// is the worst that the router can look; `--work-us` lets the server compute for each request, as a
// database does.
//
//   router_bench [--connections 16] [--seconds 2] [--rounds 3] [--bytes 64] [--work-us 0]
//                [--relay-threads 0] [--address 127.0.0.1]
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "net/socket.h"
#include "router/router.h"

namespace {

using Clock = std::chrono::steady_clock;
using trivet::Fd;
using trivet::net::HostPort;

struct Options {
  long connections = 16;
  long seconds = 2;
  long rounds = 3;
  long bytes = 64;
  long work_us = 0;
  long relay_threads = 0;
  std::string address = "127.0.0.1";
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "router_bench: %s\n", message.c_str());
  std::exit(1);
}

template <typename T>
T must(trivet::Result<T> result) {
  if (!result) {
    fail(result.error().message);
  }
  return std::move(*result);
}

void set_blocking(int fd) {
  trivet::net::set_stream_options(fd);
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

// As mysqld does: a thread for each connection.
class EchoServer {
 public:
  explicit EchoServer(const Options& options) : work_(std::chrono::microseconds(options.work_us)) {
    listening_ = must(trivet::net::listen_tcp({options.address, 0}));
    name_ = must(trivet::net::local_name(listening_.get()));
    set_blocking(listening_.get());
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~EchoServer() {
    shutdown(listening_.get(), SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : serving_) {
      thread.join();
    }
  }
  const HostPort& name() const { return name_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) {
        serving_.emplace_back([this, fd] { serve(Fd(fd)); });
      } else if (errno != EAGAIN && errno != EINTR) {
        return;
      }
    }
  }
  // Processor time, not time: while others have the processor no work is done.
  void compute() const {
    const auto used = [] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    };
    if (work_ > work_.zero()) {
      const auto end = used() + work_;
      while (used() < end) {
      }
    }
  }
  void serve(const Fd& fd) const {
    set_blocking(fd.get());
    std::array<char, 65536> chunk{};
    for (;;) {
      const ssize_t got = recv(fd.get(), chunk.data(), chunk.size(), 0);
      if (got <= 0) {
        return;
      }
      compute();
      if (send(fd.get(), chunk.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
        return;
      }
    }
  }

  const std::chrono::microseconds work_;
  Fd listening_;
  HostPort name_;
  std::thread accepting_;
  std::vector<std::thread> serving_;
};

// Requests a second over `connections` connections, each with one request under way at a time.
double measure(const HostPort& to, const Options& options) {
  std::atomic<bool> is_over{false};
  std::atomic<long> requests{0};
  std::vector<std::thread> clients;
  std::vector<Fd> sockets;
  for (long i = 0; i < options.connections; ++i) {
    Fd connected = must(trivet::net::start_connect(to, std::nullopt));
    set_blocking(connected.get());
    sockets.push_back(std::move(connected));
  }
  const auto start = Clock::now();
  for (const Fd& socket : sockets) {
    clients.emplace_back([&is_over, &requests, &options, fd = socket.get()] {
      const std::string request(static_cast<std::size_t>(options.bytes), 'x');
      std::string answer(request.size(), '\0');
      long done = 0;
      while (!is_over) {
        if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 ||
            recv(fd, answer.data(), answer.size(), MSG_WAITALL) !=
                static_cast<ssize_t>(answer.size())) {
          fail("a connection broke");
        }
        ++done;
      }
      requests += done;
    });
  }
  std::this_thread::sleep_until(start + std::chrono::seconds(options.seconds));
  is_over = true;
  for (std::thread& client : clients) {
    client.join();
  }
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  return static_cast<double>(requests) / elapsed.count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Options parse(int argc, char** argv) {
  Options options;
  const std::map<std::string, long*> numbers = {
      {"--connections", &options.connections}, {"--seconds", &options.seconds},
      {"--rounds", &options.rounds},           {"--bytes", &options.bytes},
      {"--work-us", &options.work_us},         {"--relay-threads", &options.relay_threads}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const auto found = numbers.find(name);
    if (i + 1 >= argc || (found == numbers.end() && name != "--address")) {
      fail("unknown option " + name);
    }
    if (found == numbers.end()) {
      options.address = argv[i + 1];
    } else {
      *found->second = std::strtol(argv[i + 1], nullptr, 10);
    }
  }
  if (options.connections < 1 || options.seconds < 1 || options.rounds < 1 || options.bytes < 1 ||
      options.work_us < 0 || options.relay_threads < 0) {
    fail("numbers must be positive");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace trivet::routing;
  const Options options = parse(argc, argv);
  static_cast<void>(trivet::configure_log({.least = trivet::Level::kWarning}));
  const EchoServer server(options);
  const HostPort endpoint = [&] {
    const Fd probe = must(trivet::net::listen_tcp({options.address, 0}));
    return must(trivet::net::local_name(probe.get()));
  }();
  trivet::router::RouterOptions router_options;
  router_options.relay_threads = static_cast<std::size_t>(options.relay_threads);
  trivet::router::Router router(router_options);
  ClusterRoute route;
  route.cluster = trivet::ClusterResourceId("cluster-BENCH");
  route.writer = Address{server.name().host, server.name().port};
  const auto published =
      router.publish(std::make_shared<const EndpointTable>(must(EndpointTable::make(
          {{Address{endpoint.host, endpoint.port}, route.cluster, EndpointKind::kWriter}},
          {route}))));
  if (!published) {
    fail(published.error().message);
  }
  // In turns, so that a noisy neighbour hits both.
  std::vector<double> direct;
  std::vector<double> routed;
  for (long round = 0; round < options.rounds; ++round) {
    direct.push_back(measure(server.name(), options));
    routed.push_back(measure(endpoint, options));
    std::printf("round %ld: direct %.0f/s, through the router %.0f/s, ratio %.3f\n", round + 1,
                direct.back(), routed.back(), routed.back() / direct.back());
  }
  std::printf(
      "connections=%ld bytes=%ld work_us=%ld: direct %.0f/s, through the router %.0f/s, "
      "ratio %.3f\n",
      options.connections, options.bytes, options.work_us, median(direct), median(routed),
      median(routed) / median(direct));
  router.stop();
  return 0;
}
