// SPDX-License-Identifier: Apache-2.0
#include "daemon/iam_admin.h"

#include <nlohmann/json.hpp>
#include <string>

#include "adapter/https/https_get.h"
#include "adapter/jose/jose.h"
#include "base/log.h"
#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;

net::HttpResponse answer_of(const Status& status) {
  return status ? admin_answer(200, json::object()) : admin_refusal(status.error());
}

// A member of the body that is a text; nullopt when there is none.
std::optional<std::string> text_in(const json& body, const char* member) {
  if (!body.is_object() || !body.contains(member) || !body[member].is_string()) {
    return std::nullopt;
  }
  return body[member].get<std::string>();
}

net::HttpResponse set_guardrail(const json& body, service::IamService& iam) {
  const auto document = text_in(body, "document");
  if (!document) {
    return admin_bad_request("needs document: a policy as text, or an empty text");
  }
  const Status status = iam.set_guardrail(*document);
  if (status) {
    log(Level::kInfo, "iam.guardrail", {{"set", !document->empty()}});
  }
  return answer_of(status);
}

net::HttpResponse set_keys(const json& body, service::IamService& iam) {
  const auto arn = text_in(body, "arn");
  const auto jwks = text_in(body, "jwks");
  if (!arn || !jwks) {
    return admin_bad_request("needs arn and jwks, a JSON Web Key Set as text");
  }
  const auto count = jose::count_keys(*jwks);
  if (!count) {
    return admin_bad_request(count.error().message);
  }
  service::OidcChange change;
  change.jwks = *jwks;
  const Status status = iam.change_oidc_provider(*arn, change);
  if (!status) {
    return answer_of(status);
  }
  log(Level::kInfo, "iam.oidc_keys", {{"provider", *arn}, {"keys", *count}});
  return admin_answer(200, {{"keys", *count}});
}

}  // namespace

std::optional<net::HttpResponse> iam_admin_call(const net::HttpRequest& request,
                                                service::IamService& iam) {
  const bool is_post = request.method == "POST";
  if (request.target == "/iam/guardrail" && request.method == "GET") {
    return admin_answer(200, {{"document", iam.account().guardrail}});
  }
  if (request.target == "/iam/guardrail" && is_post) {
    return set_guardrail(json::parse(request.body, nullptr, false), iam);
  }
  if (request.target == "/iam/oidc-keys" && is_post) {
    return set_keys(json::parse(request.body, nullptr, false), iam);
  }
  return std::nullopt;
}

std::unique_ptr<service::OidcKeys> make_oidc_keys(const HomePaths& paths, const Clock& clock) {
  return std::make_unique<service::OidcKeys>(
      service::OidcKeys::Needs{.fetch =
                                   [file = paths.oidc_authorities()](const std::string& url) {
                                     return https::https_get(url, {.more_authorities = file});
                                   },
                               .count_keys = jose::count_keys,
                               .clock = clock});
}

}  // namespace trivet::daemon
