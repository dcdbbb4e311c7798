// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/my_cnf.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace trivet::process {
namespace {

MysqldSpec spec() {
  MysqldSpec out;
  out.server_id = 2;
  out.basedir = "/e/usr";
  out.share_dir = "/e/usr/share/mysql";
  out.plugin_dir = "/e/plugin";
  out.datadir = "/h/data";
  out.tmpdir = "/h/tmp";
  out.socket = "/h/s.sock";
  out.pid_file = "/h/m.pid";
  out.error_log = "/h/error.log";
  out.bind_address = "127.0.0.1";
  out.report_host = "demo-instance-1";
  out.tls_ca = "/h/ca.pem";
  out.tls_certificate = "/h/cert.pem";
  out.tls_key = "/h/key.pem";
  out.sizing = sizing_for(1024, 2);
  return out;
}

// The last value of each name, as mysqld takes it.
std::map<std::string, std::string> values(const MysqldSpec& member) {
  const auto text = my_cnf_text(member);
  EXPECT_TRUE(text.has_value());
  std::map<std::string, std::string> out;
  std::istringstream in(text ? *text : "");
  for (std::string line; std::getline(in, line);) {
    if (const auto equals = line.find('='); equals != std::string::npos) {
      out[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  return out;
}

TEST(MyCnf, BootsClosed) {
  auto got = values(spec());
  EXPECT_EQ(got["super_read_only"], "ON");
  EXPECT_EQ(got["offline_mode"], "ON");
  EXPECT_EQ(got["skip_replica_start"], "ON");
  EXPECT_EQ(got["persisted_globals_load"], "OFF") << "T29";
  EXPECT_EQ(got["event_scheduler"], "OFF");
}

TEST(MyCnf, KeepsRelayLogsAndWaitsForEver) {
  auto got = values(spec());
  EXPECT_EQ(got["relay_log_recovery"], "OFF");
  EXPECT_EQ(got["rpl_semi_sync_source_enabled"], "OFF");
  EXPECT_EQ(got["rpl_semi_sync_source_timeout"], "4294967295");
  EXPECT_EQ(got["rpl_semi_sync_source_wait_point"], "AFTER_SYNC");
  EXPECT_EQ(got["sync_binlog"], "1");
  EXPECT_EQ(got["replicate_same_server_id"], "ON");
  EXPECT_EQ(got["innodb_flush_log_at_trx_commit"], "1");
  EXPECT_EQ(got["sync_relay_log"], "10000");
}

TEST(MyCnf, AParameterCannotUndoASafetyRule) {
  MysqldSpec member = spec();
  member.parameters = {"relay_log_recovery=ON", "offline_mode=OFF", "wait_timeout=60"};
  auto got = values(member);
  EXPECT_EQ(got["relay_log_recovery"], "OFF");
  EXPECT_EQ(got["offline_mode"], "ON");
  EXPECT_EQ(got["wait_timeout"], "60");
}

TEST(MyCnf, TextsAreQuoted) {
  MysqldSpec member = spec();
  member.datadir = "/h/a # b\\c";
  EXPECT_EQ(values(member)["datadir"], "\"/h/a # b\\\\c\"");
}

TEST(MyCnf, RefusesWhatWouldStartAnotherLine) {
  MysqldSpec member = spec();
  member.report_host = "x\nsuper_read_only=OFF";
  EXPECT_FALSE(my_cnf_text(member));
  member = spec();
  member.plugins = {"../evil.so"};
  EXPECT_FALSE(my_cnf_text(member));
  member = spec();
  member.parameters = {"a=1\n[mysqld]"};
  EXPECT_FALSE(my_cnf_text(member));
  member = spec();
  member.socket = "/" + std::string(110, 's');
  EXPECT_FALSE(my_cnf_text(member));
  member = spec();
  member.server_id = 0;
  EXPECT_FALSE(my_cnf_text(member));
}

TEST(MyCnf, OnlyTheSmallestClassesAreLean) {
  EXPECT_TRUE(sizing_for(1024, 2).lean);
  EXPECT_TRUE(sizing_for(2048, 2).lean);
  const MemberSizing large = sizing_for(16384, 4);
  EXPECT_FALSE(large.lean);
  EXPECT_GT(large.buffer_pool_mb, 8192U);
  EXPECT_GT(large.max_connections, 1000U);
  EXPECT_EQ(large.replica_workers, 8U);
  EXPECT_EQ(values(spec())["performance_schema"], "ON");
}

TEST(MyCnf, CommandEndsWithTheFile) {
  EXPECT_EQ(
      mysqld_command({"/l", "--library-path", "/x", "/m"}, "/h/my.cnf"),
      (std::vector<std::string>{"/l", "--library-path", "/x", "/m", "--defaults-file=/h/my.cnf"}));
}

}  // namespace
}  // namespace trivet::process
