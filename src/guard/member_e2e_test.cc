// SPDX-License-Identifier: Apache-2.0
//
// Three real mysqld under three real guards, formed and failed over by hand with the adapters
// alone: what the agent will do, without the agent. Prints what it measured.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include "adapter/mysql/member_admin.h"
#include "adapter/mysql/sql_text.h"
#include "adapter/process/guard_client.h"
#include "adapter/process/guard_watcher.h"
#include "adapter/process/my_cnf.h"
#include "adapter/process/spawn_guard.h"
#include "base/file.h"

namespace trivet {
namespace {

using mysql::Connection;
using mysql::ConnectOptions;
using mysql::MemberAdmin;
using mysql::MemberReport;
using mysql::ReceiverState;
using process::GuardClient;
using process::GuardStatus;

constexpr Millis kDeadline{10'000};
constexpr std::uint16_t kPort = 33'061;
constexpr unsigned kMemoryMbMax = 750;  // the smallest class: three members together
const std::string kEngine = TRIVET_ENGINE_ROOT;
const std::string kLibraries = kEngine + "/usr/lib/x86_64-linux-gnu";

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void say(const std::string& line) {
  fmt::print("[ measured ] {}\n", line);
}

std::vector<std::string> launch() {
  return {kLibraries + "/ld-linux-x86-64.so.2", "--library-path",
          kLibraries + ":" + kEngine + "/usr/lib/mysql/private", kEngine + "/usr/sbin/mysqld"};
}

// Polls `done` until it holds; the agent has events for this, a test may look.
template <typename Condition>
bool eventually(Condition done, Millis deadline = kDeadline) {
  const double until = now_ms() + static_cast<double>(deadline.count());
  while (now_ms() < until) {
    if (done()) {
      return true;
    }
    std::this_thread::yield();
  }
  return false;
}

struct Member {
  unsigned number = 0;
  std::string folder;
  std::string address;
  std::unique_ptr<MemberAdmin> admin;
  GuardStatus guard;
  std::string guard_socket() const { return folder + "/guard.sock"; }
  std::string account() const { return fmt::format("trivet_repl_{}", number); }
};

class MemberE2e : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/trivet-e2e-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = new std::string(name);
    make_certificates();
    const double from = now_ms();
    make_template();
    say(fmt::format("template initialised in {:.0f} ms", now_ms() - from));
  }
  static void TearDownTestSuite() {
    std::filesystem::remove_all(*root_);
    delete root_;
  }
  void TearDown() override {
    for (Member& member : members_) {
      if (auto client = GuardClient::connect(member.guard_socket(), kDeadline)) {
        EXPECT_TRUE(client->kill(kDeadline).has_value());
        EXPECT_TRUE(client->quit(kDeadline).has_value());
      }
      std::filesystem::remove_all(member.folder);
    }
  }

  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(("{ " + command + "; } >>" + *root_ + "/setup.log 2>&1").c_str()), 0)
        << command << "\n"
        << read_file(*root_ + "/setup.log").value();
  }
  static void make_certificates() {
    const std::string make_key =
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ";
    for (const char* ca : {"ca", "other-ca"}) {
      shell(
          fmt::format("cd {} && {}{}.key && openssl req -x509 -new -key {}.key -days 2 -subj "
                      "/CN={} -out {}.pem",
                      *root_, make_key, ca, ca, ca, ca));
    }
    for (unsigned i = 1; i <= 3; ++i) {
      shell(fmt::format(
          "cd {0} && {1}{2}.key && openssl req -new -key {2}.key -subj /CN=m{2} -out {2}.csr && "
          "printf 'subjectAltName=IP:127.44.1.{2},DNS:m{2}.test' > {2}.ext && "
          "openssl x509 -req -in {2}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
          "-extfile {2}.ext -out {2}.pem",
          *root_, make_key, i));
    }
  }
  static void make_template() {
    // --initialize ignores plugin_load_add. The row goes again, as my.cnf names the plugin at each
    // boot.
    const std::string sql =
        "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';\n"
        "CREATE USER trivet_admin@localhost IDENTIFIED WITH auth_socket AS 'root';\n"
        "GRANT ALL ON *.* TO trivet_admin@localhost WITH GRANT OPTION;\n"
        "DROP USER root@localhost;\n"
        "DELETE FROM mysql.plugin;\n";
    ASSERT_TRUE(write_file_atomically(*root_ + "/init.sql", sql, 0600).has_value());
    std::string command;
    for (const std::string& word : launch()) {
      command += word + " ";
    }
    shell(command +
          "--no-defaults --initialize-insecure --user=root --mysqlx=0 --basedir=" + kEngine +
          "/usr --lc-messages-dir=" + kEngine + "/usr/share/mysql --plugin-dir=" + kEngine +
          "/usr/lib/mysql/plugin --innodb-redo-log-capacity=16M "
          "--secure-file-priv=NULL --auto-generate-certs=OFF "
          "--caching-sha2-password-auto-generate-rsa-keys=OFF "
          "--datadir=" +
          *root_ + "/template --init-file=" + *root_ + "/init.sql");
    std::filesystem::remove(*root_ + "/template/auto.cnf");
  }

  process::MysqldSpec spec_of(const Member& member) const {
    process::MysqldSpec spec;
    spec.server_id = member.number;
    spec.basedir = kEngine + "/usr";
    spec.share_dir = kEngine + "/usr/share/mysql";
    spec.plugin_dir = kEngine + "/usr/lib/mysql/plugin";
    spec.plugins.pop_back();  // the login plugin has tests of its own
    spec.datadir = member.folder + "/data";
    spec.tmpdir = member.folder + "/tmp";
    spec.socket = member.folder + "/mysql.sock";
    spec.pid_file = member.folder + "/mysqld.pid";
    spec.error_log = member.folder + "/error.log";
    spec.bind_address = member.address;
    spec.port = kPort;
    spec.report_host = member.address;
    spec.tls_ca = *root_ + "/ca.pem";
    spec.tls_certificate = fmt::format("{}/{}.pem", *root_, member.number);
    spec.tls_key = fmt::format("{}/{}.key", *root_, member.number);
    spec.as_root = true;
    spec.sizing = process::sizing_for(1024, 2);
    return spec;
  }
  Status start(Member& member) {
    TRIVET_CHECK_OK(process::write_my_cnf(spec_of(member), member.folder + "/my.cnf"));
    process::GuardSpec guard;
    guard.guard_binary = TRIVET_GUARD_BINARY;
    guard.socket = member.guard_socket();
    guard.pid_file = member.folder + "/guard.pid";
    guard.log = member.folder + "/guard.log";
    guard.output = member.folder + "/mysqld.out";
    guard.environment = process::mysqld_environment(spec_of(member).sizing);
    guard.command = process::mysqld_command(launch(), member.folder + "/my.cnf");
    TRIVET_TRY(member.guard, process::spawn_guard(guard, kDeadline));
    member.admin = std::make_unique<MemberAdmin>(
        mysql::MemberAdminOptions{.socket = member.folder + "/mysql.sock"});
    return member.admin->wait_ready(kDeadline);
  }
  Status create(Member& member, unsigned number) {
    member.number = number;
    member.folder = fmt::format("{}/m{}", *root_, number);
    member.address = fmt::format("127.44.1.{}", number);
    std::filesystem::create_directory(member.folder);
    std::filesystem::create_directory(member.folder + "/tmp");
    std::filesystem::copy(*root_ + "/template", member.folder + "/data",
                          std::filesystem::copy_options::recursive);
    TRIVET_CHECK_OK(write_file_atomically(
        member.folder + "/data/auto.cnf",
        process::auto_cnf_text(fmt::format("00000000-0000-4000-8000-00000000000{}", number)),
        0640));
    return start(member);
  }
  mysql::Source source(const Member& member) const {
    return {.host = member.address, .port = kPort, .tls_ca = *root_ + "/ca.pem"};
  }
  static SecretString replication_password() { return SecretString("Repl'pass\\word-1"); }
  ConnectOptions client_of(const Member& member) const {
    ConnectOptions options;
    options.host = member.address;
    options.port = kPort;
    options.tls_ca = *root_ + "/ca.pem";
    options.user = "app";
    options.password = SecretString("App'pass-1");
    return options;
  }

  // Three members, the first the writer, both others its voters. Open.
  void form() {
    const double from = now_ms();
    std::array<std::future<Status>, 3> starts;
    for (unsigned i = 0; i < 3; ++i) {
      starts[i] = std::async(std::launch::async, [this, i] { return create(members_[i], i + 1); });
    }
    for (auto& started : starts) {
      const Status done = started.get();
      ASSERT_TRUE(done.has_value()) << done.error().message;
    }
    const double started = now_ms();
    MemberAdmin& writer = *members_[0].admin;
    must(writer.execute("SET GLOBAL super_read_only=OFF", kDeadline));
    for (const Member& member : members_) {
      must(writer.create_replication_account(member.account(), replication_password(), kDeadline));
    }
    for (unsigned i = 1; i < 3; ++i) {
      must(members_[i].admin->repoint_receiver(source(members_[0]), kDeadline));
      must(members_[i].admin->start_receiver(members_[i].account(), replication_password(),
                                             kDeadline));
      must(members_[i].admin->start_applier(kDeadline));
    }
    ASSERT_TRUE(eventually([&] { return report(0).semi_sync_clients == 2; }))
        << report(1).receiver_error << "; " << report(2).receiver_error;
    must(writer.enable_semi_sync_source(1, kDeadline));
    must(writer.execute_secret(SecretString("CREATE USER app@'%' IDENTIFIED BY 'App''pass-1'"),
                               kDeadline));
    must(writer.execute("GRANT ALL ON app.* TO app@'%'", kDeadline));
    must(writer.execute("CREATE DATABASE app", kDeadline));
    must(writer.execute("CREATE TABLE app.t (id BIGINT PRIMARY KEY, who INT)", kDeadline));
    must(writer.open_writer(kDeadline));
    for (unsigned i = 1; i < 3; ++i) {
      must(members_[i].admin->wait_executed(report(0).executed, kDeadline));
      must(members_[i].admin->open_reader(kDeadline));
    }
    say(fmt::format("three members: started {:.0f} ms, formed and open after {:.0f} ms",
                    started - from, now_ms() - from));
  }
  MemberReport report(unsigned index) {
    auto seen = members_[index].admin->report(kDeadline);
    EXPECT_TRUE(seen.has_value()) << seen.error().message;
    return seen ? *seen : MemberReport{};
  }
  static void must(const Status& status) {
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
  static void must(const Result<unsigned>& result) {
    EXPECT_TRUE(result.has_value()) << result.error().message;
  }

  static std::string* root_;
  std::array<Member, 3> members_;
};
std::string* MemberE2e::root_ = nullptr;

