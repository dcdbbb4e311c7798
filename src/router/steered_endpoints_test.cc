// SPDX-License-Identifier: Apache-2.0
#include "router/steered_endpoints.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/mutex.h"
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

const ClusterResourceId kCluster("cluster-A");
constexpr int kPid = 4'711;
constexpr int kOtherPid = 4'712;

Address address_of(const HostPort& name) {
  return {name.host, name.port};
}

// Remembers what it was told, in words.
class FakeSteering final : public net::Steering {
 public:
  Status steer(const HostPort& at, const net::SteeringTarget& to) override {
    say("steer " + net::to_string(at) + " to " + std::to_string(to.pid));
    const MutexLock lock(mutex_);
    return failing_ ? Status(make_error(Errc::kUnavailable, "not now")) : ok();
  }
  void release(const HostPort& at) override { say("release " + net::to_string(at)); }
  Result<net::EndedConnections> end_connections(const HostPort& at,
                                                std::optional<int> keep) override {
    say("end " + net::to_string(at) + (keep ? " but " + std::to_string(*keep) : ""));
    const MutexLock lock(mutex_);
    if (failing_) {
      return make_error(Errc::kUnavailable, "not now");
    }
    return net::EndedConnections{.ended = std::exchange(connections_, 0), .undecided = 0};
  }

  void fail(bool failing) {
    const MutexLock lock(mutex_);
    failing_ = failing;
  }
  void put_connections(std::size_t count) {
    const MutexLock lock(mutex_);
    connections_ = count;
  }
  // What was said since the last call.
  std::vector<std::string> take() {
    const MutexLock lock(mutex_);
    return std::exchange(said_, {});
  }
  std::size_t said() const {
    const MutexLock lock(mutex_);
    return said_.size();
  }

 private:
  void say(std::string words) {
    const MutexLock lock(mutex_);
    said_.push_back(std::move(words));
  }

  mutable Mutex mutex_;
  std::vector<std::string> said_ GUARDED_BY(mutex_);
  std::size_t connections_ GUARDED_BY(mutex_) = 0;
  bool failing_ GUARDED_BY(mutex_) = false;
};

class SteeredEndpointsTest : public testing::Test {
 protected:
  SteeredEndpointsTest() {
    RouterOptions options;
    options.relay_threads = 1;
    options.listen_retry_interval = Millis(5);
    options.steering = steering_;
    router_ = std::make_unique<Router>(options);
    route_.cluster = kCluster;
    route_.term = Term(1);
    route_.writer = address_of(a_.name);
    route_.writer_pid = kPid;
    route_.readers = {address_of(b_.name)};
  }
  void publish() { EXPECT_TRUE(publish(endpoint_).has_value()); }
  Status publish(const HostPort& endpoint) {
    auto made =
        EndpointTable::make({{address_of(endpoint), kCluster, EndpointKind::kWriter},
                             {address_of(reader_endpoint_), kCluster, EndpointKind::kReader}},
                            {route_});
    EXPECT_TRUE(made.has_value());
    return router_->publish(std::make_shared<const EndpointTable>(*made));
  }
  void publish_nothing() {
    EXPECT_TRUE(router_->publish(std::make_shared<const EndpointTable>()).has_value());
  }
  using Words = std::vector<std::string>;
  // What the steering is told, once it is that much.
  Words told(std::size_t count) {
    EXPECT_TRUE(eventually([&] { return steering_->said() >= count; }));
    return steering_->take();
  }
  std::string steer(int pid) const { return "steer " + at_ + " to " + std::to_string(pid); }
  std::string end(std::optional<int> spared = {}) const {
    return "end " + at_ + (spared ? " but " + std::to_string(*spared) : "");
  }
  std::string release() const { return "release " + at_; }
  bool is_steered() {
    const auto stats = router_->stats();
    EXPECT_TRUE(stats.has_value());
    return std::any_of(stats->listeners.begin(), stats->listeners.end(),
                       [](const ListenerStats& l) { return l.is_steered; });
  }
  // Steered to kPid in term 1.
  void begin() {
    publish();
    EXPECT_EQ(told(2), (Words{end(kPid), steer(kPid)}));
    EXPECT_TRUE(is_steered());
  }
  void depose() {
    route_.term = Term(2);
    route_.writer.reset();
    route_.writer_pid.reset();
  }
  void choose(const HostPort& writer, int pid) {
    route_.writer = address_of(writer);
    route_.writer_pid = pid;
  }

  TestListener a_{"127.41.23.1"};
  TestListener b_{"127.41.23.2"};
  const HostPort endpoint_ = net::free_name("127.41.23.3");
  const HostPort reader_endpoint_ = net::free_name("127.41.23.4");
  const std::string at_ = net::to_string(endpoint_);
  const std::shared_ptr<FakeSteering> steering_ = std::make_shared<FakeSteering>();
  ClusterRoute route_;
  std::unique_ptr<Router> router_;
};

TEST_F(SteeredEndpointsTest, SteersTheWriterEndpointOnceAndNoReaders) {
  begin();
  publish();
  route_.readers.clear();
  publish();
  EXPECT_EQ(told(0), Words{});
  EXPECT_TRUE(is_steered());
}

