// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include <algorithm>
#include <atomic>

#include "core/mysql_proto/packet.h"
#include "net/socket_testing.h"

namespace trivet::router {
namespace {

using net::eventually;
using net::HostPort;
using net::TestListener;
using net::TestSocket;
using routing::Address;
using routing::ClusterRoute;
using routing::EndpointKind;
using routing::EndpointTable;
using routing::Listener;

const ClusterResourceId kCluster("cluster-A");

Address address_of(const HostPort& name) {
  return {name.host, name.port};
}

// One cluster with three members that are listening sockets in the test's hands.
class RouterTest : public testing::Test {
 protected:
  explicit RouterTest(RouterOptions options = {}) : router_(with_threads(options)) {
    route_.cluster = kCluster;
    route_.term = Term(1);
    route_.writer = address_of(a_.name);
    route_.readers = {address_of(b_.name), address_of(c_.name)};
  }
  static RouterOptions with_threads(RouterOptions options) {
    options.relay_threads = 2;
    return options;
  }
  Status publish() {
    auto made =
        EndpointTable::make({{address_of(writer_endpoint_), kCluster, EndpointKind::kWriter},
                             {address_of(reader_endpoint_), kCluster, EndpointKind::kReader}},
                            {route_});
    EXPECT_TRUE(made.has_value());
    return router_.publish(std::make_shared<const EndpointTable>(*made));
  }
  // A client of `endpoint` and the backend's end of its connection.
  struct Pair {
    TestSocket client;
    TestSocket backend;
  };
  Pair connect(const HostPort& endpoint, const TestListener& expected) {
    Pair pair;
    pair.client = TestSocket::connect_to(endpoint);
    pair.backend = TestSocket::accept_from(expected.fd);
    EXPECT_TRUE(pair.backend.is_open());
    talk(pair);
    return pair;
  }
  static void talk(Pair& pair) {
    EXPECT_TRUE(pair.backend.send_all("greeting"));
    EXPECT_EQ(pair.client.read_exactly(8), "greeting");
    EXPECT_TRUE(pair.client.send_all("query"));
    EXPECT_EQ(pair.backend.read_exactly(5), "query");
  }
  static bool is_cut(Pair& pair) {
    pair.client.read_to_end();
    pair.backend.read_to_end();
    return pair.client.ended() && pair.backend.ended();
  }
  std::size_t active(const HostPort& backend) {
    const auto stats = router_.stats();
    EXPECT_TRUE(stats.has_value());
    for (const BackendStats& found : stats->backends) {
      if (found.backend == address_of(backend)) {
        return found.active;
      }
    }
    return 0;
  }
  std::size_t held() {
    const auto stats = router_.stats();
    EXPECT_TRUE(stats.has_value());
    std::size_t sum = 0;
    for (const ListenerStats& listener : stats->listeners) {
      sum += listener.held;
    }
    return sum;
  }
  // The message of the ERR packet that `client` got; the connection must end behind it.
  static std::string refusal(TestSocket& client) {
    const std::string packet = client.read_to_end();
    EXPECT_TRUE(client.ended());
    EXPECT_FALSE(client.was_reset());
    if (packet.size() < 7 || packet[4] != '\xff') {
      return "(no ERR packet)";
    }
    EXPECT_EQ(packet, mysql_proto::first_error_packet(
                          static_cast<std::uint16_t>(static_cast<unsigned char>(packet[5]) |
                                                     static_cast<unsigned char>(packet[6]) << 8),
                          packet.substr(7)));
    return packet.substr(7);
  }

