// SPDX-License-Identifier: Apache-2.0
#include "net/kernel_steering.h"

#include <signal.h>
#include <sys/wait.h>

#include <memory>
#include <utility>
#include <vector>

#include "net/socket_table.h"
#include "net/socket_testing.h"

namespace trivet::net {
namespace {

constexpr std::string_view kGreeting = "greeting";

// Another process that listens on an address of its own, greets each client and echoes what it
// says.
class OtherProcess {
 public:
  OtherProcess() {
    const TestListener listener("127.41.14.2");
    name = listener.name;
    pid_ = fork();
    if (pid_ == 0) {
      serve(listener.fd.get());
      _exit(0);
    }
  }
  ~OtherProcess() { kill_now(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  int pid() const { return pid_; }
  void kill_now() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
  }

  HostPort name;

 private:
  static void serve(int listening) {
    std::vector<pollfd> watched{{.fd = listening, .events = POLLIN, .revents = 0}};
    while (poll(watched.data(), watched.size(), -1) >= 0) {
      for (std::size_t i = watched.size(); i-- > 0;) {
        if (watched[i].revents == 0) {
          continue;
        }
        if (i == 0) {
          const int client = accept(listening, nullptr, nullptr);
          static_cast<void>(send(client, kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL));
          watched.push_back({.fd = client, .events = POLLIN, .revents = 0});
          continue;
        }
        char byte = 0;
        if (recv(watched[i].fd, &byte, 1, 0) == 1) {
          static_cast<void>(send(watched[i].fd, &byte, 1, MSG_NOSIGNAL));
        } else {
          ::close(watched[i].fd);
          watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
    }
  }

  pid_t pid_ = 0;
};

class KernelSteeringTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = KernelSteering::open();
    if (!opened) {
      GTEST_SKIP() << "this kernel or user cannot steer: " << opened.error().message;
    }
    steering_ = std::move(*opened);
  }
  SteeringTarget other() const { return {.listening = other_.name, .pid = other_.pid()}; }
  TestSocket steered_client() {
    EXPECT_TRUE(steering_->steer(door_.name, other()).has_value());
    TestSocket client = TestSocket::connect_to(door_.name);
    EXPECT_TRUE(client.is_open());
    EXPECT_EQ(client.read_exactly(kGreeting.size()), kGreeting);
    return client;
  }
  static bool is_served(TestSocket& client) {
    return client.send_all("x") && client.read_exactly(1) == "x";
  }
  // Reaches this process's own listener.
  struct Own {
    TestSocket client;
    TestSocket server;
    bool is_connected() {
      return server.is_open() && client.send_all("own") && server.read_exactly(3) == "own";
    }
  };
  Own own_client() {
    Own own;
    own.client = TestSocket::connect_to(door_.name);
    own.server = TestSocket::accept_from(door_.fd);
    return own;
  }
  std::size_t end_connections(std::optional<int> keep = {}) {
    const auto ended = steering_->end_connections(door_.name, keep);
    EXPECT_TRUE(ended.has_value()) << (ended ? "" : ended.error().message);
    return ended ? ended->ended : 0;
  }

  // Forked first: it inherits nothing of what is below.
  OtherProcess other_;
  TestListener door_{"127.41.14.1"};
  std::unique_ptr<KernelSteering> steering_;
};

TEST_F(KernelSteeringTest, HandsNewConnectionsToTheOtherProcess) {
  TestSocket client = steered_client();
  EXPECT_TRUE(is_served(client));
  EXPECT_EQ(*peer_name(client.fd()), door_.name);
  EXPECT_FALSE(accept_one(door_.fd.get()).has_value());
}

TEST_F(KernelSteeringTest, LeavesOtherAddressesAlone) {
  const TestSocket client = steered_client();
  const TestListener beside("127.41.14.3");
  TestSocket there = TestSocket::connect_to(beside.name);
  EXPECT_TRUE(TestSocket::accept_from(beside.fd).is_open());
}

TEST_F(KernelSteeringTest, ReachesTheOwnListenerWhenReleasedAndLeavesConnectionsAlone) {
  TestSocket client = steered_client();
  steering_->release(door_.name);
  EXPECT_TRUE(own_client().is_connected());
  EXPECT_TRUE(is_served(client));
}

TEST_F(KernelSteeringTest, ReachesTheOwnListenerWhenTheOtherProcessDies) {
  TestSocket client = steered_client();
  other_.kill_now();
  client.read_to_end();
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(own_client().is_connected());
  // Nothing of ours keeps the dead one's port open.
  EXPECT_FALSE(TestSocket::connect_to(other_.name).is_open());
}

TEST_F(KernelSteeringTest, SteersToAnotherSocketFromThenOn) {
  TestSocket client = steered_client();
  OtherProcess next;
  ASSERT_TRUE(steering_->steer(door_.name, {.listening = next.name, .pid = next.pid()}));
  other_.kill_now();
  TestSocket later = TestSocket::connect_to(door_.name);
  EXPECT_EQ(later.read_exactly(kGreeting.size()), kGreeting);
}

TEST_F(KernelSteeringTest, RefusesAProcessThatDoesNotListenThere) {
  const auto code = [&](const SteeringTarget& to) {
    const Status steered = steering_->steer(door_.name, to);
    return steered ? std::optional<Errc>() : steered.error().code;
  };
  EXPECT_EQ(code({.listening = other_.name, .pid = getpid()}), Errc::kUnavailable);
  EXPECT_EQ(code({.listening = {"127.41.14.9", 1}, .pid = other_.pid()}), Errc::kUnavailable);
  EXPECT_EQ(code({.listening = {"::1", 1}, .pid = other_.pid()}), Errc::kInvalidArgument);
  EXPECT_TRUE(own_client().is_connected());
}

TEST_F(KernelSteeringTest, EndsSteeredConnectionsAndNoneOfItsOwn) {
  Own own = own_client();
  TestSocket first = steered_client();
  TestSocket second = steered_client();
  TestSocket direct = TestSocket::connect_to(other_.name);
  EXPECT_EQ(direct.read_exactly(kGreeting.size()), kGreeting);
  steering_->release(door_.name);
  EXPECT_EQ(end_connections(), 2U);
  for (TestSocket* client : {&first, &second}) {
    client->read_to_end();
    EXPECT_TRUE(client->was_reset());
  }
  EXPECT_TRUE(own.is_connected());
  EXPECT_TRUE(is_served(direct));
  EXPECT_EQ(end_connections(), 0U);
}

TEST_F(KernelSteeringTest, SparesTheProcessThatItIsTold) {
  OtherProcess next;
  TestSocket old = steered_client();
  ASSERT_TRUE(steering_->steer(door_.name, {.listening = next.name, .pid = next.pid()}));
  TestSocket now = TestSocket::connect_to(door_.name);
  EXPECT_EQ(now.read_exactly(kGreeting.size()), kGreeting);
  EXPECT_EQ(end_connections(next.pid()), 1U);
  old.read_to_end();
  EXPECT_TRUE(old.was_reset());
  EXPECT_TRUE(is_served(now));
}

TEST_F(KernelSteeringTest, EndsConnectionsOfAnEarlierRun) {
  TestSocket client = steered_client();
  steering_.reset();
  EXPECT_TRUE(own_client().is_connected());
  EXPECT_TRUE(is_served(client));
  // Its address can be listened on all the same.
  door_.fd.close();
  auto again = listen_tcp(door_.name);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  door_.fd = std::move(*again);
  auto opened = KernelSteering::open();
  ASSERT_TRUE(opened.has_value());
  steering_ = std::move(*opened);
  EXPECT_EQ(end_connections(other_.pid()), 0U);
  EXPECT_TRUE(is_served(client));
  EXPECT_EQ(end_connections(), 1U);
  client.read_to_end();
  EXPECT_TRUE(client.was_reset());
}

TEST_F(KernelSteeringTest, EndsWhatNobodyAcceptedOnlyAtTheSecondLook) {
  TestSocket kept = TestSocket::connect_to(door_.name);
  const auto first = steering_->end_connections(door_.name, {});
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->ended, 0U);
  EXPECT_EQ(first->undecided, 1U);
  TestSocket server = TestSocket::accept_from(door_.fd);
  EXPECT_EQ(end_connections(), 0U);
  EXPECT_TRUE(server.send_all("still"));
  EXPECT_EQ(kept.read_exactly(5), "still");

  TestSocket left = TestSocket::connect_to(door_.name);
  EXPECT_EQ(end_connections(), 0U);
  EXPECT_EQ(end_connections(), 1U);
  left.read_to_end();
  EXPECT_TRUE(left.was_reset());
}

TEST(SocketTable, FindsListenersAndWhoseTheyAre) {
  const TestListener listener("127.41.14.1");
  const auto found = tcp_sockets_at(listener.name, TcpSocketKind::kListening);
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 1U);
  const auto ours = socket_inodes_of(getpid());
  ASSERT_TRUE(ours.has_value());
  EXPECT_TRUE(ours->contains(found->front().inode));
  EXPECT_TRUE(tcp_sockets_at(listener.name, TcpSocketKind::kConnected)->empty());
  EXPECT_EQ(tcp_sockets_at({"::1", 1}, TcpSocketKind::kListening).error().code,
            Errc::kInvalidArgument);
}

TEST(SocketTable, KnowsOfNoProcessThatIsGone) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(socket_inodes_of(child).error().code, Errc::kNotFound);
  EXPECT_EQ(duplicate_socket_of(child, 1).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace trivet::net
