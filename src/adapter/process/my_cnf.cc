// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/my_cnf.h"

#include <sys/un.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace trivet::process {
namespace {

Error wrong(std::string message) {
  return make_error(Errc::kInvalidArgument, std::move(message));
}

// Lines of an option file. Texts are quoted, as a '#' or a blank would end them otherwise.
class Lines {
 public:
  void raw(std::string_view line) { text_.append(line).append("\n"); }
  void number(std::string_view name, std::uint64_t value) {
    text_.append(name).append("=").append(std::to_string(value)).append("\n");
  }
  void mebibytes(std::string_view name, std::uint64_t value) {
    text_.append(name).append("=").append(std::to_string(value)).append("M\n");
  }
  void text(std::string_view name, std::string_view value) {
    text_.append(name).append("=\"");
    for (const char c : value) {
      if (c == '\\') {
        text_ += '\\';
      }
      text_ += c;
    }
    text_.append("\"\n");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

bool can_stand_in_an_option_file(std::string_view value) {
  return !value.empty() && std::none_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\x7f';
  });
}

Status check(const MysqldSpec& spec) {
  if (spec.server_id == 0 || spec.port == 0) {
    return wrong("a member needs a server_id and a port");
  }
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"basedir", &spec.basedir},
      {"share_dir", &spec.share_dir},
      {"plugin_dir", &spec.plugin_dir},
      {"datadir", &spec.datadir},
      {"tmpdir", &spec.tmpdir},
      {"socket", &spec.socket},
      {"pid_file", &spec.pid_file},
      {"error_log", &spec.error_log},
      {"bind_address", &spec.bind_address},
      {"report_host", &spec.report_host},
      {"tls_ca", &spec.tls_ca},
      {"tls_certificate", &spec.tls_certificate},
      {"tls_key", &spec.tls_key}};
  for (const auto& [name, value] : texts) {
    if (!can_stand_in_an_option_file(*value)) {
      return wrong(std::string(name) +
                   " of a member is empty or has a character that my.cnf cannot carry");
    }
  }
  for (const std::string& plugin : spec.plugins) {
    if (!can_stand_in_an_option_file(plugin) || plugin.find('/') != std::string::npos) {
      return wrong("a plugin is named by its file, without a folder: " + plugin);
    }
  }
  for (const std::string& line : spec.parameters) {
    if (!can_stand_in_an_option_file(line)) {
      return wrong("a parameter cannot stand in an option file");
    }
  }
  if (spec.socket.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong("the socket's path is longer than a unix socket's can be: " + spec.socket);
  }
  return ok();
}

void add_places(Lines& lines, const MysqldSpec& spec) {
  lines.number("server_id", spec.server_id);
  if (spec.as_root) {
    lines.raw("user=root");
  }
  lines.text("basedir", spec.basedir);
  lines.text("lc_messages_dir", spec.share_dir);
  lines.text("character_sets_dir", spec.share_dir + "/charsets");
  lines.text("plugin_dir", spec.plugin_dir);
  lines.text("datadir", spec.datadir);
  lines.text("tmpdir", spec.tmpdir);
  lines.text("socket", spec.socket);
  lines.text("pid_file", spec.pid_file);
  lines.text("log_error", spec.error_log);
  lines.text("bind_address", spec.bind_address);
  lines.number("port", spec.port);
  lines.text("report_host", spec.report_host);
  lines.number("report_port", spec.port);
  for (const std::string& plugin : spec.plugins) {
    lines.text("plugin_load_add", plugin);
  }
}

// failover.md I6: nobody but the agent of the current term opens it.
void add_closed_boot(Lines& lines) {
  for (const char* line : {"read_only=ON", "super_read_only=ON", "offline_mode=ON",
                           "skip_replica_start=ON", "event_scheduler=OFF",
                           // Nobody's SET PERSIST stands above these.
                           "persisted_globals_load=OFF"}) {
    lines.raw(line);
  }
}

