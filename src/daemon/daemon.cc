// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <nlohmann/json.hpp>

#include "adapter/hosts/hosts_file.h"
#include "adapter/jose/jose.h"
#include "adapter/process/address_check.h"
#include "adapter/store_sqlite/store.h"
#include "agent/local_agents.h"
#include "api/dispatch.h"
#include "api/ec2/actions.h"
#include "api/iam/actions.h"
#include "api/iam/identities.h"
#include "api/rds/actions.h"
#include "api/render.h"
#include "api/sts/actions.h"
#include "authd/server.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "daemon/admin_answer.h"
#include "daemon/audit_trail.h"
#include "daemon/cluster_admin.h"
#include "daemon/credentials_admin.h"
#include "daemon/engine_host.h"
#include "daemon/function_services.h"
#include "daemon/home_lock.h"
#include "daemon/host_entries.h"
#include "daemon/iam_admin.h"
#include "daemon/instance_logs.h"
#include "daemon/login_rules_admin.h"
#include "daemon/network_host.h"
#include "daemon/sealing_key.h"
#include "daemon/session_watch.h"
#include "daemon/status_json.h"
#include "daemon/token_admin.h"
#include "net/http_server.h"
#include "net/kernel_steering.h"
#include "router/router.h"
#include "service/cluster_service.h"
#include "service/ec2_service.h"
#include "service/instance_tags.h"
#include "service/network_state.h"
#include "service/subnet_group_service.h"
#include "service/token_verifier.h"