  TestListener a_{"127.41.21.1"};
  TestListener b_{"127.41.21.2"};
  TestListener c_{"127.41.21.3"};
  const HostPort writer_endpoint_ = net::free_name("127.41.20.1");
  const HostPort reader_endpoint_ = net::free_name("127.41.20.2");
  ClusterRoute route_;
  Router router_;
};

class ImpatientRouterTest : public RouterTest {
 protected:
  ImpatientRouterTest() : RouterTest(impatient()) {}
  static RouterOptions impatient() {
    RouterOptions options;
    options.writer_hold = Millis(60);
    options.retry_interval = Millis(5);
    options.listen_retry_interval = Millis(5);
    return options;
  }
};

TEST_F(RouterTest, ConnectsTheWriterEndpointToTheWriter) {
  ASSERT_TRUE(publish().has_value());
  Pair pair = connect(writer_endpoint_, a_);
  EXPECT_EQ(active(a_.name), 1U);
  pair.client.close();
  EXPECT_EQ(pair.backend.read_to_end(), "");
  EXPECT_TRUE(pair.backend.ended());
  pair.backend.close();
  EXPECT_TRUE(eventually([&] { return active(a_.name) == 0; }));
  const auto stats = router_.stats();
  ASSERT_EQ(stats->backends.size(), 1U);
  EXPECT_EQ(stats->backends[0].total, 1U);
  EXPECT_EQ(stats->accepted, 1U);
  EXPECT_EQ(stats->refused, 0U);
}

TEST_F(RouterTest, ShowsTheBackendTheClientsLoopbackAddress) {
  ASSERT_TRUE(publish().has_value());
  const TestSocket client = TestSocket::connect_to(writer_endpoint_, "127.41.29.9");
  const TestSocket backend = TestSocket::accept_from(a_.fd);
  EXPECT_EQ(net::peer_name(backend.fd())->host, "127.41.29.9");
}

TEST_F(RouterTest, SpreadsReadersByFewestConnections) {
  ASSERT_TRUE(publish().has_value());
  Pair first = connect(reader_endpoint_, b_);
  Pair second = connect(reader_endpoint_, c_);
  Pair third = connect(reader_endpoint_, b_);
  EXPECT_EQ(active(b_.name), 2U);
  EXPECT_EQ(active(c_.name), 1U);
  first.client.close();
  first.backend.close();
  third.client.close();
  third.backend.close();
  EXPECT_TRUE(eventually([&] { return active(b_.name) == 0; }));
  Pair fourth = connect(reader_endpoint_, b_);
  EXPECT_EQ(active(a_.name), 0U);
}

TEST_F(RouterTest, CarriesManySessionsOnAllThreads) {
  ASSERT_TRUE(publish().has_value());
  std::vector<Pair> pairs;
  for (int i = 0; i < 64; ++i) {
    pairs.push_back(connect(writer_endpoint_, a_));
  }
  const std::string much = net::patterned_bytes(2'000'000, 5);
  for (Pair& pair : pairs) {
    std::thread sending([&] { EXPECT_TRUE(pair.client.send_all(much)); });
    EXPECT_TRUE(pair.backend.read_exactly(much.size()) == much);
    sending.join();
  }
  EXPECT_EQ(active(a_.name), 64U);
}

TEST_F(RouterTest, DropsTheDeposedWritersConnectionsAndConnectsNewOnesToTheNewWriter) {
  ASSERT_TRUE(publish().has_value());
  Pair old = connect(writer_endpoint_, a_);
  Pair reader_b = connect(reader_endpoint_, b_);
  Pair reader_c = connect(reader_endpoint_, c_);
  route_.term = Term(2);
  route_.writer = address_of(b_.name);
  route_.readers = {address_of(c_.name)};
  ASSERT_TRUE(publish().has_value());
  EXPECT_TRUE(is_cut(old));
  EXPECT_TRUE(is_cut(reader_b));  // it is the writer now
  talk(reader_c);                 // its backend is as good as before
  Pair fresh = connect(writer_endpoint_, b_);
  EXPECT_EQ(active(a_.name), 0U);
  EXPECT_EQ(router_.stats()->dropped, 2U);
}

TEST_F(RouterTest, DropsTheConnectionsOfTheSameWriterInANewTerm) {
  ASSERT_TRUE(publish().has_value());
  Pair old = connect(writer_endpoint_, a_);
  route_.term = Term(2);
  ASSERT_TRUE(publish().has_value());
  EXPECT_TRUE(is_cut(old));
  connect(writer_endpoint_, a_);
}

TEST_F(RouterTest, IgnoresATableOfAnOlderTerm) {
  route_.term = Term(5);
  ASSERT_TRUE(publish().has_value());
  Pair pair = connect(writer_endpoint_, a_);
  route_.term = Term(4);
  route_.writer = address_of(b_.name);
  ASSERT_TRUE(publish().has_value());
  talk(pair);
  connect(writer_endpoint_, a_);
}

TEST_F(RouterTest, HoldsNewConnectionsWhileThereIsNoWriterAndReleasesThem) {
  ASSERT_TRUE(publish().has_value());
  Pair old = connect(writer_endpoint_, a_);
  route_.term = Term(2);
  route_.writer.reset();
  ASSERT_TRUE(publish().has_value());
  EXPECT_TRUE(is_cut(old));
  std::vector<TestSocket> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(TestSocket::connect_to(writer_endpoint_));
    ASSERT_TRUE(clients.back().is_open());
  }
  EXPECT_TRUE(eventually([&] { return held() == 10; }));
  for (TestSocket& client : clients) {
    EXPECT_TRUE(client.is_quiet());
  }
  route_.writer = address_of(b_.name);
  ASSERT_TRUE(publish().has_value());
  std::vector<TestSocket> backends;
  for (int i = 0; i < 10; ++i) {
    backends.push_back(TestSocket::accept_from(b_.fd));
    ASSERT_TRUE(backends.back().send_all("greeting"));
  }
  for (TestSocket& client : clients) {
    EXPECT_EQ(client.read_exactly(8), "greeting");
  }
  EXPECT_EQ(held(), 0U);
}

TEST_F(RouterTest, ForgetsAHeldClientThatLeaves) {
  route_.writer.reset();
  ASSERT_TRUE(publish().has_value());
  TestSocket client = TestSocket::connect_to(writer_endpoint_);
  EXPECT_TRUE(eventually([&] { return held() == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return held() == 0; }));
}

TEST_F(ImpatientRouterTest, RefusesAHeldConnectionAfterTheBound) {
  route_.writer.reset();
  ASSERT_TRUE(publish().has_value());
  TestSocket client = TestSocket::connect_to(writer_endpoint_);
  EXPECT_TRUE(refusal(client).starts_with("Trivet: the cluster has no writer right now"));
  EXPECT_EQ(router_.stats()->refused, 1U);
}

TEST_F(ImpatientRouterTest, RefusesAfterTheBoundWhenTheWriterDoesNotAccept) {
  a_.fd.close();
  ASSERT_TRUE(publish().has_value());
  TestSocket client = TestSocket::connect_to(writer_endpoint_);
  EXPECT_TRUE(refusal(client).starts_with("Trivet: the cluster has no writer right now"));
  EXPECT_EQ(active(a_.name), 0U);
}

TEST_F(RouterTest, TriesAWriterThatDoesNotAcceptAgain) {
  a_.fd.close();
  ASSERT_TRUE(publish().has_value());
  TestSocket client = TestSocket::connect_to(writer_endpoint_);
  EXPECT_TRUE(eventually([&] { return held() == 1; }));
  auto again = net::listen_tcp(a_.name);
  ASSERT_TRUE(again.has_value());
  TestSocket backend = TestSocket::accept_from(*again);
  ASSERT_TRUE(backend.send_all("greeting"));
  EXPECT_EQ(client.read_exactly(8), "greeting");
}

TEST_F(RouterTest, TriesTheNextReaderAndRefusesWhenNoneAccepts) {
  ASSERT_TRUE(publish().has_value());
  b_.fd.close();
  Pair pair = connect(reader_endpoint_, c_);
  EXPECT_EQ(active(b_.name), 0U);
  c_.fd.close();
  TestSocket client = TestSocket::connect_to(reader_endpoint_);
  EXPECT_TRUE(refusal(client).starts_with("Trivet: the cluster has no reader"));
  talk(pair);
}

TEST_F(RouterTest, DropsTheConnectionsOfAReaderThatLeavesTheTable) {
  ASSERT_TRUE(publish().has_value());
  Pair b = connect(reader_endpoint_, b_);
  Pair c = connect(reader_endpoint_, c_);
  Pair writer = connect(writer_endpoint_, a_);
  route_.readers = {address_of(c_.name)};
  ASSERT_TRUE(publish().has_value());
  EXPECT_TRUE(is_cut(b));
  talk(c);
  talk(writer);
}

TEST_F(RouterTest, SendsReadersToTheWriterOnlyWhenTheTableAllowsIt) {
  route_.readers.clear();
  ASSERT_TRUE(publish().has_value());
  TestSocket refused = TestSocket::connect_to(reader_endpoint_);
  EXPECT_TRUE(refusal(refused).starts_with("Trivet: the cluster has no reader"));
  route_.readers_fall_back_to_writer = true;
  ASSERT_TRUE(publish().has_value());
  connect(reader_endpoint_, a_);
}

TEST_F(RouterTest, ClosesTheListenersAndConnectionsOfAnEndpointThatIsGone) {
  ASSERT_TRUE(publish().has_value());
  Pair pair = connect(writer_endpoint_, a_);
  route_.writer.reset();
  route_.term = Term(2);
  ASSERT_TRUE(publish().has_value());
  EXPECT_TRUE(is_cut(pair));
  TestSocket waiting = TestSocket::connect_to(writer_endpoint_);
  EXPECT_TRUE(eventually([&] { return held() == 1; }));
  ASSERT_TRUE(router_.publish(std::make_shared<const EndpointTable>()).has_value());
  waiting.read_to_end();
  EXPECT_TRUE(waiting.ended());
  EXPECT_FALSE(TestSocket::connect_to(writer_endpoint_).is_open());
  EXPECT_FALSE(TestSocket::connect_to(reader_endpoint_).is_open());
  EXPECT_TRUE(router_.stats()->listeners.empty());
}

TEST_F(ImpatientRouterTest, SaysWhichAddressItCannotListenOnAndTriesItAgain) {
  auto taken = net::listen_tcp(writer_endpoint_);
  ASSERT_TRUE(taken.has_value());
  const Status status = publish();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Errc::kUnavailable);
  EXPECT_NE(status.error().message.find(net::to_string(writer_endpoint_)), std::string::npos);
  EXPECT_NE(status.error().message.find("Address already in use"), std::string::npos);
  EXPECT_EQ(status.error().message.find(net::to_string(reader_endpoint_)), std::string::npos);
  connect(reader_endpoint_, b_);  // the rest of the table is in force
  taken->close();
  EXPECT_TRUE(eventually([&] {
    const auto stats = router_.stats();
    return std::all_of(stats->listeners.begin(), stats->listeners.end(),
                       [](const ListenerStats& l) { return l.is_listening && l.failure.empty(); });
  }));
  connect(writer_endpoint_, a_);
}