std::uint64_t resident_kb(int pid) {
  const auto status = read_file(fmt::format("/proc/{}/status", pid));
  const auto at = status ? status->find("VmRSS:") : std::string::npos;
  return at == std::string::npos ? 0 : std::strtoull(status->c_str() + at + 6, nullptr, 10);
}

// Writes rows one after the other until an error; remembers each that was acknowledged.
class Writer {
 public:
  Writer(ConnectOptions options, int who)
      : who_(who), thread_([this, options = std::move(options)] { run(options); }) {}
  ~Writer() { thread_.join(); }
  std::vector<std::int64_t> acknowledged;  // after the end of the thread only
  std::atomic<std::int64_t> count{0};
  void join() {
    thread_.join();
    thread_ = std::thread([] {});
  }

 private:
  void run(const ConnectOptions& options) {
    auto connection = Connection::open(options);
    if (!connection) {
      ADD_FAILURE() << connection.error().message;
      return;
    }
    for (std::int64_t i = 0; i < 1'000'000; ++i) {
      const std::int64_t id = who_ * 1'000'000LL + i;
      if (!connection->execute(fmt::format("INSERT INTO app.t VALUES ({}, {})", id, who_),
                               kDeadline)) {
        return;
      }
      acknowledged.push_back(id);
      ++count;
    }
  }
  int who_;
  std::thread thread_;
};

