// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <sstream>
#include <utility>

#include "cli/command_name.h"
#include "cli/commands.h"

namespace trivet::cli {
namespace {

// CLI11 keeps references to what it fills, so options live in shared pointers that the command's
// function holds too.
using Run = std::function<Result<int>(const Context&)>;

struct Builder {
  CLI::App app{"Amazon RDS Multi-AZ DB clusters on machines you own."};
  CommandLine line;
  std::vector<std::string> behind_dashes;

  // A command that, when chosen, runs `function` with its options.
  template <typename Options>
  CLI::App* add(CLI::App* parent, const std::string& name, const std::string& help,
                const std::shared_ptr<Options>& options,
                Result<int> (*function)(const Context&, const Options&)) {
    CLI::App* command = parent->add_subcommand(name, help);
    const std::string full = parent == &app ? name : parent->get_name() + " " + name;
    command->callback([this, options, function, full, command] {
      if (!command->get_subcommands().empty()) {
        return;  // one of its own was chosen
      }
      line.name = full;
      line.run = [options, function](const Context& context) {
        return function(context, *options);
      };
    });
    return command;
  }
};

void add_daemon_commands(Builder& b) {
  auto init = std::make_shared<InitOptions>();
  CLI::App* command =
      b.add(&b.app, "init", "Make a home; prints the root access key once", init, run_init);
  const auto forward = [&](const std::string& name, const std::string& type,
                           const std::string& help) {
    command
        ->add_option_function<std::vector<std::string>>(
            name,
            [init, name](const std::vector<std::string>& values) {
              for (const std::string& value : values) {
                init->arguments.insert(init->arguments.end(), {name, value});
              }
            },
            help)
        ->type_name(type)
        ->expected(1)
        ->take_all();
  };
  forward("--account-id", "ID", "12 digits (123456789012)");
  forward("--region", "REGION", "us-east-1");
  forward("--az", "ZONE", "three times: the Availability Zones (REGIONa, REGIONb, REGIONc)");
  forward("--domain", "NAME", "the end of endpoint names (rds.trivet.internal)");
  forward("--api-address", "HOST:PORT", "where the API listens, loopback only (127.0.0.1:4566)");
  forward("--address-prefix", "127.N", "endpoints get addresses of this /16 (127.30)");
  forward("--hosts", "yes|no|auto", "endpoint names in /etc/hosts (auto: when it can be written)");
  command->add_flag_callback(
      "--json", [init] { init->arguments.emplace_back("--json"); }, "print the result as JSON");

  auto up = std::make_shared<UpOptions>();
  command =
      b.add(&b.app, "up", "Start the daemon and the clusters; wait until they serve", up, run_up);
  command->add_flag("--init", up->init, "make the home when there is none");
  command->add_flag("--json", up->json, "print the status as JSON");
  command->add_option("--timeout", up->timeout_s, "seconds to wait")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();

  auto down = std::make_shared<DownOptions>();
  command = b.add(&b.app, "down", "Stop the clusters and the daemon", down, run_down);
  command->add_flag("--keep-members", down->keep_members,
                    "stop only the daemon; the database servers go on");

  auto rotate = std::make_shared<RotateKeyOptions>();
  b.add(&b.app, "rotate-key", "Replace the key that the home's secrets are sealed under", rotate,
        run_rotate_key);

  auto status = std::make_shared<StatusOptions>();
  command = b.add(&b.app, "status", "Clusters, members and endpoints (exit status 3: not running)",
                  status, run_status);
  command->add_flag("--json", status->json, "as JSON");
}

void add_connect_command(Builder& b) {
  auto connect = std::make_shared<ConnectOptions>();
  CLI::App* command =
      b.add(&b.app, "connect", "MySQL's client, over verified TLS: CLUSTER … [-- MYSQL-ARGS]",
            connect, run_connect);
  command->add_option("CLUSTER", connect->cluster, "the DB cluster's identifier")->required();
  command->footer(
      "The token is that of the identity in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and\n"
      "AWS_SESSION_TOKEN where they are set, else the local root's.");
  command->add_option("--user", connect->user,
                      "with a token, but the master user with the password (the master user)");
  command->add_flag("--reader", connect->reader, "through the reader endpoint");
  command->add_flag("--password", connect->password,
                    "log in with a password (of MYSQL_PWD, which may be a token; else asked for)");
  command->add_option("--database", connect->database, "the one to use first");
  connect->mysql_arguments = b.behind_dashes;
}

void add_login_commands(Builder& b) {
  auto env = std::make_shared<EnvOptions>();
  CLI::App* command = b.add(
      &b.app, "env", "Fresh credentials for this shell: eval \"$(trivet env)\"", env, run_env);
  command->add_option("--duration", env->duration_s, "seconds that the credentials live")
      ->check(CLI::Range(900, 43200))
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "--format", [env](const std::string& format) { env->json = format == "json"; },
          "export lines, or one JSON object (sh)")
      ->check(CLI::IsMember({"sh", "json"}));

