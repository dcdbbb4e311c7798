// SPDX-License-Identifier: Apache-2.0
//
// Invoke: waits for the answer (RequestResponse), takes the event and answers at once (Event), or
// only says whether it could (DryRun).
#include <nlohmann/json.hpp>
#include <utility>

#include "api/lambda/common.h"
#include "base/bytes.h"

namespace trivet::api::lambda {
namespace {

// X-Amz-Client-Context is JSON in base64.
Result<std::string> client_context_of(const std::optional<std::string>& header) {
  if (!header || header->empty()) {
    return std::string();
  }
  auto text = from_base64(*header);
  if (!text || !nlohmann::json::accept(*text)) {
    return aws_fault(Errc::kInvalidArgument, "InvalidRequestContentException",
                     "Client context must be a valid Base64-encoded JSON object.");
  }
  return std::move(*text);
}

Result<functions::InvokeWish> wish_of(const Call& call, InvokeRequest& request) {
  if (request.TenantId || request.DurableExecutionName) {
    return not_implemented("TenantId and DurableExecutionName are not implemented.");
  }
  TRIVET_TRY(Target target, target_of(call.realm, request.FunctionName, request.Qualifier));
  functions::InvokeWish wish{.function = std::move(target.name),
                             .qualifier = std::move(target.qualifier),
                             .payload = std::move(request.Payload).value_or(""),
                             .request_id = call.request_id};
  TRIVET_TRY(wish.client_context, client_context_of(request.ClientContext));
  return wish;
}

InvokeResponse answer_of(functions::InvokeAnswer answer, bool wants_log) {
  InvokeResponse out;
  out.StatusCode = 200;
  out.Payload = std::move(answer.payload);
  out.ExecutedVersion = std::move(answer.executed_version);
  if (!answer.function_error.empty()) {
    out.FunctionError = std::move(answer.function_error);
  }
  if (wants_log) {
    out.LogResult = to_base64(answer.log_tail);
  }
  return out;
}

// AWS names $LATEST where a call without a qualifier finds no function.
Error with_qualifier(const Error& error, const functions::InvokeWish& wish) {
  Error out = error;
  if (out.fault == "ResourceNotFoundException" && wish.qualifier.empty()) {
    out.message += ":" + std::string(kLatestVersion);
  }
  return out;
}

void invoke(const LambdaServices& services, const Call& call, InvokeRequest request,
            Reply<InvokeRequest> reply) {
  const std::string type = request.InvocationType.value_or("RequestResponse");
  const bool wants_log = request.LogType == "Tail";
  auto wish = wish_of(call, request);
  if (!wish) {
    reply(wish.error());
    return;
  }
  if (auto possible = services.invoker.check(
          *wish, type == "Event" ? functions::kAsyncPayloadMax : functions::kSyncPayloadMax);
      !possible) {
    reply(with_qualifier(possible.error(), *wish));
    return;
  }
  InvokeResponse accepted;
  if (type == "DryRun") {
    accepted.StatusCode = 204;
    reply(std::move(accepted));
    return;
  }
  if (type == "Event") {
    const Status taken = services.events.accept(std::move(*wish));
    accepted.StatusCode = 202;
    reply(taken ? Result<InvokeResponse>(std::move(accepted)) : taken.error());
    return;
  }
  services.invoker.invoke(std::move(*wish), [reply = std::move(reply),
                                             wants_log](Result<functions::InvokeAnswer> answer) {
    reply(answer ? Result<InvokeResponse>(answer_of(std::move(*answer), wants_log))
                 : answer.error());
  });
}

}  // namespace

void add_invoke_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_deferred_action<InvokeRequest>(
      [services](const Call& call, const InvokeRequest& request) {
        Permission wanted = function_permission(services, call.realm, "lambda:InvokeFunction",
                                                request.FunctionName, request.Qualifier);
        if (const auto target = target_of(call.realm, request.FunctionName, request.Qualifier)) {
          wanted.resource_policies =
              services.functions.resource_policies(target->name, target->qualifier);
        }
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call, InvokeRequest request, Reply<InvokeRequest> reply) {
        invoke(services, call, std::move(request), std::move(reply));
      }));
}

}  // namespace trivet::api::lambda