TEST_F(MemberE2e, BootsClosedAndDiesWithItsGuard) {
  Member& member = members_[0];
  const Status created = create(member, 1);
  ASSERT_TRUE(created.has_value()) << created.error().message;
  const MemberReport seen = report(0);
  EXPECT_TRUE(seen.super_read_only);
  EXPECT_TRUE(seen.read_only);
  EXPECT_TRUE(seen.offline_mode);
  EXPECT_FALSE(seen.event_scheduler);
  EXPECT_FALSE(seen.semi_sync_source_enabled);
  EXPECT_TRUE(seen.semi_sync_replica_enabled);
  EXPECT_EQ(seen.receiver, ReceiverState::kNotConfigured);
  EXPECT_EQ(seen.executed, "");
  EXPECT_EQ(seen.apply_lag, Millis(0));
  const Status opened = member.admin->open_writer(kDeadline);
  ASSERT_FALSE(opened.has_value());  // I7
  EXPECT_EQ(opened.error().code, Errc::kConflict);
  ASSERT_EQ(::kill(member.guard.guard_pid, SIGKILL), 0);
  EXPECT_TRUE(process::wait_process_gone(member.guard.mysqld_pid, kDeadline));
  // Again on what the crash left.
  const double from = now_ms();
  const Status again = start(member);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  say(fmt::format("start after kill -9: {:.0f} ms", now_ms() - from));
  EXPECT_TRUE(report(0).super_read_only);
}

