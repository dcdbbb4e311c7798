// SPDX-License-Identifier: Apache-2.0
//
// The guard as it is, with small programs in mysqld's place. The same checks with a real mysqld are
// in tests/e2e.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "adapter/process/address_check.h"
#include "adapter/process/guard_client.h"
#include "adapter/process/guard_watcher.h"
#include "adapter/process/spawn_guard.h"
#include "base/file.h"

namespace trivet::process {
namespace {

using guard_wire::KillReason;
using guard_wire::State;
constexpr Millis kDeadline{5000};
// Far above what is seen (under 1 ms), far below what a poll would give.
constexpr double kPromptMs = 20.0;

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class GuardComponent : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/trivet-guard-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (auto client = GuardClient::connect(spec().socket, kDeadline)) {
      EXPECT_TRUE(client->kill(kDeadline).has_value());
      EXPECT_TRUE(client->quit(kDeadline).has_value());
    }
    for (const char* file : {"/g.sock", "/g.pid", "/g.log", "/out"}) {
      ::unlink((folder_ + file).c_str());
    }
    ::rmdir(folder_.c_str());
  }
  GuardSpec spec(std::vector<std::string> command = {"/bin/sleep", "60"}) const {
    GuardSpec out;
    out.guard_binary = TRIVET_GUARD_BINARY;
    out.socket = folder_ + "/g.sock";
    out.pid_file = folder_ + "/g.pid";
    out.log = folder_ + "/g.log";
    out.output = folder_ + "/out";
    out.generation = 7;
    out.environment = {"GREETING=hello"};
    out.command = std::move(command);
    return out;
  }
  GuardStatus start(const GuardSpec& what) {
    const auto status = spawn_guard(what, kDeadline);
    EXPECT_TRUE(status.has_value()) << status.error().message;
    return status ? *status : GuardStatus{};
  }
  GuardClient client() {
    auto connected = GuardClient::connect(spec().socket, kDeadline);
    TRIVET_ASSERT(connected.has_value());
    return std::move(*connected);
  }
  std::string folder_;
};

TEST_F(GuardComponent, StatusSaysWhoRuns) {
  const GuardStatus status = start(spec());
  EXPECT_EQ(status.state, State::kRunning);
  EXPECT_EQ(status.generation, 7U);
  EXPECT_GT(status.guard_pid, 0);
  EXPECT_EQ(::kill(status.mysqld_pid, 0), 0);
  EXPECT_EQ(::getpgid(status.mysqld_pid), status.mysqld_pid);
  EXPECT_NE(::getsid(status.guard_pid), ::getsid(0));
  EXPECT_EQ(status.permit_left_ms, guard_wire::kForever);
  const auto pids = read_file(spec().pid_file);
  ASSERT_TRUE(pids.has_value());
  EXPECT_EQ(*pids,
            std::to_string(status.guard_pid) + " " + std::to_string(status.mysqld_pid) + "\n");
}

TEST_F(GuardComponent, ADeathIsHeardAtOnce) {
  const GuardStatus status = start(spec());
  GuardClient listening = client();
  const double killed = now_ms();
  ASSERT_EQ(::kill(status.mysqld_pid, SIGSEGV), 0);
  const auto exited = listening.wait_exit(kDeadline);
  const double heard = now_ms();
  ASSERT_TRUE(exited.has_value()) << exited.error().message;
  EXPECT_EQ(exited->wait_status & 0x7f, SIGSEGV);
  EXPECT_EQ(exited->kill_reason, KillReason::kNone);
  EXPECT_GE(exited->exited_ms, exited->started_ms);
  EXPECT_LT(heard - killed, kPromptMs);
  RecordProperty("heard_after_us", static_cast<int>((heard - killed) * 1000));
}

TEST_F(GuardComponent, TheWatcherHearsADeathAtOnceAndALaterOneToo) {
  std::atomic<double> heard{0};
  std::atomic<int> calls{0};
  int done[2];
  ASSERT_EQ(::pipe(done), 0);
  GuardWatcher watcher([&](const MemberExit& over) {
    heard = now_ms();
    calls += over.member == "m1" && over.guard_alive ? 1 : 100;
    EXPECT_EQ(::write(done[1], "x", 1), 1);
  });
  const auto wait = [&done] {
    pollfd readable{done[0], POLLIN, 0};
    char c = 0;
    return ::poll(&readable, 1, 5000) == 1 && ::read(done[0], &c, 1) == 1;
  };
  const GuardStatus status = start(spec());
  ASSERT_TRUE(watcher.watch("m1", spec().socket).has_value());
  const double killed = now_ms();
  ASSERT_EQ(::kill(status.mysqld_pid, SIGKILL), 0);
  ASSERT_TRUE(wait());
  EXPECT_LT(heard - killed, kPromptMs);
  EXPECT_EQ(calls, 1);
  // A daemon that comes back after the death learns of it.
  ASSERT_TRUE(watcher.watch("m1", spec().socket).has_value());
  ASSERT_TRUE(wait());
  EXPECT_EQ(calls, 2);
  ::close(done[0]);
  ::close(done[1]);
}

