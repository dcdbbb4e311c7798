// SPDX-License-Identifier: Apache-2.0
//
// A member's my.cnf. The safety rules' share of the configuration is not optional and stands in one
// place: mysqld boots closed (failover.md I6), keeps its relay logs (I9), waits for an
// acknowledgement for ever once the agent switches semi-sync on (I7), and takes no client without
// TLS.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace trivet::process {

// What a size class means to mysqld.
struct MemberSizing {
  bool lean = false;  // performance_schema cut down to what the safety rules need
  std::uint64_t buffer_pool_mb = 128;
  std::uint64_t redo_log_mb = 100;
  std::uint64_t log_buffer_mb = 16;
  unsigned max_connections = 151;
  unsigned table_open_cache = 4000;
  unsigned io_threads = 4;  // InnoDB's readers and writers, each
  unsigned purge_threads = 1;
  unsigned replica_workers = 4;
  std::uint64_t binlog_file_mb = 256;
};

// For a class with so much memory and so many processors for one member. Up to 2 GiB: lean
// (measured: three idle members with replication, TLS and logins together under 750 MB resident).
MemberSizing sizing_for(std::uint64_t memory_mb, unsigned vcpus);

struct MysqldSpec {
  std::uint32_t server_id = 0;  // unique in the cluster, not 0
  std::string basedir;          // ENGINE/usr
  std::string share_dir;        // ENGINE/usr/share/mysql: messages and character sets
  std::string plugin_dir;
  // Loaded at every boot, in this order; a file that is missing keeps mysqld from starting, on
  // purpose.
  std::vector<std::string> plugins = {"semisync_source.so", "semisync_replica.so", "auth_socket.so",
                                      "mysql_clone.so", "AWSAuthenticationPlugin.so"};
  std::string datadir;
  std::string tmpdir;
  std::string socket;  // at most 107 characters
  std::string pid_file;
  std::string error_log;
  std::string bind_address;
  std::uint16_t port = 3306;
  std::string report_host;  // the member's endpoint name, as SHOW REPLICAS gives it
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  // mysqld refuses to be root unless told so. Never set together with another user for the guard's
  // child: mysqld must not change its user itself, that would undo its dying with the guard.
  bool as_root = false;
  // failover.md I9a: 1 = an acknowledgement means "on disk", at about a fifth of the throughput.
  unsigned sync_relay_log = 10'000;
  std::uint32_t binlog_expire_seconds = 2 * 24 * 3600;
  MemberSizing sizing;
  // More lines of [mysqld], from a parameter group: already validated by the caller. They come
  // before ours, so that ours win.
  std::vector<std::string> parameters;
};

// kInvalidArgument when something needed is missing or a text cannot stand in an option file.
Result<std::string> my_cnf_text(const MysqldSpec& spec);
// Durable, mode 0640.
Status write_my_cnf(const MysqldSpec& spec, const std::string& path);

// auto.cnf of a data directory: gives a member a server_uuid that we know before its first boot.
std::string auto_cnf_text(const std::string& server_uuid);

// The guard's command: `launch` is what runs the engine's mysqld ({mysqld}, or its own loader, its
// library path and mysqld).
std::vector<std::string> mysqld_command(const std::vector<std::string>& launch,
                                        const std::string& my_cnf_path);
// The whole environment of mysqld.
std::vector<std::string> mysqld_environment(const MemberSizing& sizing);

}  // namespace trivet::process