  auto token = std::make_shared<TokenOptions>();
  command = b.add(&b.app, "token",
                  "A 15-minute login token: CLUSTER or --host; signed with AWS_* or fresh keys",
                  token, run_token);
  CLI::Option* cluster =
      command->add_option("CLUSTER", token->cluster, "the DB cluster's identifier");
  CLI::Option* host =
      command->add_option("--host", token->host, "the name that the login will use");
  CLI::Option* port = command->add_option("--port", token->port, "3306");
  CLI::Option* reader = command->add_flag("--reader", token->reader, "for the reader endpoint");
  command->add_option("--user", token->user, "the database user");
  command->add_option("--region", token->region, "of the cluster (AWS_REGION, or the home's)");
  cluster->excludes(host)->excludes(port);
  port->needs(host);
  reader->needs(cluster);
  command->parse_complete_callback([token, command] {
    if (!command->get_subcommands().empty()) {
      const bool is_for_making = !token->cluster.empty() || !token->host.empty() || token->reader ||
                                 !token->user.empty() || !token->region.empty();
      if (is_for_making) {
        throw CLI::ExtrasError({"options of making a token"});
      }
      return;
    }
    if (token->user.empty()) {
      throw CLI::RequiredError("--user");
    }
    if (token->cluster.empty() && token->host.empty()) {
      throw CLI::RequiredError("CLUSTER or --host");
    }
  });
  auto explain = std::make_shared<ExplainOptions>();
  CLI::App* explaining =
      b.add(command, "explain", "What is right and wrong with the token on standard input", explain,
            run_token_explain);
  CLI::Option* of =
      explaining->add_option("--cluster", explain->cluster, "for this one (the one it names)");
  explaining
      ->add_option("--context", explain->context,
                   "for the server that this JSON file describes; needs no daemon")
      ->excludes(of);
  explaining->add_option("--user", explain->user, "for logins as this user (the one it names)");
  explaining->add_flag("--json", explain->json, "as JSON");
}

void add_network_commands(Builder& b) {
  auto network = std::make_shared<NetworkOptions>();
  CLI::App* command = b.add(&b.app, "network", "How networks are enforced: show or change it",
                            network, run_network);
  command
      ->add_option("--host-access", network->host_access,
                   "who on this host reaches endpoints: everybody, or whom the clusters' security "
                   "groups and PubliclyAccessible allow")
      ->check(CLI::IsMember({"open", "security-groups"}));
  command
      ->add_option_function<std::string>(
          "--allow-unenforced",
          [network](const std::string& word) { network->allow_unenforced = word == "yes"; },
          "where networks cannot be enforced, run functions of VPCs all the same, without a "
          "network")
      ->type_name("yes|no")
      ->check(CLI::IsMember({"yes", "no"}));
  command->add_flag("--json", network->json, "as JSON");

  auto exec = std::make_shared<NetworkExecOptions>();
  CLI::App* running = b.add(command, "exec",
                            "Run a command where a function would run: its network, its names; "
                            "root",
                            exec, run_network_exec);
  running
      ->add_option("--subnet", exec->subnets, "a subnet's id (where functions without a VPC are)")
      ->expected(1)
      ->take_all();
  running->add_option("--security-group", exec->security_groups, "a security group's id")
      ->expected(1)
      ->take_all();
  running->footer("The command and its arguments stand behind --.");
  running->parse_complete_callback([&b, exec] { exec->command = b.behind_dashes; });
}

void add_login_rules_command(Builder& b) {
  auto rules = std::make_shared<LoginRulesOptions>();
  CLI::App* command =
      b.add(&b.app, "login-rules", "What a cluster asks of logins with tokens: show or change it",
            rules, run_login_rules);
  command->add_option("CLUSTER", rules->cluster, "the DB cluster's identifier")->required();
  command->add_flag("--json", rules->json, "print the rules as JSON");
  const auto names = [command](const char* name, std::vector<std::string>& out, const char* help) {
    command->add_option(name, out, help)->type_name("HOST[:PORT]")->expected(1)->take_all();
  };
  names("--alias", rules->add_aliases,
        "a further name that tokens may be made for: NAME, NAME:PORT, *.DOMAIN; any port without");
  names("--remove-alias", rules->remove_aliases, "not this name any more");
  const auto on_off = [command, rules](const char* name,
                                       std::optional<bool> LoginRulesOptions::* out,
                                       const char* help) {
    command
        ->add_option_function<std::string>(
            name, [rules, out](const std::string& word) { (*rules).*out = word == "on"; }, help)
        ->type_name("on|off")
        ->check(CLI::IsMember({"on", "off"}));
  };
  const auto number = [command](const char* name, const char* type, const char* help,
                                std::optional<std::int64_t>& out) {
    command->add_option(name, out, help)->type_name(type)->transform([](const std::string& text) {
      return text == "off" ? "0" : text;
    });
  };
  on_off("--one-time-tokens", &LoginRulesOptions::one_time_tokens, "a token lets in once");
  number("--token-max-age", "SECONDS", "since its signing; 0: as it says", rules->token_max_age_s);
  on_off("--end-sessions", &LoginRulesOptions::end_sessions,
         "end the sessions of those who may not log in any more");
  number("--session-max-age", "SECONDS", "of a database session; 0: no end",
         rules->session_max_age_s);
  number("--rate-principal", "N", "logins a minute of each principal; 0: any number",
         rules->principal_logins_per_minute);
  number("--rate-address", "N", "logins a minute from each source address; 0: any number",
         rules->address_logins_per_minute);
  on_off("--connect-conditions", &LoginRulesOptions::connect_conditions,
         "policies on rds-db:connect see the source address and the TLS");
  command
      ->add_option("--role-tag", rules->role_tag,
                   "sessions get the MySQL role that this tag of their principal names; off: none")
      ->type_name("KEY");
  const auto roles = [command](const char* name, std::vector<std::string>& out, const char* help) {
    command->add_option(name, out, help)->type_name("USER=ROLE")->expected(1)->take_all();
  };
  roles("--role", rules->add_roles, "sessions of this user may get this role, by the tag");
  roles("--remove-role", rules->remove_roles, "not this role any more");
}

void add_audit_command(Builder& b) {
  auto audit = std::make_shared<AuditOptions>();
  AuditChoice& choice = audit->choice;
  CLI::App* command = b.add(
      &b.app, "audit", "Who logged in and called what, and why it was refused", audit, run_audit);
  command->add_option("CLUSTER", choice.cluster, "only logins to this one and calls about it");
  const auto is = [command](const char* name, std::string& out, const char* type,
                            const char* help) {
    command->add_option(name, out, help)->type_name(type);
  };
  command->add_option("--kind", choice.kind, "only these")->check(CLI::IsMember({"login", "api"}));
  command->add_option("--verdict", choice.verdict, "accepted, refused; of calls the others too")
      ->check(CLI::IsMember({"accepted", "refused", "done", "denied", "rejected", "failed"}));
  is("--reason", choice.reason, "WORD", "expired, implicit-deny, …; of calls AWS's error code");
  is("--user", choice.user, "NAME", "of the database");
  is("--principal", choice.principal, "TEXT", "a part of its ARN");
  is("--key", choice.key, "ID", "the access key's");
  is("--source", choice.source, "ADDRESS", "of the client");
  is("--action", choice.action, "NAME", "CreateDBCluster, rds:CreateDBCluster, …");
  command->add_option("--minutes", audit->minutes, "of the last so many")
      ->check(CLI::Range(1, 5'256'000));
  command->add_option("--last", audit->last, "at most so many, the newest; 0: all")
      ->check(CLI::Range(0, 100'000'000))
      ->capture_default_str();
  command->add_flag("-f,--follow", audit->follow, "go on with what comes");
  command->add_flag("--json", audit->json, "the records as they are, one a line");
}

void add_cluster_commands(Builder& b) {
  const auto add = [&b](const std::string& name, const std::string& help,
                        Result<int> (*function)(const Context&, const ClusterOptions&)) {
    auto options = std::make_shared<ClusterOptions>();
    CLI::App* command = b.add(&b.app, name, help, options, function);
    command->add_option("CLUSTER", options->cluster, "the DB cluster's identifier")->required();
    command->add_option("--timeout", options->timeout_s, "seconds to wait")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    command->add_flag("--json", options->json, "print the result as JSON");
  };
  auto failover = std::make_shared<FailoverOptions>();
  CLI::App* electing = b.add(&b.app, "failover", "Make a reader the writer; wait until it serves",
                             failover, run_failover);
  electing->add_option("CLUSTER", failover->cluster, "the DB cluster's identifier")->required();
  CLI::Option* loss = electing->add_flag(
      "--allow-data-loss", failover->allow_data_loss,
      "when the election waits in vain: show what would be lost, ask, and go on without it");
  electing->add_option("--to", failover->to, "the DB instance that is to write then")->needs(loss);
  electing->add_flag("--yes", failover->is_sure, "do not ask")->needs(loss);
  electing->add_option("--timeout", failover->timeout_s, "seconds to wait")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  electing->add_flag("--json", failover->json, "print the result as JSON");
  auto switchover = std::make_shared<SwitchoverOptions>();
  CLI::App* handing =
      b.add(&b.app, "switchover", "Hand the writer's part over to a reader without an outage; wait",
            switchover, run_switchover);
  handing->add_option("CLUSTER", switchover->cluster, "the DB cluster's identifier")->required();
  handing->add_option("--to", switchover->to, "the DB instance that is to write (the nearest)");
  handing->add_option("--timeout", switchover->timeout_s, "seconds to wait")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  handing->add_flag("--json", switchover->json, "print the result as JSON");
  auto reboot = std::make_shared<RebootOptions>();
  CLI::App* rebooting =
      b.add(&b.app, "reboot", "Restart the members of a cluster, one after the other; wait", reboot,
            run_reboot);
  rebooting->add_option("CLUSTER", reboot->cluster, "the DB cluster's identifier")->required();
  rebooting->add_option("--member", reboot->member, "only this DB instance");
  rebooting->add_option("--timeout", reboot->timeout_s, "seconds to wait")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  rebooting->add_flag("--json", reboot->json, "print the result as JSON");
  add("stop", "Stop a cluster until it is started again; its data stays", run_stop);
  add("start", "Start a stopped cluster; wait until it serves", run_start);

  auto events = std::make_shared<EventsOptions>();
  CLI::App* command =
      b.add(&b.app, "events", "What happened to clusters and members", events, run_events);
  command->add_option("CLUSTER", events->cluster, "only this one and its members");
  command->add_option("--minutes", events->minutes, "of the last so many")
      ->check(CLI::Range(1, 20160))
      ->capture_default_str();
  command->add_flag("--json", events->json, "as JSON");
}

void add_function_commands(Builder& b) {
  auto logs = std::make_shared<LogsOptions>();
  CLI::App* command = b.add(&b.app, "logs", "What a function wrote", logs, run_logs);
  command->add_option("FUNCTION", logs->function, "its name, or a log group: /aws/lambda/NAME")
      ->required();
  command->add_flag("--follow,-f", logs->follow, "go on with what comes");
  command->add_option("--since", logs->since, "from so long ago: 30s, 10m, 2h, 3d")
      ->capture_default_str();
  command->add_option("--filter", logs->filter, "a filter pattern of CloudWatch Logs");
}

void add_runtime_commands(Builder& b) {
  CLI::App* runtime = b.app.add_subcommand("runtime", "What functions run on");
  runtime->require_subcommand(1);
  auto install = std::make_shared<RuntimeInstallOptions>();
  CLI::App* command =
      b.add(runtime, "install", "Install a runtime into the home", install, run_runtime_install);
  command
      ->add_option("RUNTIME", install->name,
                   "python3.13, python3.11, nodejs20.x or provided.al2023")
      ->required();
  command->add_option("--from", install->from, "a folder of .deb files (Debian's packages)");
  auto list = std::make_shared<RuntimeListOptions>();
  command = b.add(runtime, "list", "What is installed", list, run_runtime_list);
  command->add_flag("--json", list->json, "as JSON");
  auto remove = std::make_shared<RuntimeRemoveOptions>();
  command = b.add(runtime, "remove", "Take a runtime away", remove, run_runtime_remove);
  command->add_option("RUNTIME", remove->name, "its name")->required();
}

void add_other_commands(Builder& b) {
  CLI::App* engine = b.app.add_subcommand("engine", "The MySQL that members run");
  engine->require_subcommand(1);
  auto install = std::make_shared<EngineInstallOptions>();
  CLI::App* command =
      b.add(engine, "install", "Install an engine into the home", install, run_engine_install);
  auto name = std::make_shared<std::string>();
  command
      ->add_option_function<std::string>(
          "ENGINE", [name](const std::string& value) { *name = value; }, "mysql")
      ->required()
      ->check(CLI::IsMember({"mysql"}));
  command->add_option(
      "--from", install->from,
      "a folder of .deb files, an unpacked MySQL or a tar file (Debian's packages)");
  auto list = std::make_shared<EngineListOptions>();
  command = b.add(engine, "list", "What is installed", list, run_engine_list);
  command->add_flag("--json", list->json, "as JSON");

  CLI::App* iam = b.app.add_subcommand("iam", "Identities, beside what the API does");
  iam->require_subcommand(1);
  auto import = std::make_shared<IamImportOptions>();
  command = b.add(iam, "import", "Make an account's users, groups, roles and policies here", import,
                  run_iam_import);
  command->add_option("FILE", import->file, "of `aws iam get-account-authorization-details`")
      ->required();
  auto guardrail = std::make_shared<IamGuardrailOptions>();
  command = b.add(iam, "guardrail", "A policy that nobody but root gets past: show or set it",
                  guardrail, run_iam_guardrail);
  command->add_option("FILE", guardrail->file, "the policy");
  command->add_flag("--clear", guardrail->clear, "take it away");
  auto keys = std::make_shared<IamOidcKeysOptions>();
  command = b.add(iam, "oidc-keys", "Give the keys of an OIDC provider", keys, run_iam_oidc_keys);
  command->add_option("ARN", keys->provider_arn, "of the provider")->required();
  command->add_option("FILE", keys->file, "a JSON Web Key Set")->required();

  b.add(&b.app, "metrics", "Counters and states, as Prometheus reads them",
        std::make_shared<MetricsOptions>(), run_metrics);
  auto doctor = std::make_shared<DoctorOptions>();
  command =
      b.add(&b.app, "doctor", "Look for what would keep Trivet from working", doctor, run_doctor);
  command->add_flag("--json", doctor->json, "as JSON");

  b.app.add_subcommand("version", "Print the version")->callback([&b] {
    b.line.message = "trivet " TRIVET_VERSION "\n";
  });
}

// Behind options of the program itself; empty: there is none.
std::string first_word(const std::vector<std::string>& arguments) {
  auto word = arguments.begin();
  while (word != arguments.end() && word->starts_with('-')) {
    word += *word == "--home" && std::next(word) != arguments.end() ? 2 : 1;
  }
  return word == arguments.end() ? "" : *word;
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    out.push_back(command->get_name());
  }
  return out;
}