TEST_F(MemberE2e, ASecondMysqldOnTheSameDataDoesNoHarm) {
  const Status created = create(members_[0], 1);
  ASSERT_TRUE(created.has_value()) << created.error().message;
  auto second = process::spawn_guard(
      {.guard_binary = TRIVET_GUARD_BINARY,
       .socket = members_[0].folder + "/second.sock",
       .pid_file = members_[0].folder + "/second.pid",
       .log = members_[0].folder + "/second.log",
       .command = process::mysqld_command(launch(), members_[0].folder + "/my.cnf")},
      kDeadline);
  ASSERT_TRUE(second.has_value());
  auto client = GuardClient::connect(members_[0].folder + "/second.sock", kDeadline);
  ASSERT_TRUE(client.has_value());
  // The data directory is locked by the first, for which the second waits.
  EXPECT_TRUE(client->kill(kDeadline).has_value());
  EXPECT_TRUE(client->quit(kDeadline).has_value());
  EXPECT_TRUE(members_[0].admin->report(kDeadline).has_value());
}

TEST_F(MemberE2e, LoginsAreVerified) {
  form();
  for (const Member& member : members_) {
    auto connection = Connection::open(client_of(member));
    ASSERT_TRUE(connection.has_value()) << connection.error().message;
    EXPECT_EQ(connection->tls_version(), "TLSv1.3");
    EXPECT_EQ(connection->query("SELECT 1 AS one", kDeadline)->text(0, "one"), "1");
  }
  ConnectOptions wrong_password = client_of(members_[0]);
  wrong_password.password = SecretString("no");
  EXPECT_EQ(Connection::open(wrong_password).error().code, Errc::kDenied);
  ConnectOptions wrong_ca = client_of(members_[0]);
  wrong_ca.tls_ca = *root_ + "/other-ca.pem";
  EXPECT_FALSE(Connection::open(wrong_ca).has_value());
  ConnectOptions wrong_name = client_of(members_[0]);
  wrong_name.host = "0x7f2c0101";  // the same address under a name that is not in the certificate
  const auto misnamed = Connection::open(wrong_name);
  ASSERT_FALSE(misnamed.has_value());
  EXPECT_EQ(misnamed.error().code, Errc::kUnavailable) << misnamed.error().message;
  // Readers refuse writes.
  auto reader = Connection::open(client_of(members_[1]));
  ASSERT_TRUE(reader.has_value());
  EXPECT_FALSE(reader->execute("INSERT INTO app.t VALUES (1, 1)", kDeadline).has_value());
  EXPECT_EQ(reader->last_errno(), 1290U);
  // A deadline is a deadline.
  const double from = now_ms();
  EXPECT_EQ(reader->execute("SELECT SLEEP(5)", Millis(100)).error().code, Errc::kTimeout);
  EXPECT_LT(now_ms() - from, 1000);
  EXPECT_TRUE(reader->is_broken());
}

