// SPDX-License-Identifier: Apache-2.0
#include "net/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "core/dns/message.h"
#include "net/poller.h"

namespace trivet::net {
namespace {

constexpr std::size_t kMessageMax = 65'535;
constexpr std::uint32_t kTtlSeconds = 5;  // an address of an endpoint never changes, but it may go
constexpr Millis kForwardTimeout{5'000};
constexpr Millis kTcpTimeout{5'000};
constexpr int kTakenAtOnceMax = 64;  // before other sockets get their turn

std::uint32_t client_of(const sockaddr_in& from) {
  return ntohl(from.sin_addr.s_addr);
}

}  // namespace

struct DnsServer::Impl {
  struct TcpClient;
  // The sockets of one VPC.
  struct Resolver final : Poller::Watcher {
    void ready(std::uint32_t) override { owner->take_datagrams(*this); }
    Impl* owner = nullptr;
    std::string network;
    Fd udp;
    struct Door final : Poller::Watcher {
      void ready(std::uint32_t) override { resolver->owner->take_clients(*resolver); }
      Resolver* resolver = nullptr;
      Fd fd;
    } door;
  };
  struct TcpClient final : Poller::Watcher {
    void ready(std::uint32_t) override { owner->read_from(*this); }
    Impl* owner = nullptr;
    std::string network;
    std::uint64_t number = 0;
    std::uint32_t address = 0;
    Fd fd;
    std::string received;
    std::optional<Poller::TimerId> timer;
  };
  // Where an answer goes: a datagram's sender, or a connection.
  struct Asker {
    std::string network;
    sockaddr_in from{};
    std::uint64_t tcp_client = 0;  // 0: it came as a datagram
  };
  struct Forwarded final : Poller::Watcher {
    void ready(std::uint32_t) override { owner->take_answer(*this); }
    Impl* owner = nullptr;
    std::uint64_t number = 0;
    std::uint16_t upstream_id = 0;
    dns::Question question;
    Asker asker;
    Fd fd;
    std::optional<Poller::TimerId> timer;
  };

  explicit Impl(DnsServerOptions given) : options(std::move(given)), poller("dns") {}

  void serve(const std::string& network, Fd udp, Fd tcp) {
    leave(network);
    auto resolver = std::make_shared<Resolver>();
    resolver->owner = this;
    resolver->network = network;
    resolver->udp = std::move(udp);
    resolver->door.resolver = resolver.get();
    resolver->door.fd = std::move(tcp);
    poller.watch(resolver->udp.get(), 0, EPOLLIN, *resolver);
    poller.watch(resolver->door.fd.get(), 0, EPOLLIN, resolver->door);
    resolvers[network] = std::move(resolver);
  }

  void leave(const std::string& network) {
    const auto it = resolvers.find(network);
    if (it == resolvers.end()) {
      return;
    }
    poller.watch(it->second->udp.get(), EPOLLIN, 0, *it->second);
    poller.watch(it->second->door.fd.get(), EPOLLIN, 0, it->second->door);
    it->second->udp.close();
    it->second->door.fd.close();
    poller.release_later(it->second);
    resolvers.erase(it);
  }

  void take_datagrams(Resolver& resolver) {
    std::array<char, 4096> buffer{};
    for (int i = 0; i < kTakenAtOnceMax && resolver.udp; ++i) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t n = recvfrom(resolver.udp.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 0) {
        return;
      }
      answer({buffer.data(), static_cast<std::size_t>(n)},
             {.network = resolver.network, .from = from});
    }
  }

  void answer(std::string_view message, const Asker& asker) {
    const auto question = dns::parse_query(message);
    if (!question) {
      if (const auto refusal = dns::format_error(message)) {
        reply(asker, *refusal);
      }
      return;
    }
    const DnsVerdict verdict = options.decide(asker.network, client_of(asker.from), question->name);
    if (verdict.kind == DnsVerdict::Kind::kForward) {
      forward(message, *question, asker);
    } else if (verdict.kind == DnsVerdict::Kind::kNoSuchName) {
      reply(asker, dns::make_answer(*question, dns::ResponseCode::kNoSuchName));
    } else if (question->type == dns::kTypeA && question->klass == dns::kClassIn) {
      reply(asker, dns::make_answer(*question, verdict.address, kTtlSeconds));
    } else {
      reply(asker, dns::make_answer(*question, dns::ResponseCode::kOk));
    }
  }

  void reply(const Asker& asker, const std::string& message) {
    if (asker.tcp_client != 0) {
      reply_by_tcp(asker.tcp_client, message);
      return;
    }
    const auto it = resolvers.find(asker.network);
    if (it != resolvers.end()) {
      static_cast<void>(sendto(it->second->udp.get(), message.data(), message.size(), MSG_DONTWAIT,
                               reinterpret_cast<const sockaddr*>(&asker.from), sizeof asker.from));
    }
  }

  void forward(std::string_view message, const dns::Question& question, const Asker& asker) {
    if (forwarded.size() >= options.forwarded_max) {
      return;
    }
    const auto to = options.upstream ? ipv4_of(options.upstream->host) : std::nullopt;
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in upstream{};
    upstream.sin_family = AF_INET;
    upstream.sin_addr.s_addr = to.value_or(0);
    upstream.sin_port = htons(options.upstream ? options.upstream->port : 0);
    // A socket of its own for each question: its port is as hard to guess as its id.
    if (!to || !fd ||
        connect(fd.get(), reinterpret_cast<const sockaddr*>(&upstream), sizeof upstream) != 0) {
      reply(asker, dns::make_answer(question, dns::ResponseCode::kServerFailure));
      return;
    }
    auto pending = std::make_shared<Forwarded>();
    pending->owner = this;
    pending->number = ++last_number;
    pending->upstream_id = dns::id_of(random_bytes(2));
    pending->question = question;
    pending->asker = asker;
    pending->fd = std::move(fd);
    const std::string sent = dns::with_id(std::string(message), pending->upstream_id);
    static_cast<void>(send(pending->fd.get(), sent.data(), sent.size(), MSG_DONTWAIT));
    poller.watch(pending->fd.get(), 0, EPOLLIN, *pending);
    pending->timer = poller.after(kForwardTimeout, [this, number = pending->number] {
      const auto it = forwarded.find(number);
      if (it != forwarded.end()) {
        it->second->timer.reset();
        reply(it->second->asker,
              dns::make_answer(it->second->question, dns::ResponseCode::kServerFailure));
        forget(it->second);
      }
    });
    forwarded[pending->number] = std::move(pending);
  }

  void take_answer(Forwarded& pending) {
    std::array<char, 4096> buffer{};
    const ssize_t n = recv(pending.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    const std::string_view message(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    const auto it = forwarded.find(pending.number);
    if (it == forwarded.end()) {
      return;
    }
    if (n < 0) {
      reply(pending.asker, dns::make_answer(pending.question, dns::ResponseCode::kServerFailure));
    } else if (dns::answers(message, pending.question) &&
               dns::id_of(message) == pending.upstream_id) {
      reply(pending.asker, dns::with_id(std::string(message), pending.question.id));
    } else {
      return;  // somebody else's
    }
    forget(it->second);
  }

  void forget(std::shared_ptr<Forwarded> pending) {
    poller.watch(pending->fd.get(), EPOLLIN, 0, *pending);
    pending->fd.close();
    if (pending->timer) {
      poller.cancel(*pending->timer);
    }
    forwarded.erase(pending->number);
    poller.release_later(std::move(pending));
  }

  void take_clients(Resolver& resolver) {
    for (int i = 0; i < kTakenAtOnceMax && resolver.door.fd; ++i) {
      auto accepted = accept_one(resolver.door.fd.get());
      if (!accepted) {
        return;
      }
      const auto peer = peer_name(accepted->get());
      const auto address = peer ? ipv4_of(peer->host) : std::nullopt;
      if (!address || tcp_clients.size() >= options.tcp_clients_max) {
        continue;
      }
      auto client = std::make_shared<TcpClient>();
      client->owner = this;
      client->network = resolver.network;
      client->number = ++last_number;
      client->address = *address;
      client->fd = std::move(*accepted);
      poller.watch(client->fd.get(), 0, EPOLLIN, *client);
      client->timer = poller.after(kTcpTimeout, [this, number = client->number] {
        const auto it = tcp_clients.find(number);
        if (it != tcp_clients.end()) {
          it->second->timer.reset();
          close(it->second);
        }
      });
      tcp_clients[client->number] = std::move(client);
    }
  }

  void read_from(TcpClient& client) {
    std::array<char, 4096> buffer{};
    const ssize_t n = recv(client.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    const auto it = tcp_clients.find(client.number);
    if (it == tcp_clients.end()) {
      return;
    }
    const std::shared_ptr<TcpClient> kept = it->second;
    if (n <= 0 || client.received.size() > kMessageMax) {
      close(kept);
      return;
    }
    client.received.append(buffer.data(), static_cast<std::size_t>(n));
    while (client.fd && client.received.size() >= 2) {
      const std::size_t size = dns::id_of(client.received);  // two bytes, as an id
      if (client.received.size() < size + 2) {
        return;
      }
      const std::string message = client.received.substr(2, size);
      client.received.erase(0, size + 2);
      Asker asker{.network = client.network, .from = {}, .tcp_client = client.number};
      asker.from.sin_addr.s_addr = client.address;
      answer(message, asker);
    }
  }

  void reply_by_tcp(std::uint64_t number, const std::string& message) {
    const auto it = tcp_clients.find(number);
    if (it == tcp_clients.end()) {
      return;
    }
    std::string framed = dns::with_id("..", static_cast<std::uint16_t>(message.size())) + message;
    const ssize_t n =
        send(it->second->fd.get(), framed.data(), framed.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(framed.size())) {
      close(it->second);  // who does not read gets nothing more
    }
  }

  void close(std::shared_ptr<TcpClient> client) {
    poller.watch(client->fd.get(), EPOLLIN, 0, *client);
    client->fd.close();
    if (client->timer) {
      poller.cancel(*client->timer);
    }
    tcp_clients.erase(client->number);
    poller.release_later(std::move(client));
  }

  const DnsServerOptions options;
  std::map<std::string, std::shared_ptr<Resolver>> resolvers;
  std::map<std::uint64_t, std::shared_ptr<Forwarded>> forwarded;
  std::map<std::uint64_t, std::shared_ptr<TcpClient>> tcp_clients;
  std::uint64_t last_number = 0;
  Poller poller;  // last: its thread uses the rest
};

DnsServer::DnsServer(DnsServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

DnsServer::~DnsServer() {
  stop();
}

void DnsServer::serve(const std::string& network, Fd udp, Fd tcp) {
  auto sockets = std::make_shared<std::pair<Fd, Fd>>(std::move(udp), std::move(tcp));
  impl_->poller.post([impl = impl_.get(), network, sockets] {
    impl->serve(network, std::move(sockets->first), std::move(sockets->second));
  });
}

void DnsServer::leave(const std::string& network) {
  impl_->poller.post([impl = impl_.get(), network] { impl->leave(network); });
}

void DnsServer::stop() {
  impl_->poller.stop();
}

Result<Fd> bind_udp(const HostPort& at) {
  const auto address = ipv4_of(at.host);
  if (!address) {
    return make_error(Errc::kInvalidArgument, "'" + at.host + "' is not a numeric IPv4 address");
  }
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(at.port);
  name.sin_addr.s_addr = *address;
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return make_error(Errc::kUnavailable, errno_message("bind udp " + to_string(at), errno));
  }
  return fd;
}

std::optional<HostPort> upstream_of(const std::string& resolv_conf) {
  constexpr std::string_view kWord = "nameserver ";
  std::size_t begin = 0;
  while (begin < resolv_conf.size()) {
    const std::size_t end = std::min(resolv_conf.find('\n', begin), resolv_conf.size());
    const std::string line = resolv_conf.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with(kWord)) {
      const std::size_t at = line.find_first_not_of(" \t", kWord.size() - 1);
      const std::string host =
          at == std::string::npos ? "" : line.substr(at, line.find_first_of(" \t\r#", at) - at);
      if (ipv4_of(host)) {
        return HostPort{host, 53};
      }
    }
  }
  return std::nullopt;
}

}  // namespace trivet::net