// "help [COMMAND…]" is "[COMMAND…] --help".
void spell_out_help(std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> arguments) {
  Builder b;
  spell_out_help(arguments);
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const bool has_dashes = dashes != arguments.end();
  if (has_dashes) {
    b.behind_dashes.assign(std::next(dashes), arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  b.app.name("trivet");
  b.app.fallthrough();
  b.app.require_subcommand(1);
  b.app.set_version_flag("--version", "trivet " TRIVET_VERSION);
  b.app
      .add_option("--home", b.line.home,
                  "the installation (TRIVET_HOME; /var/lib/trivet as root, else "
                  "~/.local/share/trivet)")
      ->type_name("FOLDER");
  add_daemon_commands(b);
  add_cluster_commands(b);
  add_login_commands(b);
  add_connect_command(b);
  add_network_commands(b);
  add_login_rules_command(b);
  add_function_commands(b);
  add_audit_command(b);
  add_runtime_commands(b);
  add_other_commands(b);
  if (std::string unknown = unknown_command(first_word(arguments), names_of_commands(b.app));
      !unknown.empty()) {
    return {.exit_status = kExitUsage, .message = std::move(unknown)};
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    b.app.parse(arguments);
    if (has_dashes && b.line.name != "connect" && b.line.name != "network exec") {
      throw CLI::ExtrasError({"-- …"});
    }
  } catch (const CLI::ParseError& e) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = b.app.exit(e, out, err);
    return {.exit_status = status == 0 ? kExitOk : kExitUsage, .message = out.str() + err.str()};
  }
  return std::move(b.line);
}

}  // namespace trivet::cli
