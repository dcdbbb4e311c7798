// SPDX-License-Identifier: Apache-2.0
//
// How an AWS action is declared: a request shape, the permissions that a call needs, and a handler.
// docs/adding-an-action.md shows a whole handler file.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/identities.h"
#include "api/json_answer.h"
#include "api/json_request.h"
#include "api/operation.h"
#include "api/query_params.h"
#include "api/render.h"
#include "api/service_info.h"
#include "base/result.h"
#include "base/time.h"
#include "base/xml_writer.h"
#include "model/ids.h"
#include "model/principal.h"

namespace trivet::api {

// The facts of one call. Lives until its handler returns: one that answers later copies what it
// needs.
struct Call {
  std::string request_id;
  const ServiceInfo& service;
  std::string_view action;  // AWS's name
  const Principal& principal;
  const Realm& realm;
  std::string region;  // that the caller signed for; IAM and STS take any
  WallTime now{};
  std::string source_ip;
  std::string user_agent;
  bool is_tls = false;
};

// One thing that the caller must be allowed to do for the call to go ahead.
struct Permission {
  std::string action;       // "rds:CreateDBCluster"
  std::string resource;     // an ARN, or "*" where AWS has no resource level
  ConditionKeys context{};  // keys of this call beyond the global ones: "rds:DatabaseEngine",
                            // "aws:RequestTag/x"
  // On the resource itself: within the account it may allow what identity policies do not.
  std::vector<policy::NamedPolicy> resource_policies{};
};

// Allows or refuses; kDenied as Identities::authorize.
using Authorize = std::function<Status(const std::vector<Permission>&)>;

using FinishJson = std::function<void(Result<JsonAnswer>)>;

// A built action, its shapes forgotten. It parses, asks `authorize` and calls the handler. `run`
// (Query protocol) returns the response's body in its envelope. `run_json` calls `finish` once: at
// once when it refuses, or later and on another thread. One of the two is set.
struct Action {
  const ServiceInfo* service = nullptr;
  std::string_view name;
  std::function<Result<std::string>(const Call&, const QueryParams&, const Authorize&)> run{};
  std::function<void(const Call&, const JsonRequest&, const Authorize&, FinishJson finish)>
      run_json{};
};

// All built actions. Filled before the first call, then only read: thread-safe from there on.
class ActionTable {
 public:
  // Requires: the action is AWS's and not in the table yet.
  void add(Action action);
  // nullptr when it is not built.
  const Action* find(const ServiceInfo& service, std::string_view name) const;

 private:
  std::map<std::pair<std::string_view, std::string_view>, Action> actions_;  // by service and name
};

// For make_action: there is nothing to ask (GetCallerIdentity).
struct NoPermission {};

namespace internal {

// The error that answers a call whose DryRun is true and that would have been allowed.
Error dry_run_error();

template <typename Request>
bool is_dry_run(const Request& request) {
  if constexpr (requires { request.DryRun; }) {
    return request.DryRun.value_or(false);
  } else {
    return false;
  }
}

template <typename Request>
concept SpeaksJson = requires(const JsonRequest& request) { Operation<Request>::parse(request); };

// What a call is allowed to do, if it asks for anything.
template <typename Request, typename Permissions>
Status check_allowed(const Permissions& permissions, const Call& call, const Request& request,
                     const Authorize& authorize) {
  if constexpr (std::is_same_v<Permissions, NoPermission>) {
    return ok();
  } else {
    return authorize(permissions(call, request));
  }
}

}  // namespace internal

// How a deferred handler answers: once, from any thread.
template <typename Request>
using Reply = std::function<void(Result<typename Operation<Request>::Response>)>;

// As make_action, of a JSON service, with a handler that may answer later:
// `handler(call, request, reply)`. It must not block for long, and must see to it that `reply` is
// called.
template <typename Request, typename Permissions, typename Handler>
Action make_deferred_action(Permissions permissions, Handler handler) {
  using Op = Operation<Request>;
  auto run = [permissions = std::move(permissions), handler = std::move(handler)](
                 const Call& call, const JsonRequest& parts, const Authorize& authorize,
                 FinishJson finish) {
    Result<Request> request = Op::parse(parts);
    if (!request) {
      finish(request.error());
      return;
    }
    if (Status allowed = internal::check_allowed(permissions, call, *request, authorize);
        !allowed) {
      finish(allowed.error());
      return;
    }
    handler(call, std::move(*request),
            [finish = std::move(finish)](Result<typename Op::Response> response) {
              finish(response ? Result<JsonAnswer>(Op::answer(*response)) : response.error());
            });
  };
  return {.service = &Op::service(), .name = Op::kAction, .run_json = std::move(run)};
}

// `permissions(call, request)` → std::vector<Permission>, never empty; all must be allowed. Or
// NoPermission{}. `handler(call, request)` → Result<Operation<Request>::Response>. Both are called
// from many threads at once.
template <typename Request, typename Permissions, typename Handler>
  requires internal::SpeaksJson<Request>
Action make_action(Permissions permissions, Handler handler) {
  return make_deferred_action<Request>(
      std::move(permissions), [handler = std::move(handler)](
                                  const Call& call, const Request& request,
                                  const Reply<Request>& reply) { reply(handler(call, request)); });
}

template <typename Request, typename Permissions, typename Handler>
Action make_action(Permissions permissions, Handler handler) {
  using Op = Operation<Request>;
  auto run = [permissions = std::move(permissions), handler = std::move(handler)](
                 const Call& call, const QueryParams& params,
                 const Authorize& authorize) -> Result<std::string> {
    TRIVET_TRY(const Request request, Op::parse(params));
    TRIVET_CHECK_OK(internal::check_allowed(permissions, call, request, authorize));
    if (internal::is_dry_run(request)) {
      return internal::dry_run_error();
    }
    Result<typename Op::Response> response = handler(call, request);
    if (!response) {
      return response.error();
    }
    const Envelope envelope{.service = call.service,
                            .action = Op::kAction,
                            .request_id = call.request_id,
                            .has_result = Op::kHasResult};
    XmlWriter xml;
    open_envelope(xml, envelope);
    write(xml, *response);
    close_envelope(xml, envelope);
    return xml.take();
  };
  return {.service = &Op::service(), .name = Op::kAction, .run = std::move(run)};
}

}  // namespace trivet::api
