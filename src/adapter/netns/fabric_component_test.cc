// SPDX-License-Identifier: Apache-2.0
//
// A VPC of two subnets in this kernel, with sockets that try to reach each other. Needs root.
#include "adapter/netns/fabric.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/network_namespace.h"
#include "base/random.h"

namespace trivet::netns {
namespace {

constexpr std::uint16_t kPort = 3306;

sockaddr_in to_address(const std::string& host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, host.c_str(), &out.sin_addr), 1);
  return out;
}

// A socket that listens in a namespace until the test ends.
class Listening {
 public:
  Listening(const std::string& path, const std::string& host, std::uint16_t port) {
    const Status made = in_network_namespace(path, [&] {
      fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in at = to_address(host, port);
      EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << host;
      EXPECT_EQ(::listen(fd_, 8), 0);
    });
    EXPECT_TRUE(made) << made.error().message;
  }
  ~Listening() { ::close(fd_); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  int fd_ = -1;
};

bool reaches(const std::string& path, const std::string& host, std::uint16_t port) {
  bool is_connected = false;
  const Status tried = in_network_namespace(path, [&] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_in to = to_address(host, port);
    static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
    int failure = 1;
    socklen_t size = sizeof failure;
    // What is filtered is lost: there is nothing else to wait for.
    if (::poll(&writable, 1, 400) == 1) {
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    is_connected = failure == 0;
    ::close(fd);
  });
  EXPECT_TRUE(tried) << tried.error().message;
  return is_connected;
}

SecurityGroupRule rule(bool is_egress, const std::string& cidr, const std::string& group = "") {
  SecurityGroupRule out;
  out.is_egress = is_egress;
  out.protocol = is_egress ? "-1" : "tcp";
  if (!is_egress) {
    out.port_min = out.port_max = kPort;
  }
  out.cidr_v4 = cidr;
  out.group_id = group;
  return out;
}

class FabricTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fabric_.why_not().empty()) {
      GTEST_SKIP() << fabric_.why_not();
    }
    picture_.vpc = {.id = "vpc-1", .cidr = "10.0.0.0/16"};
    picture_.subnets = {{.id = "subnet-a", .vpc_id = "vpc-1", .cidr = "10.0.1.0/24"},
                        {.id = "subnet-b", .vpc_id = "vpc-1", .cidr = "10.0.2.0/24"}};
    picture_.groups = {{.id = "sg-db", .vpc_id = "vpc-1", .rules = {rule(false, "", "sg-app")}},
                       {.id = "sg-app", .vpc_id = "vpc-1", .rules = {rule(true, "0.0.0.0/0")}},
                       {.id = "sg-none", .vpc_id = "vpc-1", .rules = {rule(true, "0.0.0.0/0")}}};
    add_interface("10.0.1.4", "db/cluster/writer", "sg-db");
    apply();
  }
  void TearDown() override {
    if (fabric_.why_not().empty()) {
      const Status cleared = fabric_.clear(true);
      EXPECT_TRUE(cleared) << cleared.error().message;
      EXPECT_NE(::access(fabric_.namespace_path("vpc-1").c_str(), F_OK), 0);
    }
  }

  void add_interface(const std::string& address, const std::string& owner,
                     const std::string& group) {
    NetworkInterface interface;
    interface.address = address;
    interface.owner = owner;
    interface.group_ids = {group};
    picture_.interfaces.push_back(interface);
  }
  void apply() {
    const Status applied = fabric_.apply("vpc-1", network::make_plan(picture_, {}));
    ASSERT_TRUE(applied) << applied.error().message;
  }
  std::string environment(const std::string& name, const std::string& address,
                          const std::string& router, const std::string& group) {
    add_interface(address, "arn:function", group);
    apply();
    const auto made =
        fabric_.add_environment("vpc-1", {.name = name, .address = address, .router = router});
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : "";
  }

  NetnsFabric fabric_{
      {.installation_id = "fabric-test-" + random_uuid(), .address_prefix = "127.251"}};
  network::Picture picture_;
};

TEST_F(FabricTest, LetsThroughWhatTheGroupsAllowAndNothingElse) {
  const std::string app = environment("e1", "10.0.2.17", "10.0.2.1", "sg-app");
  const std::string other = environment("e2", "10.0.1.17", "10.0.1.1", "sg-none");
  const Listening database(fabric_.namespace_path("vpc-1"), "10.0.1.4", kPort);
  const Listening same_host(fabric_.namespace_path("vpc-1"), "10.0.1.4", 22);
  const Listening neighbour(other, "10.0.1.17", kPort);
  EXPECT_TRUE(reaches(app, "10.0.1.4", kPort));
  EXPECT_FALSE(reaches(app, "10.0.1.4", 22));
  EXPECT_FALSE(reaches(other, "10.0.1.4", kPort));
  EXPECT_FALSE(reaches(app, "10.0.1.17", kPort));

  // A rule for the neighbour: from subnet to subnet, through the router.
  picture_.groups[2].rules.push_back(rule(false, "10.0.2.0/24"));
  apply();
  EXPECT_TRUE(reaches(app, "10.0.1.17", kPort));
  // Without the database's rule nobody gets in, without an egress rule nobody gets out.
  picture_.groups[0].rules.clear();
  apply();
  EXPECT_FALSE(reaches(app, "10.0.1.4", kPort));
  picture_.groups[1].rules.clear();
  apply();
  EXPECT_FALSE(reaches(app, "10.0.1.17", kPort));
}

TEST_F(FabricTest, NeighboursInOneSubnetAreFilteredToo) {
  const std::string a = environment("e1", "10.0.1.17", "10.0.1.1", "sg-app");
  const std::string b = environment("e2", "10.0.1.18", "10.0.1.1", "sg-app");
  const Listening open(b, "10.0.1.18", kPort);
  EXPECT_FALSE(reaches(a, "10.0.1.18", kPort));
  picture_.groups[1].rules.push_back(rule(false, "", "sg-app"));
  apply();
  EXPECT_TRUE(reaches(a, "10.0.1.18", kPort));
}

TEST_F(FabricTest, AnEnvironmentThatIsRemovedReachesNothing) {
  const std::string app = environment("e1", "10.0.2.17", "10.0.2.1", "sg-app");
  const Listening database(fabric_.namespace_path("vpc-1"), "10.0.1.4", kPort);
  ASSERT_TRUE(reaches(app, "10.0.1.4", kPort));
  ASSERT_TRUE(fabric_.remove_environment("vpc-1", "e1"));
  EXPECT_NE(::access(app.c_str(), F_OK), 0);
  EXPECT_TRUE(fabric_.remove_environment("vpc-1", "e1"));
}

TEST_F(FabricTest, TakesADeletedNamespaceForGoneAndMakesItAgain) {
  ASSERT_TRUE(fabric_.is_there("vpc-1"));
  NetnsFabric other({.installation_id = "another-" + random_uuid(), .address_prefix = "127.252"});
  EXPECT_TRUE(other.clear(true));  // takes nothing of ours
  EXPECT_TRUE(fabric_.is_there("vpc-1"));
  ASSERT_TRUE(fabric_.remove("vpc-1"));
  EXPECT_FALSE(fabric_.is_there("vpc-1"));
  apply();
  EXPECT_TRUE(fabric_.is_there("vpc-1"));
}

}  // namespace
}  // namespace trivet::netns