void add_replication(Lines& lines, const MysqldSpec& spec) {
  for (const char* line :
       {"gtid_mode=ON", "enforce_gtid_consistency=ON", "log_bin=binlog", "relay_log=relay",
        "log_replica_updates=ON", "binlog_format=ROW", "sync_binlog=1",
        "innodb_flush_log_at_trx_commit=1", "innodb_doublewrite=ON",
        // AWS's value too. A former writer's last file is read before it may start again.
        "max_binlog_size=128M",
        // I9: a restart must not drop what was received and not yet executed.
        "relay_log_recovery=OFF", "replica_preserve_commit_order=ON",
        // A former writer that was rebuilt from a lagging donor must take its own old transactions
        // from the new writer: without this the receiver drops, silently, what carries its own
        // server id.
        "replicate_same_server_id=ON",
        // Eight missed heartbeats (SOURCE_HEARTBEAT_PERIOD=0.5) make a receiver try again.
        "replica_net_timeout=4",
        // I7: off until the agent has a voter attached; then for ever, not until a timeout.
        "rpl_semi_sync_source_enabled=OFF", "rpl_semi_sync_source_timeout=4294967295",
        "rpl_semi_sync_source_wait_point=AFTER_SYNC",
        "rpl_semi_sync_source_wait_for_replica_count=1", "rpl_semi_sync_source_wait_no_replica=ON",
        "rpl_semi_sync_replica_enabled=ON"}) {
    lines.raw(line);
  }
  lines.number("sync_relay_log", spec.sync_relay_log);
  lines.number("binlog_expire_logs_seconds", spec.binlog_expire_seconds);
  lines.mebibytes("max_binlog_size", spec.sizing.binlog_file_mb);
  lines.number("replica_parallel_workers", spec.sizing.replica_workers);
}

void add_access(Lines& lines, const MysqldSpec& spec) {
  for (const char* line :
       {"require_secure_transport=ON", "tls_version=TLSv1.2,TLSv1.3", "auto_generate_certs=OFF",
        "caching_sha2_password_auto_generate_rsa_keys=OFF", "skip_name_resolve=ON",
        // Clients come from few addresses, most of them from one: errors of one must not lock out
        // the rest.
        "host_cache_size=0", "max_connect_errors=4294967295", "partial_revokes=ON", "mysqlx=OFF",
        "local_infile=OFF", "secure_file_priv=NULL", "log_timestamps=UTC",
        "default_time_zone='+00:00'"}) {
    lines.raw(line);
  }
  lines.text("ssl_ca", spec.tls_ca);
  lines.text("ssl_cert", spec.tls_certificate);
  lines.text("ssl_key", spec.tls_key);
}

// What the agent reads stays: replication_* tables, threads, variables, status. The rest is sized
// away; it was 88 MB of 310.
void add_lean_performance_schema(Lines& lines) {
  lines.raw("performance_schema=ON");
  lines.raw("performance_schema_instrument='%=OFF'");
  lines.raw("performance_schema_instrument='thread/%=ON'");
  for (const char* name : {"max_memory_classes",
                           "max_mutex_classes",
                           "max_rwlock_classes",
                           "max_cond_classes",
                           "max_file_classes",
                           "max_socket_classes",
                           "max_stage_classes",
                           "max_statement_classes",
                           "max_meter_classes",
                           "max_metric_classes",
                           "max_table_instances",
                           "max_table_handles",
                           "max_index_stat",
                           "max_table_lock_stat",
                           "max_metadata_locks",
                           "max_prepared_statements_instances",
                           "max_program_instances",
                           "max_sql_text_length",
                           "max_digest_length",
                           "digests_size",
                           "accounts_size",
                           "hosts_size",
                           "users_size",
                           "session_connect_attrs_size",
                           "error_size",
                           "events_statements_history_size",
                           "events_statements_history_long_size",
                           "events_stages_history_size",
                           "events_stages_history_long_size",
                           "events_transactions_history_size",
                           "events_transactions_history_long_size",
                           "events_waits_history_size",
                           "events_waits_history_long_size"}) {
    lines.number(std::string("performance_schema_") + name, 0);
  }
  lines.raw("performance_schema_max_statement_stack=1");
}