TEST_F(SteeredEndpointsTest, EndsTheDeposedWritersConnectionsBeforeTheTableIsInForce) {
  begin();
  steering_->put_connections(3);
  depose();
  publish();
  Words words = told(2);
  words.resize(2);
  EXPECT_EQ(words, (Words{release(), end()}));
  EXPECT_FALSE(is_steered());
  EXPECT_EQ(router_->stats()->dropped, 3U);
}

TEST_F(SteeredEndpointsTest, SteersToTheNewWriterAfterASecondLook) {
  begin();
  depose();
  choose(b_.name, kOtherPid);
  publish();
  EXPECT_EQ(told(4), (Words{release(), end(), end(), steer(kOtherPid)}));
  EXPECT_TRUE(eventually([&] { return is_steered(); }));
}

TEST_F(SteeredEndpointsTest, EndsTheConnectionsOfTheSameWriterInANewTerm) {
  begin();
  route_.term = Term(2);
  publish();
  EXPECT_EQ(told(4), (Words{release(), end(), end(), steer(kPid)}));
}

TEST_F(SteeredEndpointsTest, EndsTheConnectionsOfAWriterWhoseServerIsAnother) {
  begin();
  route_.writer_pid = kOtherPid;
  publish();
  EXPECT_EQ(told(4), (Words{release(), end(), end(), steer(kOtherPid)}));
}

TEST_F(SteeredEndpointsTest, GoesOnWhenTheProcessIsNotKnownForAWhile) {
  begin();
  route_.writer_pid.reset();
  publish();
  EXPECT_TRUE(is_steered());
  EXPECT_EQ(told(0), Words{});
}

TEST_F(SteeredEndpointsTest, CopiesWhileTheProcessIsNotKnown) {
  route_.writer_pid.reset();
  publish();
  TestSocket client = TestSocket::connect_to(endpoint_);
  EXPECT_TRUE(TestSocket::accept_from(a_.fd).is_open());
  EXPECT_EQ(told(0), Words{});
}

TEST_F(SteeredEndpointsTest, LeavesConnectionsOfAnEarlierRunUntilItKnowsTheWriter) {
  route_.writer.reset();
  route_.writer_pid.reset();
  publish();
  EXPECT_EQ(told(0), Words{});
  choose(a_.name, kPid);
  publish();
  EXPECT_EQ(told(2), (Words{end(kPid), steer(kPid)}));
}

TEST_F(SteeredEndpointsTest, EndsConnectionsOfAnEarlierRunInANewTerm) {
  route_.writer.reset();
  publish();
  depose();
  publish();
  EXPECT_EQ(told(2), (Words{end(), end()}));
}

TEST_F(SteeredEndpointsTest, CopiesAndTriesAgainWhenItCannotSteer) {
  begin();
  depose();
  publish();
  told(2);
  EXPECT_TRUE(eventually([&] {
    const Words words = steering_->take();
    return std::find(words.begin(), words.end(), end()) != words.end();
  }));
  steering_->fail(true);
  choose(b_.name, kOtherPid);
  publish();
  told(2);
  TestSocket client = TestSocket::connect_to(endpoint_);
  EXPECT_TRUE(TestSocket::accept_from(b_.fd).is_open());
  EXPECT_FALSE(is_steered());
  steering_->fail(false);
  EXPECT_TRUE(eventually([&] { return is_steered(); }));
}

TEST_F(SteeredEndpointsTest, DoesNotSteerWhileOldConnectionsCannotBeEnded) {
  begin();
  steering_->fail(true);
  route_.term = Term(2);
  publish();
  for (const std::string& word : told(6)) {
    EXPECT_TRUE(word == release() || word == end()) << word;
  }
  steering_->fail(false);
  EXPECT_TRUE(eventually([&] { return is_steered(); }));
}

TEST_F(SteeredEndpointsTest, LeavesAnAddressThatSomebodyElseListensOn) {
  auto taken = net::listen_tcp(endpoint_);
  ASSERT_TRUE(taken.has_value());
  EXPECT_FALSE(publish(endpoint_).has_value());
  EXPECT_EQ(told(0), Words{});
  EXPECT_FALSE(is_steered());
  taken->close();
  EXPECT_EQ(told(2), (Words{end(kPid), steer(kPid)}));
}

TEST_F(SteeredEndpointsTest, LeavesIpv6ToTheCopier) {
  const TestListener writer("::1");
  if (!writer.fd) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  choose(writer.name, kPid);
  publish();
  TestSocket client = TestSocket::connect_to(endpoint_);
  EXPECT_TRUE(TestSocket::accept_from(writer.fd).is_open());
  EXPECT_EQ(told(0), Words{});
}

TEST_F(SteeredEndpointsTest, EndsEverythingOfAnEndpointThatIsGone) {
  begin();
  publish_nothing();
  EXPECT_EQ(told(3), (Words{release(), end(), end()}));
  EXPECT_TRUE(router_->stats()->listeners.empty());
  publish();  // as if it had never been there
  EXPECT_EQ(told(2), (Words{end(kPid), steer(kPid)}));
}

TEST_F(SteeredEndpointsTest, StopReleasesAndLeavesConnections) {
  begin();
  router_->stop();
  EXPECT_EQ(told(1), (Words{release()}));
}

}  // namespace
}  // namespace trivet::router