TEST_F(GuardComponent, MysqldDiesWithItsGuard) {
  const GuardStatus status = start(spec());
  std::atomic<bool> guard_alive{true};
  int done[2];
  ASSERT_EQ(::pipe(done), 0);
  GuardWatcher watcher([&](const MemberExit& over) {
    guard_alive = over.guard_alive;
    EXPECT_EQ(::write(done[1], "x", 1), 1);
  });
  ASSERT_TRUE(watcher.watch("m1", spec().socket).has_value());
  ASSERT_EQ(::kill(status.guard_pid, SIGKILL), 0);
  EXPECT_TRUE(wait_process_gone(status.mysqld_pid, kDeadline));
  pollfd readable{done[0], POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 5000), 1);
  EXPECT_FALSE(guard_alive);
  ::close(done[0]);
  ::close(done[1]);
  // Nothing of the dead guard is in the way of the next.
  EXPECT_EQ(start(spec()).state, State::kRunning);
}

TEST_F(GuardComponent, MysqldDiesWithItsGuardAlsoAsAnotherUser) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can start a member as another user";
  }
  constexpr std::uint32_t kNobody = 65534;
  GuardSpec other = spec();
  other.user = std::pair(kNobody, kNobody);
  const GuardStatus status = start(other);
  const auto proc = read_file("/proc/" + std::to_string(status.mysqld_pid) + "/status");
  ASSERT_TRUE(proc.has_value());
  EXPECT_NE(proc->find("Uid:\t65534\t65534\t65534\t65534"), std::string::npos);
  EXPECT_NE(proc->find("Gid:\t65534\t65534\t65534\t65534"), std::string::npos);
  EXPECT_NE(proc->find("Groups:\t65534 \n"), std::string::npos);
  ASSERT_EQ(::kill(status.guard_pid, SIGKILL), 0);
  EXPECT_TRUE(wait_process_gone(status.mysqld_pid, kDeadline));
}

TEST_F(GuardComponent, TwoGuardsOfOneMemberCannotBe) {
  const GuardStatus first = start(spec());
  const auto second = spawn_guard(spec(), kDeadline);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kAlreadyExists) << second.error().message;
  EXPECT_EQ(client().status(kDeadline)->mysqld_pid, first.mysqld_pid);
}

TEST_F(GuardComponent, OutlivesTheDaemonThatStartedIt) {
  const pid_t daemon = ::fork();
  ASSERT_GE(daemon, 0);
  if (daemon == 0) {
    ::setpgid(0, 0);
    ::_exit(spawn_guard(spec(), kDeadline).has_value() ? 0 : 1);
  }
  int wait_status = 0;
  ASSERT_EQ(::waitpid(daemon, &wait_status, 0), daemon);
  ASSERT_EQ(wait_status, 0);
  ::kill(-daemon, SIGKILL);  // the daemon's group, had anything of the guard stayed in it
  const auto status = client().status(kDeadline);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->state, State::kRunning);
  EXPECT_NE(::getsid(status->guard_pid), ::getsid(0));
}

TEST_F(GuardComponent, HoldsNothingOfTheDaemonOpen) {
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);  // inheritable on purpose
  start(spec());
  ::close(pipes[1]);
  pollfd ended{pipes[0], POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 2000), 1) << "someone still holds the other end";
  ::close(pipes[0]);
}

TEST_F(GuardComponent, ThePermissionsEndKills) {
  const GuardStatus status = start(spec());
  GuardClient listening = client();
  const auto permitted = listening.permit(Millis(50), kDeadline);
  ASSERT_TRUE(permitted.has_value());
  EXPECT_GT(permitted->permit_left_ms, 0);
  EXPECT_LE(permitted->permit_left_ms, 50);
  const double from = now_ms();
  const auto exited = listening.wait_exit(kDeadline);
  ASSERT_TRUE(exited.has_value()) << exited.error().message;
  EXPECT_LT(now_ms() - from, 50 + kPromptMs);
  EXPECT_EQ(exited->kill_reason, KillReason::kPermitExpired);
  EXPECT_EQ(exited->wait_status & 0x7f, SIGKILL);
  EXPECT_TRUE(wait_process_gone(status.mysqld_pid, Millis(0)));
}