namespace trivet::daemon {
namespace {

constexpr Millis kStopRequests{5'000};
// A function may run for 15 minutes, after a start of its environment.
constexpr Millis kLongestInvoke{960'000};
constexpr Millis kStopMembers{180'000};
constexpr Millis kFlushAudit{2'000};
constexpr const char* kHostsFile = "/etc/hosts";

}  // namespace

struct Daemon::Parts {
  explicit Parts(DaemonOptions given) : options(std::move(given)) {}

  DaemonOptions options;
  Installation installation;
  SystemClock clock;
  InstanceLogs instance_logs{options.paths};
  HomeLock lock;
  std::shared_ptr<service::Sealer> sealer;
  Mutex replacing;   // of the sealing key
  Mutex publishing;  // of the router's table
  std::shared_ptr<const pki::KeyPair> authority;
  std::unique_ptr<StateStore> store;
  std::unique_ptr<service::IamService> iam;
  std::unique_ptr<service::OidcKeys> oidc_keys;
  std::unique_ptr<service::StsService> sts;
  std::unique_ptr<AuditTrail> audit;
  std::unique_ptr<service::LoginRulesBook> login_rules;
  std::unique_ptr<service::SessionKeeper> sessions;
  std::unique_ptr<service::TokenVerifier> verifier;
  std::unique_ptr<authd::Server> authd;
  std::unique_ptr<EngineHost> engine;
  std::unique_ptr<router::Router> router;
  std::string why_not_steered;  // why the router copies writer endpoints' bytes; empty: it need not
  std::unique_ptr<hosts::HostsFile> hosts_file;
  std::unique_ptr<Worker> hosts_worker;
  std::unique_ptr<agent::LocalAgents> agents;
  std::unique_ptr<service::ClusterService> clusters;
  std::unique_ptr<service::NetworkStore> network;
  std::unique_ptr<NetworkHost> network_host;
  std::unique_ptr<FunctionServices> functions;
  std::atomic<bool> are_members_stopped = false;
  std::unique_ptr<service::Ec2Service> ec2;
  std::unique_ptr<service::SubnetGroupService> subnet_groups;
  std::unique_ptr<service::InstanceTags> instance_tags;
  std::unique_ptr<api::IamIdentities> identities;
  api::ActionTable actions;
  std::unique_ptr<api::Dispatcher> dispatcher;
  std::array<std::unique_ptr<Worker>, 4> api_workers;
  std::atomic<std::size_t> next_api_worker = 0;
  std::unique_ptr<net::Loop> http_loop;
  std::unique_ptr<net::HttpServer> http;
  std::unique_ptr<net::HttpServer> admin;

  Status load_home();
  Status build_services();
  void open_router();
  Status build_agents();
  Status build_network();
  void build_api();
  Status listen();
  void on_views(const std::vector<service::ClusterViewPtr>& views);
  void publish_endpoints();
  void write_hosts(const std::vector<service::ClusterViewPtr>& views);
  void on_api_worker(std::function<void()> work);
  net::HttpResponse admin_call(const net::HttpRequest& request);
  net::HttpResponse stop_members(const net::HttpRequest& request);
  SealedThings sealed_things();
  net::HttpResponse rotate_key();
  net::HttpResponse metrics() const;
};

Daemon::Daemon(DaemonOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Daemon::~Daemon() = default;

Status Daemon::Parts::load_home() {
  const HomePaths& paths = options.paths;
  const auto config = read_file(paths.config());
  if (!config) {
    return make_error(Errc::kNotFound,
                      fmt::format("{} is no Trivet home: `trivet init --home {}` makes it",
                                  paths.home, paths.home));
  }
  TRIVET_TRY(installation, decode_installation(*config));
  TRIVET_CHECK_OK(lock.take(paths.lock()));
  TRIVET_TRY(sealer, open_sealer(paths));
  TRIVET_TRY(SecretString authority_key, open_authority_key(paths, *sealer));
  TRIVET_TRY(std::string certificate, read_file(paths.ca_bundle()));
  authority = std::make_shared<const pki::KeyPair>(
      pki::KeyPair{std::move(certificate), std::move(authority_key)});
  TRIVET_TRY(store, store_sqlite::open_sqlite_store({.path = paths.store()}));
  return ok();
}

Status Daemon::Parts::build_services() {
  TRIVET_TRY(iam, service::IamService::open(
                      {.store = store.get(), .sealer = sealer, .realm = installation.realm}));
  audit = std::make_unique<AuditTrail>(options.paths, clock);
  oidc_keys = make_oidc_keys(options.paths, clock);
  sts = std::make_unique<service::StsService>(*iam, sealer, jose::verify_jws, oidc_keys.get());
  login_rules = std::make_unique<service::LoginRulesBook>(*store);
  TRIVET_CHECK_OK(login_rules->load());
  verifier = std::make_unique<service::TokenVerifier>(
      service::TokenVerifier::Options{.identities = *iam,
                                      .sealer = sealer,
                                      .rules = login_rules.get(),
                                      .begun = clock.wall_now(),
                                      .on_allowed = [this](const service::AllowedLogin& login) {
                                        keep_session(login, *sessions);
                                      }});
  sessions = make_session_keeper(
      {*iam, *login_rules, clock, [this] { return clusters.get(); }, options.paths.sessions()});
  authd = std::make_unique<authd::Server>(*verifier, clock, *audit);
  open_router();
  hosts_file = std::make_unique<hosts::HostsFile>(kHostsFile, installation.id);
  hosts_worker = std::make_unique<Worker>("hosts");
  return ok();
}

void Daemon::Parts::open_router() {
  router::RouterOptions router_options;
  auto steering = net::KernelSteering::open();
  if (steering) {
    router_options.steering = std::move(*steering);
  } else {
    why_not_steered = steering.error().message;
    log(Level::kInfo, "router.copies_writer_endpoints", {{"why", why_not_steered}});
  }
  router_options.namespace_of = [this](const std::string& name) {
    return network_host ? network_host->driver().namespace_of(name) : std::string();
  };
  router = std::make_unique<router::Router>(std::move(router_options));
}

Status Daemon::Parts::build_agents() {
  TRIVET_TRY(const engine::SystemUser self, engine::current_user());
  TRIVET_TRY(const engine::SystemUser mysqld_user, engine::server_user());
  engine = std::make_unique<EngineHost>(
      options.paths.home, options.program_folder + "/AWSAuthenticationPlugin.so", mysqld_user);
  agent::AgentSettings settings;
  settings.home = options.paths.home;
  settings.guard_binary = options.program_folder + "/trivet-guard";
  settings.find_engine = [this] { return engine->ready(); };
  if (mysqld_user.uid != self.uid) {
    settings.mysqld_user = engine::RunAs{mysqld_user.uid, mysqld_user.gid};
  }
  settings.authority = authority;
  settings.clock = &clock;
  settings.own_source = own_source(installation);
  settings.sizing = [](const std::string& name) {
    const service::InstanceClass* found = service::find_instance_class(name);
    return found == nullptr ? process::sizing_for(1'024, 2)
                            : process::sizing_for(found->memory_mib, found->vcpus);
  };
  settings.open_auth_socket = [this, mysqld_user](const Cluster&, const Member& member,
                                                  const std::string& path) {
    return authd->open(member.id, path, {0600, mysqld_user.uid, mysqld_user.gid});
  };
  settings.close_auth_socket = [this](const std::string& path) { authd->close(path); };
  agents = std::make_unique<agent::LocalAgents>(std::move(settings));

  const bool names_resolve =
      installation.hosts_file == HostsFileUse::kYes ||
      (installation.hosts_file == HostsFileUse::kAuto && hosts_file->is_writable());
  clusters = std::make_unique<service::ClusterService>(service::ClusterService::Needs{
      *store,
      sealer,
      clock,
      *agents,
      {installation.realm, installation.endpoint_hash, installation.endpoint_domain, names_resolve,
       installation.address_prefix},
      [](const std::string& address, std::uint16_t port) {
        return process::can_bind(address, port);
      },
      [this](const std::vector<service::ClusterViewPtr>& views) { on_views(views); }});
  return ok();
}

// What networks and groups must not lose while clusters refer to it.
Status Daemon::Parts::build_network() {
  network = std::make_unique<service::NetworkStore>(*store);
  network_host = std::make_unique<NetworkHost>(
      installation, NetworkHost::Needs{*network, [this] { return clusters->views(); },
                                       [this] { publish_endpoints(); }});
  TRIVET_TRY(functions,
             FunctionServices::open({options.paths, installation, options.program_folder, *store,
                                     *iam, *sts, *network, network_host->driver(), sealer, clock}));
  TRIVET_CHECK_OK(functions->start());
  ec2 = std::make_unique<service::Ec2Service>(
      service::Ec2Service::Needs{.network = *network,
                                 .realm = installation.realm,
                                 .is_group_used =
                                     [this](const std::string& group) {
                                       return uses_group(clusters->views(), group) ||
                                              functions->functions().uses_security_group(group);
                                     },
                                 .leased = [this] { return network_host->driver().leased(); },
                                 .is_subnet_used =
                                     [this](const std::string& subnet) {
                                       return functions->functions().uses_subnet(subnet);
                                     }});
  subnet_groups = std::make_unique<service::SubnetGroupService>(service::SubnetGroupService::Needs{
      *network, [this](const std::string& name) {
        return service::clusters_in_group(clusters->views(), name);
      }});
  instance_tags = std::make_unique<service::InstanceTags>(*store);
  return ec2->start();
}

void Daemon::Parts::build_api() {
  identities = std::make_unique<api::IamIdentities>(*iam, sealer, clock);
  api::add_iam_actions(actions, *iam);
  api::add_sts_actions(actions, *sts);
  api::add_ec2_actions(actions, *ec2);
  api::add_rds_actions(actions, {*clusters, *subnet_groups, *instance_tags,
                                 [this] { return engine->versions(); }, instance_logs});
  functions->add_actions(actions);
  dispatcher = std::make_unique<api::Dispatcher>(api::DispatcherOptions{.clock = clock,
                                                                        .identities = *identities,
                                                                        .actions = actions,
                                                                        .realm = installation.realm,
                                                                        .audit = audit.get()});
  for (std::size_t i = 0; i < api_workers.size(); ++i) {
    api_workers[i] = std::make_unique<Worker>(fmt::format("api-{}", i));
  }
}

void Daemon::Parts::on_api_worker(std::function<void()> work) {
  api_workers[next_api_worker++ % api_workers.size()]->post(std::move(work));
}

Status Daemon::Parts::listen() {
  http_loop = std::make_unique<net::Loop>("http");
  http = std::make_unique<net::HttpServer>(
      *http_loop,
      [this](net::HttpRequest request, net::HttpDone done) {
        on_api_worker([this, request = std::move(request), done = std::move(done)]() mutable {
          if (request.target == "/metrics" && request.method == "GET") {
            done(metrics());
          } else if (auto archive = functions->download(request)) {
            done(std::move(*archive));
          } else {
            dispatcher->handle(std::move(request), std::move(done));
          }
        });
      },
      net::HttpServerOptions{.body_limit = api::body_bytes_max,
                             .handler_timeout = kLongestInvoke,
                             .refusal = api::render_refusal});
  // Before the first call: functions are invoked as soon as somebody listens.
  network_host->begin(*http);
  const auto port = http->listen(installation.api_host, installation.api_port);
  if (!port) {
    return make_error(
        port.error().code,
        fmt::format("the API cannot listen on {}:{}: {} (`trivet doctor` says who does; `init "
                    "--api-address` gives a new home another port)",
                    installation.api_host, installation.api_port, port.error().message));
  }
  admin = std::make_unique<net::HttpServer>(
      *http_loop,
      [this](net::HttpRequest request, net::HttpDone done) {
        on_api_worker([this, request = std::move(request), done = std::move(done)] {
          done(admin_call(request));
        });
      },
      net::HttpServerOptions{.handler_timeout = kStopMembers});
  return admin->listen_unix(options.paths.admin_socket(), {});
}

Status Daemon::start() {
  Parts& p = *parts_;
  TRIVET_CHECK_OK(p.load_home());
  TRIVET_CHECK_OK(p.build_services());
  TRIVET_CHECK_OK(p.build_agents());
  TRIVET_CHECK_OK(p.build_network());
  p.build_api();
  TRIVET_CHECK_OK(finish_replacement(p.options.paths, p.sealed_things()));
  TRIVET_CHECK_OK(p.clusters->start());
  p.sessions->start();
  if (const Status listening = p.listen(); !listening) {
    p.network_host->stop(true);
    return listening;
  }
  log(Level::kInfo, "daemon.ready",
      {{"home", p.options.paths.home}, {"api", p.installation.endpoint_url()}});
  return ok();
}

void Daemon::stop() {
  Parts& p = *parts_;
  if (p.functions) {
    p.functions->stop_running();
  }
  if (p.network_host) {
    p.network_host->stop(p.are_members_stopped);
  }
  if (p.http) {
    p.http->stop(kStopRequests);
  }
  if (p.admin) {
    p.admin->stop(kStopRequests);
  }
  const auto stop = [](auto& part) {
    if (part) {
      part->stop();
    }
  };
  std::for_each(p.api_workers.begin(), p.api_workers.end(), stop);
  stop(p.functions);
  stop(p.sessions);
  stop(p.clusters);
  stop(p.router);
  stop(p.authd);
  stop(p.hosts_worker);
  if (p.audit) {
    p.audit->flush(kFlushAudit);
  }
}

void Daemon::Parts::on_views(const std::vector<service::ClusterViewPtr>& views) {
  verifier->set_databases(service::make_database_facts(views));

  network_host->driver().clusters_changed(views);
  publish_endpoints();
  hosts_worker->post([this, views] { write_hosts(views); });
}

// From the control thread and the network's: whichever is last has seen both.
void Daemon::Parts::publish_endpoints() {
  const MutexLock one_at_a_time(publishing);
  auto table =
      service::make_endpoint_table(clusters->views(), network_host->driver().vpc_addresses());
  if (table) {
    router->publish(std::make_shared<const routing::EndpointTable>(std::move(*table)),
                    [](const Status& applied) {
                      if (!applied) {
                        log(Level::kError, "router.listen_failed",
                            {{"error", applied.error().message}});
                      }
                    });
  } else {
    log(Level::kError, "router.table_refused", {{"error", table.error().message}});
  }
}

void Daemon::Parts::write_hosts(const std::vector<service::ClusterViewPtr>& views) {
  if (installation.hosts_file == HostsFileUse::kNo) {
    return;
  }
  const std::vector<hosts::Entry> entries = host_entries(views);
  const Status written = hosts_file->set_entries(entries);
  if (!written && !entries.empty()) {
    log(Level::kWarning, "hosts.not_written", {{"error", written.error().message}});
  }
}

net::HttpResponse Daemon::Parts::admin_call(const net::HttpRequest& request) {
  const auto& peer = request.peer_credentials;
  if (!peer || (peer->uid != ::geteuid() && peer->uid != 0)) {
    return admin_answer(403, {{"error", "only root and the daemon's own user may"}});
  }
  if (request.method == "GET" && request.target == "/status") {
    return admin_answer_text(
        200, status_json(clusters->views(), endpoint_facts(*router, why_not_steered),
                         network_host->driver().report(), functions->runner()));
  }
  if (request.method == "GET" && request.target == "/metrics") {
    return metrics();
  }
  if (request.method == "GET" && request.target == "/events") {
    return admin_answer_text(200, events_json(clusters->events().find({})));
  }
  if (request.method == "POST" && request.target == "/credentials") {
    return give_credentials(request, *sts,
                            {installation, options.paths.ca_bundle(), clock.wall_now()});
  }
  if (request.method == "POST" && request.target == "/rotate-key") {
    return rotate_key();
  }
  if (request.method == "POST" && request.target == "/token/explain") {
    return explain_token(request, *verifier, clusters->views(), clock.wall_now());
  }
  if (request.method == "POST" && request.target == "/stop") {
    return stop_members(request);
  }
  auto answer = iam_admin_call(request, *iam);
  if (!answer) {
    answer = cluster_admin_call(request, *clusters);
  }
  if (!answer) {
    answer = login_rules_admin_call(request, *login_rules, *clusters);
  }
  if (!answer) {
    answer = network_host->admin().call(request);
  }
  const std::string call = request.method + " " + request.target;
  return answer ? std::move(*answer) : admin_answer(404, {{"error", "no such call: " + call}});
}

net::HttpResponse Daemon::Parts::metrics() const {
  return {200,
          {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          audit->metrics_text(clusters->views())};
}

SealedThings Daemon::Parts::sealed_things() {
  return {sealer, *iam, [this] { return clusters->reseal(); },
          [this] { return functions->functions().reseal(); }};
}

net::HttpResponse Daemon::Parts::rotate_key() {
  const MutexLock one_at_a_time(replacing);
  const Status replaced = replace_sealing_key(options.paths, sealed_things());
  functions->runner().retire_all();  // their credentials are over
  return replaced ? admin_answer(200, {{"replaced", true}})
                  : admin_answer(500, {{"error", replaced.error().message}});
}

net::HttpResponse Daemon::Parts::stop_members(const net::HttpRequest& request) {
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  Status stopped = ok();
  if (body.is_object() && body.value("members", false)) {
    log(Level::kInfo, "daemon.stopping_members");
    stopped = clusters->stop_members(kStopMembers);
    are_members_stopped = stopped.has_value();
    if (installation.hosts_file != HostsFileUse::kNo) {
      (void)hosts_file->remove_block();
    }
  }
  options.on_stop_asked();
  return stopped ? admin_answer(200, {{"stopped", true}})
                 : admin_answer(500, {{"error", stopped.error().message}});
}

}  // namespace trivet::daemon
