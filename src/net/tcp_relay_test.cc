// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_relay.h"

#include <atomic>

#include "net/socket_testing.h"

namespace trivet::net {
namespace {

const std::string kHost = "127.41.13.1";

// client ↔ relay ↔ server, the two outer ends in the test's hands.
class TcpRelayTest : public testing::Test {
 protected:
  TcpRelayTest() {
    const TestListener front(kHost);
    const TestListener back(kHost);
    client_ = TestSocket::connect_to(front.name);
    Fd client_side = release(TestSocket::accept_from(front.fd));
    auto connecting = start_connect(back.name, {});
    server_ = TestSocket::accept_from(back.fd);
    auto relay = std::make_shared<TcpRelay>(poller_, std::move(client_side), std::move(*connecting),
                                            [this] { is_done_ = true; });
    relay_ = relay;
    poller_.post([relay] { relay->start(); });
  }
  ~TcpRelayTest() override { poller_.stop(); }

  static Fd release(TestSocket socket) { return Fd(dup(socket.fd())); }
  bool is_done() {
    return eventually([this] { return is_done_.load(); });
  }
  void abort() {
    poller_.post([this] { relay_->abort(); });
  }

  Poller poller_{"relay-test"};
  TestSocket client_;
  TestSocket server_;
  std::shared_ptr<TcpRelay> relay_;
  std::atomic<bool> is_done_{false};
};

TEST_F(TcpRelayTest, CopiesBothWays) {
  ASSERT_TRUE(server_.send_all("greeting"));
  EXPECT_EQ(client_.read_exactly(8), "greeting");
  ASSERT_TRUE(client_.send_all("hello"));
  EXPECT_EQ(server_.read_exactly(5), "hello");
  client_.close();
  EXPECT_EQ(server_.read_to_end(), "");
  EXPECT_TRUE(server_.ended());
  server_.close();
  EXPECT_TRUE(is_done());
}

TEST_F(TcpRelayTest, PassesOnAHalfCloseAndKeepsTheOtherDirection) {
  ASSERT_TRUE(client_.send_all("last words"));
  client_.end_sending();
  EXPECT_EQ(server_.read_to_end(), "last words");
  EXPECT_TRUE(server_.ended());
  const std::string answer = patterned_bytes(3'000'000, 1);
  std::thread sending([&] {
    EXPECT_TRUE(server_.send_all(answer));
    server_.end_sending();
  });
  EXPECT_TRUE(client_.read_to_end() == answer);
  EXPECT_TRUE(client_.ended());
  EXPECT_FALSE(client_.was_reset());
  sending.join();
  EXPECT_TRUE(is_done());
}

TEST_F(TcpRelayTest, CopiesMuchInBothDirectionsAtOnce) {
  const std::string up = patterned_bytes(40'000'003, 2);
  const std::string down = patterned_bytes(30'000'001, 3);
  std::thread client_sends([&] {
    EXPECT_TRUE(client_.send_all(up));
    client_.end_sending();
  });
  std::thread server_sends([&] {
    EXPECT_TRUE(server_.send_all(down));
    server_.end_sending();
  });
  std::string got_up;
  std::thread server_reads([&] { got_up = server_.read_to_end(); });
  EXPECT_TRUE(client_.read_to_end() == down);
  server_reads.join();
  EXPECT_TRUE(got_up == up);
  client_sends.join();
  server_sends.join();
  EXPECT_TRUE(is_done());
}

TEST_F(TcpRelayTest, WaitsForASlowReaderAndLosesNothing) {
  // Far more than all socket buffers hold; the reader starts only when the writer has come to a
  // stand.
  const std::string all = patterned_bytes(60'000'000, 4);
  std::atomic<bool> has_sent{false};
  std::thread sending([&] {
    EXPECT_TRUE(client_.send_all(all));
    client_.end_sending();
    has_sent = true;
  });
  EXPECT_TRUE(eventually([&] { return !server_.is_quiet(); }));
  EXPECT_FALSE(has_sent);
  // The other direction is not held up by it.
  ASSERT_TRUE(server_.send_all("meanwhile"));
  EXPECT_EQ(client_.read_exactly(9), "meanwhile");
  EXPECT_TRUE(server_.read_to_end() == all);
  sending.join();
  server_.close();
  EXPECT_TRUE(is_done());
}

TEST_F(TcpRelayTest, PassesOnAReset) {
  ASSERT_TRUE(client_.send_all("x"));
  EXPECT_EQ(server_.read_exactly(1), "x");
  reset_on_close(server_.fd());
  server_.close();
  EXPECT_EQ(client_.read_to_end(), "");
  EXPECT_TRUE(client_.was_reset());
  EXPECT_TRUE(is_done());
}

TEST_F(TcpRelayTest, AbortResetsBothAndIsNotDone) {
  ASSERT_TRUE(client_.send_all("x"));
  EXPECT_EQ(server_.read_exactly(1), "x");
  abort();
  abort();
  client_.read_to_end();
  server_.read_to_end();
  EXPECT_TRUE(client_.was_reset());
  EXPECT_TRUE(server_.was_reset());
  poller_.stop();
  EXPECT_FALSE(is_done_);
}

}  // namespace
}  // namespace trivet::net