TEST_F(MemberE2e, ReplicationPasswordIsNotStoredAndReconnectsWork) {
  form();
  const auto stored = members_[1].admin->query(
      "SELECT User_name, User_password FROM mysql.slave_master_info", kDeadline);
  ASSERT_TRUE(stored.has_value());
  ASSERT_EQ(stored->rows.size(), 1U);
  EXPECT_EQ(stored->text(0, "User_name"), "");
  EXPECT_EQ(stored->text(0, "User_password"), "");
  const auto threads = members_[0].admin->dump_threads(kDeadline);
  ASSERT_TRUE(threads.has_value());
  ASSERT_EQ(threads->size(), 2U);
  for (const auto& thread : *threads) {
    EXPECT_TRUE(thread.semi_sync) << thread.user;
  }
  const auto killed = members_[0].admin->kill_dump_threads(members_[1].account(), kDeadline);
  ASSERT_TRUE(killed.has_value());
  EXPECT_EQ(*killed, 1U);
  const double from = now_ms();
  // The killed thread may be listed for a moment more, so look for a new one.
  EXPECT_TRUE(eventually([&] {
    const auto now = members_[0].admin->dump_threads(kDeadline);
    return now && now->size() == 2 && (*now)[1].id != (*threads)[1].id &&
           report(1).receiver == ReceiverState::kConnected && report(0).semi_sync_clients == 2;
  }));
  say(fmt::format("a killed dump thread's receiver is back after {:.0f} ms", now_ms() - from));
  // A locked account does not come back.
  must(members_[0].admin->lock_account(members_[1].account(), "%", kDeadline));
  must(members_[0].admin->kill_dump_threads(members_[1].account(), kDeadline));
  EXPECT_TRUE(eventually([&] { return report(1).receiver_errno == 3118; }));
  must(members_[0].admin->unlock_account(members_[1].account(), "%", kDeadline));
  EXPECT_TRUE(eventually([&] { return report(1).receiver == ReceiverState::kConnected; }));
}

TEST_F(MemberE2e, RepointingKeepsWhatWasReceived) {
  form();
  MemberAdmin& reader = *members_[1].admin;
  must(reader.stop_applier(kDeadline));
  for (int i = 0; i < 20; ++i) {
    must(members_[0].admin->execute(fmt::format("INSERT INTO app.t VALUES ({}, 0)", i), kDeadline));
  }
  const std::string executed = report(0).executed;
  ASSERT_TRUE(eventually([&] { return report(1).received == executed; }));
  EXPECT_NE(report(1).executed, executed);
  EXPECT_GT(report(1).apply_lag.value_or(Millis(0)), Millis(0));
  must(reader.stop_receiver(kDeadline));
  const Status refused = reader.repoint_receiver(source(members_[2]), kDeadline);
  ASSERT_FALSE(refused.has_value());  // I9
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_EQ(reader.reset_replica_all(kDeadline).error().code, Errc::kConflict);
  must(reader.start_applier(kDeadline));
  must(reader.repoint_receiver(source(members_[2]), kDeadline));
  must(reader.wait_executed(executed, kDeadline));
  must(reader.start_receiver(members_[1].account(), replication_password(), kDeadline));
  EXPECT_TRUE(eventually([&] { return report(1).receiver == ReceiverState::kConnected; }));
  EXPECT_EQ(report(1).source_host, members_[2].address);
  EXPECT_EQ(reader.wait_executed("00000000-0000-4000-8000-000000000001:1-999999", Millis(100))
                .error()
                .code,
            Errc::kTimeout);
  EXPECT_EQ(report(1).apply_lag, Millis(0));
}