TEST_F(GuardComponent, ARenewedPermissionDoesNotKill) {
  start(spec());
  GuardClient asking = client();
  ASSERT_TRUE(asking.permit(Millis(80), kDeadline).has_value());
  ASSERT_TRUE(asking.permit_forever(kDeadline).has_value());
  const auto waited = asking.wait_exit(Millis(200));
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, Errc::kTimeout);
}

TEST_F(GuardComponent, KillAnswersWhenTheProcessIsGone) {
  const GuardStatus status = start(spec());
  GuardClient asking = client();
  const auto killed = asking.kill(kDeadline);
  ASSERT_TRUE(killed.has_value());
  EXPECT_EQ(killed->state, State::kExited);
  EXPECT_EQ(killed->kill_reason, KillReason::kAsked);
  EXPECT_TRUE(wait_process_gone(status.mysqld_pid, Millis(0)));
  EXPECT_TRUE(asking.kill(kDeadline).has_value());  // dead already: no error
}

TEST_F(GuardComponent, TerminateWaitsForAnOrderlyEnd) {
  start(spec({"/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"}));
  const double until = now_ms() + 5000;
  while (read_file(folder_ + "/out").value() != "ready\n" && now_ms() < until) {
    std::this_thread::yield();
  }
  GuardClient asking = client();
  const auto ended = asking.terminate(kDeadline);
  ASSERT_TRUE(ended.has_value()) << ended.error().message;
  EXPECT_EQ(guard_wire::describe_wait_status(ended->wait_status), "exited with status 5");
}

TEST_F(GuardComponent, QuitOnlyAfterTheEnd) {
  start(spec());
  GuardClient asking = client();
  const Status early = asking.quit(kDeadline);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, Errc::kConflict);
  ASSERT_TRUE(asking.kill(kDeadline).has_value());
  const auto pid = asking.status(kDeadline)->guard_pid;
  EXPECT_TRUE(asking.quit(kDeadline).has_value());
  EXPECT_TRUE(wait_process_gone(pid, kDeadline));
  const auto gone = GuardClient::connect(spec().socket, kDeadline);
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Errc::kNotFound);
}

TEST_F(GuardComponent, ATerminatedGuardLeavesNoMysqld) {
  const GuardStatus status = start(spec());
  ASSERT_EQ(::kill(status.guard_pid, SIGTERM), 0);
  EXPECT_TRUE(wait_process_gone(status.mysqld_pid, kDeadline));
  EXPECT_TRUE(wait_process_gone(status.guard_pid, kDeadline));
}

TEST_F(GuardComponent, TheProgramGetsItsEnvironmentAndOutputAndNothingElse) {
  start(spec({"/bin/sh", "-c", "echo \"$GREETING\" \"$HOME\"; ls /proc/self/fd | wc -l; exit 3"}));
  GuardClient asking = client();
  const auto ended = asking.wait_exit(kDeadline);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(guard_wire::describe_wait_status(ended->wait_status), "exited with status 3");
  const auto output = read_file(folder_ + "/out");
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(*output, "hello \n4\n");  // 0, 1, 2 and the folder that ls reads
}

TEST_F(GuardComponent, AProgramThatIsNotThereIsAClearError) {
  const auto status = spawn_guard(spec({"/nonexistent/mysqld"}), kDeadline);
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("execve /nonexistent/mysqld: No such file or directory"),
            std::string::npos)
      << status.error().message;
  EXPECT_EQ(GuardClient::connect(spec().socket, kDeadline).error().code, Errc::kNotFound);
}

TEST_F(GuardComponent, AFolderThatIsNotThereIsAClearError) {
  GuardSpec bad = spec();
  bad.log = "/nonexistent/g.log";
  const auto status = spawn_guard(bad, kDeadline);
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("/nonexistent/g.log"), std::string::npos);
}

TEST(AddressCheck, NamesTheCause) {
  const auto port = free_port("127.44.0.200");
  ASSERT_TRUE(port.has_value()) << port.error().message;
  EXPECT_TRUE(can_bind("127.44.0.200", *port).has_value());
  EXPECT_EQ(can_bind("203.0.113.7", *port).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(can_bind("localhost", *port).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace trivet::process
