// SPDX-License-Identifier: Apache-2.0
#include "api/dispatch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/context_keys.h"
#include "api/render.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/random.h"

namespace trivet::api {
namespace {

constexpr std::size_t kShownNameMax = 64;
// AWS: "Request must be smaller than 70167211 bytes for the CreateFunction operation".
constexpr std::size_t kCodeBodyMax = 70'167'211;
constexpr std::size_t kEventBodyMax = 6'291'456 + 64 * 1024;

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

// Clients of services that we have not, and that speak JSON, read errors as Logs' clients do.
const ServiceInfo* form_of_error(const ServiceInfo* service, const net::HttpRequest& request) {
  const bool is_json =
      service == nullptr &&
      net::find_header(request.headers, "content-type").starts_with("application/x-amz-json-");
  return is_json ? find_service("logs") : service;
}

}  // namespace

// What is known of a call so far, for its error and its log line.
struct Dispatcher::Progress {
  net::HttpRequest request;
  std::string request_id;
  Instant started{};
  WallTime now{};
  const ServiceInfo* service = nullptr;
  std::string action;
  std::string principal;
  std::string session_name;
  std::string access_key_id;  // as claimed
  bool is_known_action = false;
  Permission asked;  // the one that was refused, or the first
  DecidedBy decided_by;
  bool is_authenticated = false;
  bool is_denied = false;

  void take(const Claim& claim) {
    service = claim.service;
    access_key_id = shortened(claim.access_key_id);
  }
};

std::size_t body_bytes_max(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path.ends_with("/invocations")) {
    return kEventBodyMax;
  }
  // CreateFunction, UpdateFunctionCode, PublishLayerVersion.
  const bool has_code = path.ends_with("/functions") || path.ends_with("/code") ||
                        (path.starts_with("/2018-10-31/layers/") && path.ends_with("/versions"));
  return path.starts_with("/20") && has_code ? kCodeBodyMax : DispatcherOptions::kQueryBodyMax;
}

void Dispatcher::handle(net::HttpRequest request, Respond respond) const {
  auto progress = std::make_shared<Progress>();
  progress->request = std::move(request);
  progress->started = options_.clock.now();
  progress->request_id = random_uuid();
  progress->now = options_.clock.wall_now();
  const Claim claim = read_claim(progress->request, {});
  const ServiceInfo* service = claim.service != nullptr   ? claim.service
                               : claim.is_other_service() ? nullptr
                                                          : guess_json_service(progress->request);
  if (service != nullptr && service->is_json()) {
    progress->take(claim);
    progress->service = service;
    handle_json(progress, std::move(respond));
    return;
  }
  Result<std::string> body = process(progress->request, *progress);
  if (body) {
    conclude(*progress, nullptr, 200);
    respond(render_result(std::move(*body), progress->request_id));
    return;
  }
  const AwsError error = conclude(*progress, &body.error(), 0);
  respond(render_error(form_of_error(progress->service, progress->request), error,
                       progress->request_id));
}

void Dispatcher::handle_json(const ProgressPtr& progress, Respond respond) const {
  const FinishJson finish = [this, progress,
                             respond = std::move(respond)](Result<JsonAnswer> answer) {
    if (answer) {
      conclude(*progress, nullptr, answer->status);
      respond(render_json_result(*progress->service, std::move(*answer), progress->request_id));
      return;
    }
    const AwsError error = conclude(*progress, &answer.error(), 0);
    respond(render_error(progress->service, error, progress->request_id));
  };
  if (Status started = start_json(progress, finish); !started) {
    finish(started.error());
  }
}

AwsError Dispatcher::conclude(const Progress& progress, const Error* failure, int status) const {
  AwsError error;
  if (failure != nullptr) {
    error = map_error(progress.service, *failure);
    status = error.status;
  }
  const bool is_ours = failure != nullptr && !error.is_sender() && error.status != 501;
  const char* verdict = failure == nullptr           ? "done"
                        : !progress.is_authenticated ? "refused"
                        : progress.is_denied         ? "denied"
                        : is_ours                    ? "failed"
                                                     : "rejected";
  const std::int64_t milliseconds = since(progress.started, options_.clock.now()).count();
  log(is_ours ? Level::kError : Level::kInfo, "api.call",
      {{"request_id", progress.request_id},
       {"service", progress.service == nullptr ? std::string_view("-") : progress.service->name},
       {"action", shown(progress.action)},
       {"principal", shown(progress.principal)},
       {"access_key_id", shown(progress.access_key_id)},
       {"source", shown(progress.request.peer_address)},
       {"verdict", verdict},
       {"code", shown(error.code)},
       {"status", status},
       {"ms", milliseconds}});
  if (options_.audit != nullptr) {
    ApiRecord record;
    record.verdict = verdict;
    record.code = error.code;
    record.status = status;
    record.milliseconds = milliseconds;
    record_call(progress, std::move(record));
  }
  if (is_ours) {
    // What the client is not told.
    log(Level::kError, "api.failure",
        {{"request_id", progress.request_id}, {"cause", failure->message}});
  }
  return error;
}