TEST_F(MemberE2e, ClosingAStuckWriterGivesNobodyAFalseOk) {
  form();
  for (unsigned i = 1; i < 3; ++i) {
    must(members_[i].admin->stop_receiver(kDeadline));
  }
  std::atomic<bool> answered{false};
  std::atomic<bool> acknowledged{false};
  std::thread client([&] {
    auto connection = Connection::open(client_of(members_[0]));
    acknowledged = connection && connection->execute("INSERT INTO app.t VALUES (77, 7)", kDeadline);
    answered = true;
  });
  EXPECT_TRUE(eventually([&] { return report(0).semi_sync_waiting == 1; }));
  EXPECT_EQ(members_[0].admin->disable_semi_sync_source(kDeadline).error().code, Errc::kConflict);
  const double from = now_ms();
  const Status closed = members_[0].admin->close(Millis(500));
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, Errc::kTimeout);
  EXPECT_TRUE(eventually([&] { return answered.load(); }));
  EXPECT_FALSE(acknowledged.load());
  say(fmt::format("close of a stuck writer: {:.0f} ms with a deadline of 500", now_ms() - from));
  const MemberReport seen = report(0);  // the abandoned statement holds nothing up
  EXPECT_TRUE(seen.offline_mode);
  EXPECT_FALSE(seen.super_read_only);
  client.join();
}

TEST_F(MemberE2e, ThreeIdleMembersOfTheSmallestClassFit) {
  form();
  for (int round = 0; round < 5; ++round) {
    for (const Member& member : members_) {
      auto connection = Connection::open(client_of(member));
      ASSERT_TRUE(connection.has_value());
      EXPECT_TRUE(connection->query("SELECT COUNT(*) FROM app.t", kDeadline).has_value());
    }
    for (unsigned i = 0; i < 3; ++i) {
      report(i);
    }
  }
  std::uint64_t total = 0;
  std::string each;
  for (const Member& member : members_) {
    const std::uint64_t kb = resident_kb(member.guard.mysqld_pid);
    each += fmt::format(" {:.1f}", static_cast<double>(kb) / 1024);
    total += kb + resident_kb(member.guard.guard_pid);
  }
  say(fmt::format("resident: mysqld{} MiB, guard {:.1f} MiB, all six {:.1f} MiB", each,
                  static_cast<double>(resident_kb(members_[0].guard.guard_pid)) / 1024,
                  static_cast<double>(total) / 1024));
  EXPECT_LE(total / 1024, kMemoryMbMax);
}

