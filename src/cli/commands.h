// SPDX-License-Identifier: Apache-2.0
//
// The commands. Each returns its exit status, or the Error that main prints (kInvalidArgument: exit
// status 2, others 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/audit_list.h"
#include "cli/context.h"

namespace trivet::cli {

// commands_daemon.cc

struct InitOptions {
  std::vector<std::string> arguments;  // for `trivetd init`, without --home
};
// Becomes `trivetd init`.
Result<int> run_init(const Context& context, const InitOptions& options);

struct UpOptions {
  bool init = false;  // when the home is not initialised
  bool json = false;
  int timeout_s = 120;
};
Result<int> run_up(const Context& context, const UpOptions& options);

struct DownOptions {
  bool keep_members = false;
};
Result<int> run_down(const Context& context, const DownOptions& options);

struct StatusOptions {
  bool json = false;
};
Result<int> run_status(const Context& context, const StatusOptions& options);

struct RotateKeyOptions {};
// Replaces the key that the home's secrets are sealed under, with the daemon or without one.
Result<int> run_rotate_key(const Context& context, const RotateKeyOptions& options);

// commands_login.cc

struct EnvOptions {
  std::int64_t duration_s = 3600;
  bool json = false;
};
Result<int> run_env(const Context& context, const EnvOptions& options);

struct ConnectOptions {
  std::string cluster;
  std::string user;  // empty: the master user
  bool reader = false;
  bool password = false;
  std::string database;
  std::vector<std::string> mysql_arguments;
};
// Becomes the engine's mysql client.
Result<int> run_connect(const Context& context, const ConnectOptions& options);

struct TokenOptions {
  std::string cluster;  // this, or host and port
  bool reader = false;
  std::string host;
  std::uint16_t port = 3306;
  std::string user;
  std::string region;
};
Result<int> run_token(const Context& context, const TokenOptions& options);

// commands_network.cc

struct NetworkOptions {
  std::string host_access;               // "open" or "security-groups"; empty: stays
  std::optional<bool> allow_unenforced;  // unset: stays
  bool json = false;
};
// Changes what is given; shows what is in force.
Result<int> run_network(const Context& context, const NetworkOptions& options);

struct NetworkExecOptions {
  std::vector<std::string> subnets;  // none: where functions without a VPC are
  std::vector<std::string> security_groups;
  std::vector<std::string> command;
};
// The command's exit status.
Result<int> run_network_exec(const Context& context, const NetworkExecOptions& options);

// commands_login_rules.cc

struct LoginRulesOptions {
  std::string cluster;
  bool json = false;
  // Changes; what is not set stays as it is.
  std::vector<std::string> add_aliases;
  std::vector<std::string> remove_aliases;
  std::optional<bool> one_time_tokens;
  std::optional<std::int64_t> token_max_age_s;
  std::optional<bool> end_sessions;
  std::optional<std::int64_t> session_max_age_s;
  std::optional<std::int64_t> principal_logins_per_minute;
  std::optional<std::int64_t> address_logins_per_minute;
  std::optional<bool> connect_conditions;
  std::optional<std::string> role_tag;  // "off": none
  std::vector<std::string> add_roles;   // USER=ROLE
  std::vector<std::string> remove_roles;
};
// Makes the changes, all or none, and prints the rules as they are then.
Result<int> run_login_rules(const Context& context, const LoginRulesOptions& options);

// commands_audit.cc

struct AuditOptions {
  AuditChoice choice;
  std::int64_t minutes = 0;  // of the last so many; 0: all
  std::int64_t last = 100;   // at most so many, the newest; 0: all
  bool follow = false;
  bool json = false;
};
// Prints what the audit log has; with `follow` it goes on with what comes.
Result<int> run_audit(const Context& context, const AuditOptions& options);

// commands_explain.cc

struct MetricsOptions {};
// Prints what GET /metrics of the API answers.
Result<int> run_metrics(const Context& context, const MetricsOptions& options);

struct ExplainOptions {
  std::string cluster;
  std::string context;  // a file; both empty: the cluster that the token names
  std::string user;     // the login; empty: the one that the token names
  bool json = false;
};
// Reads the token from standard input. kExitOk accepted, kExitFailed refused.
Result<int> run_token_explain(const Context& context, const ExplainOptions& options);

// commands_logs.cc

struct LogsOptions {
  std::string function;  // or a log group, with its slash
  bool follow = false;   // until somebody ends it
  std::string since = "10m";
  std::string filter;  // of CloudWatch Logs; empty: everything
};
Result<int> run_logs(const Context& context, const LogsOptions& options);

// commands_cluster.cc

struct ClusterOptions {
  std::string cluster;
  bool json = false;
  int timeout_s = 180;
};
struct SwitchoverOptions {
  std::string cluster;
  std::string to;  // empty: the reader that lags least
  bool json = false;
  int timeout_s = 180;
};
// FailoverDBCluster with a target; waits until it is done or given up.
Result<int> run_switchover(const Context& context, const SwitchoverOptions& options);

struct RebootOptions {
  std::string cluster;
  std::string member;  // empty: all, one after the other
  bool json = false;
  int timeout_s = 300;
};
// RebootDBCluster or RebootDBInstance; waits until all serve again.
Result<int> run_reboot(const Context& context, const RebootOptions& options);

struct FailoverOptions {
  std::string cluster;
  bool allow_data_loss = false;
  // Of allow_data_loss.
  std::string to;        // empty: the member that is known to lack least
  bool is_sure = false;  // nobody is asked
  bool json = false;
  int timeout_s = 180;
};
// FailoverDBCluster; waits until it is done. With allow_data_loss see below.
Result<int> run_failover(const Context& context, const FailoverOptions& options);
// commands_loss.cc: of a cluster whose election waits for members that do not come back. Shows what
// is lost, asks, and waits until somebody writes.
Result<int> run_failover_at_a_loss(const Context& context, const FailoverOptions& options);

// StopDBCluster and StartDBCluster; they wait until it is done.
Result<int> run_stop(const Context& context, const ClusterOptions& options);
Result<int> run_start(const Context& context, const ClusterOptions& options);

struct EventsOptions {
  std::string cluster;  // empty: all
  int minutes = 1440;
  bool json = false;
};
Result<int> run_events(const Context& context, const EventsOptions& options);

// commands_iam.cc

struct IamImportOptions {
  std::string file;
};
// kExitFailed when a part was refused; the rest is there.
Result<int> run_iam_import(const Context& context, const IamImportOptions& options);

struct IamGuardrailOptions {
  std::string file;  // empty: shows it
  bool clear = false;
};
Result<int> run_iam_guardrail(const Context& context, const IamGuardrailOptions& options);

struct IamOidcKeysOptions {
  std::string provider_arn;
  std::string file;
};
Result<int> run_iam_oidc_keys(const Context& context, const IamOidcKeysOptions& options);

// commands_engine.cc

struct EngineInstallOptions {
  std::string from;
};
Result<int> run_engine_install(const Context& context, const EngineInstallOptions& options);

struct EngineListOptions {
  bool json = false;
};
Result<int> run_engine_list(const Context& context, const EngineListOptions& options);

// commands_runtime.cc: what functions run on

struct RuntimeInstallOptions {
  std::string name;
  std::string from;
};
Result<int> run_runtime_install(const Context& context, const RuntimeInstallOptions& options);

struct RuntimeListOptions {
  bool json = false;
};
Result<int> run_runtime_list(const Context& context, const RuntimeListOptions& options);

struct RuntimeRemoveOptions {
  std::string name;
};
Result<int> run_runtime_remove(const Context& context, const RuntimeRemoveOptions& options);

// doctor.cc

struct DoctorOptions {
  bool json = false;
};
// kExitFailed when something would keep Trivet from working.
Result<int> run_doctor(const Context& context, const DoctorOptions& options);

}  // namespace trivet::cli