void Dispatcher::record_call(const Progress& progress, ApiRecord record) const {
  record.at = progress.now;
  record.request_id = progress.request_id;
  record.principal_arn = progress.principal;
  record.session_name = progress.session_name;
  record.access_key_id = progress.access_key_id;
  record.source = progress.request.peer_address;
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
  const Claim claim = read_claim(request, params ? *params : QueryParams());
  progress.take(claim);
  if (!params) {  // nor have they the Query protocol's media type
    return claim.is_other_service() ? service_not_built(claim.service_name) : params.error();
  }
  progress.action = shortened(params->get("Action"));
  return run(request, *params, progress);
}

Result<Authenticated> Dispatcher::authenticate_caller(Progress& progress) const {
  const AuthContext context{.identities = options_.identities,
                            .realm = options_.realm,
                            .now = progress.now,
                            .clock_skew_max = options_.clock_skew_max};
  return authenticate(progress.request, context);
}

Call Dispatcher::call_of(const Progress& progress, const Authenticated& caller,
                         std::string_view action) const {
  const net::HttpRequest& request = progress.request;
  return {.request_id = progress.request_id,
          .service = *caller.service,
          .action = action,
          .principal = caller.principal,
          .realm = options_.realm,
          .region = caller.region,
          .now = progress.now,
          .source_ip = request.peer_address,
          .user_agent = std::string(net::find_header(request.headers, "user-agent")),
          .is_tls = request.is_tls};
}

Result<std::string> Dispatcher::run(const net::HttpRequest& request, const QueryParams& params,
                                    Progress& progress) const {
  TRIVET_TRY(const Authenticated caller, is_unsigned_web_identity(request, params)
                                             ? nobody(options_.realm)
                                             : authenticate_caller(progress));
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
  const Call call = call_of(progress, caller, action->name);
  return action->run(call, params, [&](const std::vector<Permission>& permissions) {
    Status status = authorize(call, permissions, progress);
    progress.is_denied = !status;
    return status;
  });
}

// An error is the answer; otherwise `finish` was called or will be.
Status Dispatcher::start_json(const ProgressPtr& progress, const FinishJson& finish) const {
  const net::HttpRequest& request = progress->request;
  if (request.body.size() > api::body_bytes_max(request.target)) {
    return aws_fault(Errc::kInvalidArgument, "RequestEntityTooLarge",
                     "Request must be smaller than " +
                         std::to_string(api::body_bytes_max(request.target)) + " bytes.");
  }
  auto parts = read_json_request(*progress->service, request);
  progress->action = parts ? parts->action : "";
  TRIVET_TRY(const Authenticated caller, authenticate_caller(*progress));
  progress->is_authenticated = true;
  progress->principal = caller.principal.arn;
  progress->session_name = caller.principal.session_name;
  if (!parts) {
    return parts.error();
  }
  const Action* action = options_.actions.find(*progress->service, parts->action);
  if (action == nullptr) {
    return unknown_action(*progress->service, parts->action, progress->service->version);
  }
  progress->is_known_action = true;
  const Call call = call_of(*progress, caller, action->name);
  action->run_json(
      call, *parts,
      [&](const std::vector<Permission>& permissions) {
        Status status = authorize(call, permissions, *progress);
        progress->is_denied = !status;
        return status;
      },
      finish);
  return ok();
}

Status Dispatcher::authorize(const Call& call, const std::vector<Permission>& permissions,
                             Progress& progress) const {
  if (permissions.empty()) {
    return make_error(Errc::kInternal,
                      "the action " + std::string(call.action) + " asks for no permission");
  }
  const ConditionKeys global = request_condition_keys(call);
  std::optional<DecidedBy> first_decided_by;
  for (const Permission& permission : permissions) {
    ConditionKeys keys = permission.context;
    // merge() keeps what is there: nothing of a request may stand in for a global key.
    ConditionKeys all = global;
    all.merge(keys);
    progress.asked = permission;
    progress.decided_by = {};
    TRIVET_CHECK_OK(
        options_.identities.authorize({.principal = call.principal,
                                       .action = permission.action,
                                       .resource = permission.resource,
                                       .context = all,
                                       .decided_by = &progress.decided_by,
                                       .resource_policies = &permission.resource_policies}));
    if (!first_decided_by) {
      first_decided_by = progress.decided_by;
    }
  }
  // The first one is what the call is about; the others are what it needs besides.
  progress.asked = permissions.front();
  progress.decided_by = std::move(*first_decided_by);
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