TEST_F(MemberE2e, AKilledWritersAcknowledgedRowsAreAllOnThePromoted) {
  form();
  std::promise<double> heard;
  process::GuardWatcher watcher(
      [&heard](const process::MemberExit&) { heard.set_value(now_ms()); });
  must(watcher.watch("m1", members_[0].guard_socket()));
  std::vector<std::unique_ptr<Writer>> writers;
  for (int who = 1; who <= 4; ++who) {
    writers.push_back(std::make_unique<Writer>(client_of(members_[0]), who));
  }
  ASSERT_TRUE(eventually([&] {
    return std::all_of(writers.begin(), writers.end(),
                       [](const auto& w) { return w->count > 100; });
  }));
  const double killed = now_ms();
  ASSERT_EQ(::kill(members_[0].guard.mysqld_pid, SIGKILL), 0);
  const double dead = heard.get_future().get();

  // F2: both promise.
  std::array<MemberReport, 3> seen;
  std::array<std::thread, 3> steps;
  for (unsigned i = 1; i < 3; ++i) {
    steps[i] = std::thread([&, i] {
      must(members_[i].admin->stop_receiver(kDeadline));
      seen[i] = report(i);
    });
  }
  steps[1].join();
  steps[2].join();
  const double promised = now_ms();
  // F4: the superset.
  const auto inside =
      members_[1].admin->query("SELECT GTID_SUBSET(" + mysql::quote(seen[2].received) + ", " +
                                   mysql::quote(seen[1].received) + ") AS x",
                               kDeadline);
  ASSERT_TRUE(inside.has_value());
  const unsigned chosen = inside->text(0, "x") == "1" ? 1 : 2;
  const unsigned sibling = 3 - chosen;
  MemberAdmin& candidate = *members_[chosen].admin;
  // F5 and F6, side by side.
  double executed = 0;
  steps[1] = std::thread([&] {
    must(candidate.wait_executed(seen[chosen].received, kDeadline));
    executed = now_ms();
    must(candidate.end_applier(seen[chosen].received, kDeadline));
  });
  steps[2] = std::thread([&] {
    MemberAdmin& other = *members_[sibling].admin;
    must(other.repoint_receiver(source(members_[chosen]), kDeadline));
    must(other.start_receiver(members_[sibling].account(), replication_password(), kDeadline));
  });
  steps[1].join();
  const double drained = now_ms();
  steps[2].join();
  must(candidate.enable_semi_sync_source(1, kDeadline));
  ASSERT_TRUE(eventually([&] { return report(chosen).semi_sync_clients == 1; }));
  const double attached = now_ms();
  must(candidate.reset_replica_all(kDeadline));
  must(candidate.open_writer(kDeadline));
  const double opened = now_ms();
  auto client = Connection::open(client_of(members_[chosen]));
  ASSERT_TRUE(client.has_value()) << client.error().message;
  ASSERT_TRUE(client->execute("INSERT INTO app.t VALUES (0, 0)", kDeadline).has_value());
  const double written = now_ms();
  say(fmt::format(
      "kill -9 → heard {:.1f} → promised {:.1f} (lag {}) → executed {:.1f} → applier ended {:.1f} "
      "→ voter attached {:.1f} → "
      "open {:.1f} → first write {:.1f} ms",
      dead - killed, promised - killed, seen[chosen].apply_lag.value_or(Millis(-1)).count(),
      executed - killed, drained - killed, attached - killed, opened - killed, written - killed));

  std::size_t acknowledged = 0;
  std::set<std::int64_t> missing;
  for (auto& writer : writers) {
    writer->join();
    acknowledged += writer->acknowledged.size();
    missing.insert(writer->acknowledged.begin(), writer->acknowledged.end());
  }
  ASSERT_GT(acknowledged, 400U);
  must(members_[sibling].admin->wait_executed(report(chosen).executed, kDeadline));
  for (const unsigned member : {chosen, sibling}) {
    const auto rows = members_[member].admin->query("SELECT id FROM app.t", kDeadline);
    ASSERT_TRUE(rows.has_value());
    std::set<std::int64_t> lost = missing;
    for (std::size_t i = 0; i < rows->rows.size(); ++i) {
      lost.erase(rows->number(i, "id"));
    }
    EXPECT_TRUE(lost.empty()) << lost.size() << " acknowledged rows are missing on member "
                              << member + 1;
  }
  say(fmt::format("{} acknowledged rows, none missing", acknowledged));
}

}  // namespace
}  // namespace trivet