TEST_F(RouterTest, PublishesWithoutWaiting) {
  std::atomic<int> applied{0};
  auto table = EndpointTable::make(
      {{address_of(writer_endpoint_), kCluster, EndpointKind::kWriter}}, {route_});
  ASSERT_TRUE(table.has_value());
  EXPECT_TRUE(router_.publish(std::make_shared<const EndpointTable>(*table),
                              [&](const Status& status) { applied = status.has_value() ? 1 : 2; }));
  EXPECT_TRUE(eventually([&] { return applied == 1; }));
  connect(writer_endpoint_, a_);
}

TEST_F(RouterTest, StopCutsEverything) {
  ASSERT_TRUE(publish().has_value());
  Pair pair = connect(writer_endpoint_, a_);
  router_.stop();
  EXPECT_FALSE(TestSocket::connect_to(writer_endpoint_).is_open());
  EXPECT_EQ(publish().error().code, Errc::kUnavailable);
  EXPECT_EQ(router_.stats().error().code, Errc::kUnavailable);
}

TEST(RouterChurn, SurvivesConnectionsThatComeAndGoWhileTermsChange) {
  // A writer that accepts and answers, clients that come and go, and a term that changes all the
  // while.
  TestListener writer("127.41.22.1");
  const HostPort endpoint = net::free_name("127.41.22.2");
  Router router({.relay_threads = 2});
  ClusterRoute route;
  route.cluster = kCluster;
  route.writer = address_of(writer.name);
  std::atomic<bool> is_over{false};
  std::atomic<bool> are_clients_gone{false};
  std::thread server([&] {
    std::vector<TestSocket> open;
    while (!are_clients_gone) {
      auto fd = net::accept_one(writer.fd.get());
      if (fd) {
        open.emplace_back(std::move(*fd));
        open.back().send_all("greeting");
      }
      if (open.size() > 20) {
        open.erase(open.begin());
      }
      std::this_thread::yield();
    }
  });
  std::atomic<int> greeted{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!is_over) {
        TestSocket client = TestSocket::connect_to(endpoint);
        if (client.is_open() && client.read_exactly(8) == "greeting") {
          ++greeted;
        }
      }
    });
  }
  for (int term = 1; term <= 200; ++term) {
    route.term = Term(term);
    auto table =
        EndpointTable::make({{address_of(endpoint), kCluster, EndpointKind::kWriter}}, {route});
    ASSERT_TRUE(router.publish(std::make_shared<const EndpointTable>(*table)).has_value());
  }
  const int before = greeted;
  EXPECT_TRUE(eventually([&] { return greeted > before + 10; }));
  is_over = true;
  for (std::thread& client : clients) {
    client.join();
  }
  are_clients_gone = true;
  server.join();
}

}  // namespace
}  // namespace trivet::router
