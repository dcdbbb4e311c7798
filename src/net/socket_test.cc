// SPDX-License-Identifier: Apache-2.0
#include "net/socket.h"

#include <sys/stat.h>

#include <atomic>

#include "net/loop.h"
#include "net/poller.h"
#include "net/socket_testing.h"

namespace trivet::net {
namespace {

const std::string kHost = "127.41.10.1";

TEST(ListenTcp, SaysAddressAndCauseWhenItIsTaken) {
  const TestListener first(kHost);
  const auto second = listen_tcp(first.name);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_NE(second.error().message.find(to_string(first.name)), std::string::npos);
  EXPECT_NE(second.error().message.find("Address already in use"), std::string::npos);
}

TEST(ListenTcp, RefusesNames) {
  const auto made = listen_tcp({"localhost", 0});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
}

TEST(ListenTcp, SpeaksIpv6) {
  const TestListener listener("::1");
  if (!listener.fd) {
    GTEST_SKIP() << "this machine has no IPv6 loopback";
  }
  EXPECT_TRUE(TestSocket::connect_to(listener.name).is_open());
  EXPECT_EQ(to_string(HostPort{"::1", 5}), "[::1]:5");
}

TEST(ListenUnix, ReplacesAStaleSocketAndSetsTheMode) {
  const TestFolder folder;
  const std::string path = folder.file("s");
  listen_unix(path, {}).value().close();  // leaves the file
  const auto again = listen_unix(path, {.mode = 0660});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  struct stat found{};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
  unlink(path.c_str());
}

TEST(ListenUnix, LeavesALiveSocketAndOtherFilesAlone) {
  const TestFolder folder;
  const std::string path = folder.file("s");
  const auto first = listen_unix(path, {});
  ASSERT_TRUE(first.has_value());
  const auto second = listen_unix(path, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
  EXPECT_TRUE(TestSocket::connect_to_path(path).is_open());
  unlink(path.c_str());
  const Fd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto third = listen_unix(path, {});
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code, Errc::kAlreadyExists);
  unlink(path.c_str());
}

TEST(ListenUnix, RefusesAPathThatDoesNotFit) {
  const auto made = listen_unix("/tmp/" + std::string(200, 'x'), {});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
}

TEST(StartConnect, ComesFromTheGivenAddress) {
  const TestListener listener(kHost);
  const TestSocket client = TestSocket::connect_to(listener.name, "127.41.10.77");
  ASSERT_TRUE(client.is_open());
  const TestSocket server = TestSocket::accept_from(listener.fd);
  EXPECT_EQ(peer_name(server.fd())->host, "127.41.10.77");
}

TEST(Loop, RunsTasksInOrderAndOnItsThread) {
  Loop loop("test");
  std::string order;
  bool on_thread = false;
  loop.post([&] { order += "a"; });
  loop.post([&] { order += "b"; });
  EXPECT_TRUE(loop.run([&] { on_thread = loop.on_this_thread(); }, kTestDeadline));
  EXPECT_EQ(order, "ab");
  EXPECT_TRUE(on_thread);
  EXPECT_FALSE(loop.on_this_thread());
  loop.stop();
  EXPECT_FALSE(loop.post([] {}));
  EXPECT_FALSE(loop.run([] {}, kTestDeadline));
}

TEST(Loop, RunsATaskLater) {
  Loop loop("test");
  std::atomic<bool> has_run{false};
  loop.post_after(Millis(5), [&] { has_run = true; });
  EXPECT_TRUE(eventually([&] { return has_run.load(); }));
}

TEST(Poller, RunsTasksAndTimersAndForgetsCancelledOnes) {
  Poller poller("test");
  std::atomic<int> runs{0};
  std::atomic<bool> is_cancelled_run{false};
  EXPECT_TRUE(poller.post([&] {
    const auto id = poller.after(Millis(1), [&] { is_cancelled_run = true; });
    poller.after(Millis(2), [&] { ++runs; });
    poller.cancel(id);
  }));
  EXPECT_TRUE(eventually([&] { return runs == 1; }));
  EXPECT_FALSE(is_cancelled_run);
  poller.stop();
  EXPECT_FALSE(poller.post([] {}));
}

TEST(Poller, TellsAWatcherWhatItWishedFor) {
  struct Echo final : Poller::Watcher {
    void ready(std::uint32_t events) override { seen = events; }
    std::atomic<std::uint32_t> seen{0};
  };
  const TestListener listener(kHost);
  Echo echo;
  Poller poller("test");
  poller.post([&] { EXPECT_TRUE(poller.watch(listener.fd.get(), 0, EPOLLIN, echo)); });
  const TestSocket client = TestSocket::connect_to(listener.name);
  EXPECT_TRUE(eventually([&] { return echo.seen == EPOLLIN; }));
  poller.stop();
}

}  // namespace
}  // namespace trivet::net
