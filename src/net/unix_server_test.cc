// SPDX-License-Identifier: Apache-2.0
#include "net/unix_server.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "net/socket_testing.h"

namespace trivet::net {
namespace {

std::string frame(const std::string& payload) {
  const auto size = payload.size();
  return {static_cast<char>(size >> 24 & 0xff), static_cast<char>(size >> 16 & 0xff),
          static_cast<char>(size >> 8 & 0xff), static_cast<char>(size & 0xff)};
}
std::string framed(const std::string& payload) {
  return frame(payload) + payload;
}

std::string read_frame(TestSocket& socket) {
  const std::string length = socket.read_exactly(4);
  if (length.size() < 4) {
    return "(closed)";
  }
  std::size_t size = 0;
  for (const char byte : length) {
    size = size << 8 | static_cast<unsigned char>(byte);
  }
  return socket.read_exactly(size);
}

class UnixServerTest : public testing::Test {
 protected:
  static std::string answer(std::string_view payload, const FramePeer& peer) {
    if (payload == "hang up") {
      return "";
    }
    return peer.tag + "/" + std::to_string(peer.credentials.uid) + "/" +
           std::to_string(peer.credentials.pid) + "/" + std::string(payload);
  }
  static std::string prefix(const std::string& tag) {
    return tag + "/" + std::to_string(getuid()) + "/" + std::to_string(getpid()) + "/";
  }
  const TestFolder folder_;
  const std::string path_ = folder_.file("a");
};

TEST_F(UnixServerTest, AnswersManyFramesOfOneConnection) {
  UnixServer server("auth-test", answer);
  ASSERT_TRUE(server.add(path_, "member-1").has_value());
  TestSocket client = TestSocket::connect_to_path(path_);
  ASSERT_TRUE(client.send_all(framed("one") + framed("two") + framed("")));
  EXPECT_EQ(read_frame(client), prefix("member-1") + "one");
  EXPECT_EQ(read_frame(client), prefix("member-1") + "two");
  EXPECT_EQ(read_frame(client), prefix("member-1"));
  // In pieces.
  const std::string split = framed("three");
  for (const char byte : split) {
    ASSERT_TRUE(client.send_all(std::string(1, byte)));
  }
  EXPECT_EQ(read_frame(client), prefix("member-1") + "three");
}

// More answers than a socket takes: the rest is sent when there is room.
TEST_F(UnixServerTest, AnswersWhoAsksALotAndReadsLate) {
  constexpr int kQuestions = 200;
  const std::string long_answer = patterned_bytes(20 * 1024, 5);
  UnixServer server("auth-test", [&](std::string_view payload, const FramePeer&) {
    return long_answer + std::string(payload);
  });
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket client = TestSocket::connect_to_path(path_);
  TestSocket other = TestSocket::connect_to_path(path_);
  std::string questions;
  for (int i = 0; i < kQuestions; ++i) {
    questions += framed(std::to_string(i));
  }
  ASSERT_TRUE(client.send_all(questions));
  ASSERT_TRUE(other.send_all(framed("other")));
  EXPECT_EQ(read_frame(other), long_answer + "other");
  for (int i = 0; i < kQuestions; ++i) {
    ASSERT_EQ(read_frame(client), long_answer + std::to_string(i));
  }
}

TEST_F(UnixServerTest, TakesTheLongestFrameAndClosesOnALongerOne) {
  UnixServer server("auth-test", answer);
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket client = TestSocket::connect_to_path(path_);
  const std::string longest = patterned_bytes(80 * 1024, 3);
  ASSERT_TRUE(client.send_all(framed(longest)));
  EXPECT_EQ(read_frame(client), prefix("m") + longest);
  ASSERT_TRUE(client.send_all(frame(longest + "x")));
  EXPECT_EQ(read_frame(client), "(closed)");
  EXPECT_TRUE(client.ended());
}

TEST_F(UnixServerTest, ADelayedAnswerHoldsUpNobodyElse) {
  const auto answer_slowly = [](std::string_view payload, const FramePeer&) {
    return FrameAnswer(std::string(payload), payload == "slow" ? Millis(150) : Millis(0));
  };
  UnixServer server("auth-test", answer_slowly, {.delayed_max = 1});
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket slow = TestSocket::connect_to_path(path_);
  TestSocket other = TestSocket::connect_to_path(path_);
  TestSocket gone = TestSocket::connect_to_path(path_);
  const SystemClock clock;
  const Instant begun = clock.now();
  ASSERT_TRUE(slow.send_all(framed("slow")));
  ASSERT_TRUE(other.send_all(framed("fast")));
  EXPECT_EQ(read_frame(other), "fast");
  EXPECT_EQ(read_frame(slow), "slow");
  EXPECT_GE(since(begun, clock.now()), Millis(150));
  // A further one goes out at once; who hangs up meanwhile harms nobody.
  ASSERT_TRUE(slow.send_all(framed("slow")));
  ASSERT_TRUE(gone.send_all(framed("slow")));
  EXPECT_EQ(read_frame(gone), "slow");
  slow = TestSocket();
  ASSERT_TRUE(other.send_all(framed("slow")));
  EXPECT_EQ(read_frame(other), "slow");
}

TEST_F(UnixServerTest, ClosesWhenTheHandlerHasNoAnswer) {
  UnixServer server("auth-test", answer);
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket client = TestSocket::connect_to_path(path_);
  ASSERT_TRUE(client.send_all(framed("hang up")));
  EXPECT_EQ(read_frame(client), "(closed)");
}

TEST_F(UnixServerTest, KnowsEachMemberByItsPath) {
  UnixServer server("auth-test", answer);
  const std::string second = folder_.file("b");
  ASSERT_TRUE(server.add(path_, "member-1", {.mode = 0600}).has_value());
  ASSERT_TRUE(server.add(second, "member-2", {.mode = 0660, .gid = getgid()}).has_value());
  struct stat found{};
  ASSERT_EQ(stat(second.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
  TestSocket one = TestSocket::connect_to_path(path_);
  TestSocket two = TestSocket::connect_to_path(second);
  ASSERT_TRUE(one.send_all(framed("x")) && two.send_all(framed("x")));
  EXPECT_EQ(read_frame(one), prefix("member-1") + "x");
  EXPECT_EQ(read_frame(two), prefix("member-2") + "x");

  server.remove(path_);
  EXPECT_EQ(read_frame(one), "(closed)");
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  ASSERT_TRUE(two.send_all(framed("y")));
  EXPECT_EQ(read_frame(two), prefix("member-2") + "y");

  ASSERT_TRUE(server.add(path_, "member-3").has_value());  // added while running
  TestSocket three = TestSocket::connect_to_path(path_);
  ASSERT_TRUE(three.send_all(framed("z")));
  EXPECT_EQ(read_frame(three), prefix("member-3") + "z");
  EXPECT_EQ(server.add(path_, "member-4").error().code, Errc::kAlreadyExists);

  server.stop();
  EXPECT_EQ(read_frame(two), "(closed)");
  EXPECT_NE(access(second.c_str(), F_OK), 0);
  EXPECT_EQ(server.connections(), 0U);
  EXPECT_FALSE(server.add(path_, "member-5").has_value());
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixServerTest, ClosesIdleConnections) {
  UnixServer server("auth-test", answer, {.idle_timeout = Millis(20)});
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket idle = TestSocket::connect_to_path(path_);
  TestSocket half = TestSocket::connect_to_path(path_);
  ASSERT_TRUE(half.send_all(framed("abc").substr(0, 6)));
  EXPECT_EQ(read_frame(idle), "(closed)");
  EXPECT_EQ(read_frame(half), "(closed)");
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

TEST_F(UnixServerTest, ServesManyConnectionsAndClosesThoseOverTheCap) {
  UnixServer server("auth-test", answer, {.connections_max = 200});
  ASSERT_TRUE(server.add(path_, "m").has_value());
  std::vector<TestSocket> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(TestSocket::connect_to_path(path_));
    ASSERT_TRUE(clients.back().is_open());
    ASSERT_TRUE(clients.back().send_all(framed(std::to_string(i))));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(read_frame(clients[i]), prefix("m") + std::to_string(i));
  }
  TestSocket over = TestSocket::connect_to_path(path_);
  EXPECT_EQ(read_frame(over), "(closed)");
}

TEST_F(UnixServerTest, StopsWhileAnswersWait) {
  UnixServer server("auth-test", [](std::string_view payload, const FramePeer&) {
    return FrameAnswer(std::string(payload), Millis(60'000));
  });
  ASSERT_TRUE(server.add(path_, "m").has_value());
  TestSocket client = TestSocket::connect_to_path(path_);
  ASSERT_TRUE(client.send_all(framed("late")));
  ASSERT_TRUE(eventually([&] { return server.connections() == 1; }));
  server.stop();
  EXPECT_EQ(read_frame(client), "(closed)");
  EXPECT_EQ(server.connections(), 0U);
  server.remove(path_);
  server.stop();
}

}  // namespace
}  // namespace trivet::net