void add_sizes(Lines& lines, const MemberSizing& sizing) {
  lines.mebibytes("innodb_buffer_pool_size", sizing.buffer_pool_mb);
  lines.mebibytes("innodb_redo_log_capacity", sizing.redo_log_mb);
  lines.mebibytes("innodb_log_buffer_size", sizing.log_buffer_mb);
  lines.number("innodb_read_io_threads", sizing.io_threads);
  lines.number("innodb_write_io_threads", sizing.io_threads);
  lines.number("innodb_purge_threads", sizing.purge_threads);
  lines.number("max_connections", sizing.max_connections);
  lines.number("table_open_cache", sizing.table_open_cache);
  if (!sizing.lean) {
    return;
  }
  lines.raw("table_definition_cache=400");
  lines.raw("innodb_doublewrite_pages=16");
  lines.raw("temptable_max_ram=16M");
  lines.raw("key_buffer_size=64K");
  add_lean_performance_schema(lines);
}

}  // namespace

MemberSizing sizing_for(std::uint64_t memory_mb, unsigned vcpus) {
  const unsigned processors = std::clamp(vcpus, 1U, 64U);
  if (memory_mb <= 2048) {
    // Each applier costs 11 MB. With ten, a reader's groups of commits are as large as those of
    // eight writers; with six it executes half as much.
    return {.lean = true,
            .buffer_pool_mb = memory_mb <= 1024 ? 32U : 64U,
            .redo_log_mb = memory_mb <= 1024 ? 16U : 64U,
            .log_buffer_mb = 1,
            .max_connections = 100,
            .table_open_cache = 400,
            .io_threads = 1,
            .purge_threads = 1,
            .replica_workers = 10,
            .binlog_file_mb = 64};
  }
  MemberSizing sizing;
  sizing.buffer_pool_mb = memory_mb * 3 / 5 / 128 * 128;
  sizing.redo_log_mb = std::clamp<std::uint64_t>(sizing.buffer_pool_mb / 2, 256, 16384);
  sizing.log_buffer_mb = 16;
  // RDS: {DBInstanceClassMemory/12582880}.
  sizing.max_connections =
      static_cast<unsigned>(std::clamp<std::uint64_t>(memory_mb / 12, 151, 16000));
  sizing.io_threads = std::clamp(processors, 2U, 16U);
  sizing.purge_threads = std::clamp(processors / 2, 1U, 4U);
  sizing.replica_workers = std::clamp(processors * 2, 8U, 32U);
  return sizing;
}

Result<std::string> my_cnf_text(const MysqldSpec& spec) {
  TRIVET_CHECK_OK(check(spec));
  Lines lines;
  lines.raw("# Written by trivetd before each start of this member; changes here are lost.");
  lines.raw("[mysqld]");
  for (const std::string& line : spec.parameters) {
    lines.raw(line);
  }
  add_sizes(lines, spec.sizing);
  add_places(lines, spec);
  add_access(lines, spec);
  add_replication(lines, spec);
  add_closed_boot(lines);
  return lines.take();
}

Status write_my_cnf(const MysqldSpec& spec, const std::string& path) {
  TRIVET_TRY(const std::string text, my_cnf_text(spec));
  return write_file_atomically(path, text, 0640);
}

std::string auto_cnf_text(const std::string& server_uuid) {
  return "[auto]\nserver-uuid=" + server_uuid + "\n";
}

std::vector<std::string> mysqld_command(const std::vector<std::string>& launch,
                                        const std::string& my_cnf_path) {
  std::vector<std::string> command = launch;
  command.push_back("--defaults-file=" + my_cnf_path);
  return command;
}

std::vector<std::string> mysqld_environment(const MemberSizing& sizing) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  if (sizing.lean) {
    // Each further arena keeps some MB of its own once sessions have used it.
    environment.emplace_back("MALLOC_ARENA_MAX=2");
  }
  return environment;
}

}  // namespace trivet::process
