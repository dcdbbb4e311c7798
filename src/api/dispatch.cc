// SPDX-License-Identifier: Apache-2.0
#include "api/dispatch.h"

#include <algorithm>
#include <utility>

#include "api/context_keys.h"
#include "api/error_map.h"
#include "api/render.h"
#include "api/request_auth.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/random.h"

namespace trivet::api {
namespace {

constexpr std::size_t kShownNameMax = 64;

std::string shortened(std::string_view name) {
  return std::string(name.substr(0, kShownNameMax));
}

std::string_view shown(const std::string& text) {
  return text.empty() ? "-" : std::string_view(text);
}

Status check_request_line(const net::HttpRequest& request, std::size_t body_bytes_max) {
  if (request.method != "POST" && request.method != "GET") {
    return aws_fault(
        Errc::kInvalidArgument, "MethodNotAllowed",
        "The method " + shortened(request.method) + " is not allowed: POST or GET is.");
  }
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  if (path != "/" && !path.empty()) {
    return aws_fault(Errc::kNotFound, "UnknownOperationException",
                     "There is nothing at this path: the AWS APIs are at '/'.");
  }
  if (request.body.size() > body_bytes_max) {
    return aws_fault(Errc::kInvalidArgument, "RequestEntityTooLarge",
                     "The body is larger than " + std::to_string(body_bytes_max) + " bytes.");
  }
  if (request.method == "GET" && !request.body.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidQueryParameter",
                     "A GET request must not have a body.");
  }
  return ok();
}

Error unknown_action(const ServiceInfo& service, std::string_view action,
                     std::string_view version) {
  const bool is_aws = version == service.version &&
                      std::binary_search(service.actions.begin(), service.actions.end(), action);
  if (is_aws) {
    return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                     "The action " + std::string(action) + " of " + std::string(service.name) +
                         " is not built yet.");
  }
  return aws_fault(Errc::kInvalidArgument, "InvalidAction",
                   "Could not find operation " + shortened(action) + " for version " +
                       (version.empty() ? "NO_VERSION_SPECIFIED" : shortened(version)));
}

// The one call that AWS takes without a signature: it brings another proof of its own.
bool is_unsigned_web_identity(const net::HttpRequest& request, const QueryParams& params) {
  return params.get("Action") == "AssumeRoleWithWebIdentity" &&
         params.get("X-Amz-Signature").empty() &&
         net::find_header(request.headers, "authorization").empty();
}

Result<Authenticated> nobody(const Realm& realm) {
  return Authenticated{find_service("sts"), realm.region,
                       Principal{.kind = Principal::Kind::kAnonymous, .account = realm.account}};
}

}  // namespace

// What is known of a call so far, for its error and its log line.
struct Dispatcher::Progress {
  std::string request_id;
  WallTime now{};
  const ServiceInfo* service = nullptr;
  std::string action;
  std::string principal;
  std::string session_name;
  std::string access_key_id;  // as claimed
  bool is_known_action = false;
  Permission asked;  // the last permission that was asked
  DecidedBy decided_by;
  bool is_authenticated = false;
  bool is_denied = false;

  void take(const Claim& claim) {
    service = claim.service;
    access_key_id = shortened(claim.access_key_id);
  }
};

net::HttpResponse Dispatcher::handle(const net::HttpRequest& request) const {
  const Instant started = options_.clock.now();
  Progress progress;
  progress.request_id = random_uuid();
  progress.now = options_.clock.wall_now();
  Result<std::string> body = process(request, progress);
  AwsError error;
  if (!body) {
    error = map_error(progress.service, body.error());
  }
  const bool is_ours = !body && !error.is_sender() && error.status != 501;
  const char* verdict = body                         ? "done"
                        : !progress.is_authenticated ? "refused"
                        : progress.is_denied         ? "denied"
                        : is_ours                    ? "failed"
                                                     : "rejected";
  log(is_ours ? Level::kError : Level::kInfo, "api.call",
      {{"request_id", progress.request_id},
       {"service", progress.service == nullptr ? std::string_view("-") : progress.service->name},
       {"action", shown(progress.action)},
       {"principal", shown(progress.principal)},
       {"access_key_id", shown(progress.access_key_id)},
       {"source", shown(request.peer_address)},
       {"verdict", verdict},
       {"code", shown(error.code)},
       {"status", body ? 200 : error.status},
       {"ms", since(started, options_.clock.now()).count()}});
  if (options_.audit != nullptr) {
    ApiRecord record;
    record.verdict = verdict;
    record.code = error.code;
    record.status = body ? 200 : error.status;
    record.milliseconds = since(started, options_.clock.now()).count();
    record_call(request, progress, std::move(record));
  }
  if (is_ours) {
    // What the client is not told.
    log(Level::kError, "api.failure",
        {{"request_id", progress.request_id}, {"cause", body.error().message}});
  }
  return body ? render_result(std::move(*body), progress.request_id)
              : render_error(progress.service, error, progress.request_id);
}

void Dispatcher::record_call(const net::HttpRequest& request, const Progress& progress,
                             ApiRecord record) const {
  record.at = progress.now;
  record.request_id = progress.request_id;
  record.principal_arn = progress.principal;
  record.session_name = progress.session_name;
  record.access_key_id = progress.access_key_id;
  record.source = request.peer_address;
  record.service = progress.service == nullptr ? "" : progress.service->name;
  record.action = progress.action;
  record.is_known_action = progress.is_known_action;
  record.permission = progress.asked.action;
  record.resource = progress.asked.resource;
  record.decided_by = progress.decided_by;
  options_.audit->add(std::move(record));
}

Result<std::string> Dispatcher::process(const net::HttpRequest& request, Progress& progress) const {
  if (auto status = check_request_line(request, options_.body_bytes_max); !status) {
    const Claim claim = read_claim(request, {});
    progress.take(claim);
    // Other services have other paths and methods: the better answer is that they are not there.
    return claim.is_other_service() ? service_not_built(claim.service_name) : status.error();
  }
  auto params = read_query_params(request);
  progress.take(read_claim(request, params ? *params : QueryParams()));
  if (!params) {
    return params.error();
  }
  progress.action = shortened(params->get("Action"));
  return run(request, *params, progress);
}

Result<std::string> Dispatcher::run(const net::HttpRequest& request, const QueryParams& params,
                                    Progress& progress) const {
  const AuthContext context{.identities = options_.identities,
                            .realm = options_.realm,
                            .now = progress.now,
                            .clock_skew_max = options_.clock_skew_max};
  TRIVET_TRY(const Authenticated caller, is_unsigned_web_identity(request, params)
                                             ? nobody(options_.realm)
                                             : authenticate(request, context));
  progress.is_authenticated = true;
  progress.principal = caller.principal.arn;
  progress.session_name = caller.principal.session_name;
  const std::string_view name = params.get("Action");
  if (name.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingAction",
                     "The request must contain the parameter Action.");
  }
  const std::string_view version = params.get("Version");
  const Action* action =
      version == caller.service->version ? options_.actions.find(*caller.service, name) : nullptr;
  if (action == nullptr) {
    return unknown_action(*caller.service, name, version);
  }
  progress.is_known_action = true;
  const Call call{.request_id = progress.request_id,
                  .service = *caller.service,
                  .action = action->name,
                  .principal = caller.principal,
                  .realm = options_.realm,
                  .region = caller.region,
                  .now = progress.now,
                  .source_ip = request.peer_address,
                  .user_agent = std::string(net::find_header(request.headers, "user-agent")),
                  .is_tls = request.is_tls};
  return action->run(call, params, [&](const std::vector<Permission>& permissions) {
    Status status = authorize(call, permissions, progress);
    progress.is_denied = !status;
    return status;
  });
}

Status Dispatcher::authorize(const Call& call, const std::vector<Permission>& permissions,
                             Progress& progress) const {
  if (permissions.empty()) {
    return make_error(Errc::kInternal,
                      "the action " + std::string(call.action) + " asks for no permission");
  }
  const ConditionKeys global = request_condition_keys(call);
  for (const Permission& permission : permissions) {
    ConditionKeys keys = permission.context;
    // merge() keeps what is there: nothing of a request may stand in for a global key.
    ConditionKeys all = global;
    all.merge(keys);
    progress.asked = permission;
    progress.decided_by = {};
    TRIVET_CHECK_OK(options_.identities.authorize({.principal = call.principal,
                                                   .action = permission.action,
                                                   .resource = permission.resource,
                                                   .context = all,
                                                   .decided_by = &progress.decided_by}));
  }
  return ok();
}

void ActionTable::add(Action action) {
  const auto& actions = action.service->actions;
  TRIVET_ASSERT(std::binary_search(actions.begin(), actions.end(), action.name));
  const auto key = std::make_pair(action.service->name, action.name);
  const bool is_new = actions_.emplace(key, std::move(action)).second;
  TRIVET_ASSERT(is_new);
}

const Action* ActionTable::find(const ServiceInfo& service, std::string_view name) const {
  const auto it = actions_.find({service.name, name});
  return it == actions_.end() ? nullptr : &it->second;
}

Error internal::dry_run_error() {
  return aws_fault(Errc::kInvalidArgument, "DryRunOperation",
                   "Request would have succeeded, but DryRun flag is set.");
}

}  // namespace trivet::api
