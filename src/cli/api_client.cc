// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/crypto.h"
#include "net/http_client.h"

namespace trivet::cli {
namespace {

constexpr std::int64_t kSessionSeconds = 900;
constexpr Millis kCall{30'000};

// What is between <name> and </name>, with the five entities made characters.
std::string element_text(std::string_view xml, const std::string& name) {
  const std::size_t begin = xml.find("<" + name + ">");
  const std::size_t end = xml.find("</" + name + ">", begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) {
    return {};
  }
  std::string text(xml.substr(begin + name.size() + 2, end - begin - name.size() - 2));
  constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities) {
    for (std::size_t at = text.find(entity); at != std::string::npos;
         at = text.find(entity, at + 1)) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

}  // namespace

std::string refusal_text(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("__type")) {
    return fmt::format("{}: {}", json.value("__type", ""), json.value("message", ""));
  }
  const std::string code = element_text(body, "Code");
  return code.empty() ? std::string(body.substr(0, 200))
                      : fmt::format("{}: {}", code, element_text(body, "Message"));
}

Result<ApiClient> ApiClient::open(const AdminClient& admin) {
  TRIVET_TRY(SessionCredentials session, admin.credentials(kSessionSeconds));
  return ApiClient(std::move(session));
}

Result<std::string> ApiClient::call(std::string_view action,
                                    const QueryParameters& parameters) const {
  return call({"rds", "2014-10-31"}, action, parameters);
}

Result<std::string> ApiClient::call_iam(std::string_view action,
                                        const QueryParameters& parameters) const {
  return call({"iam", "2010-05-08"}, action, parameters);
}

Result<std::string> ApiClient::call_logs(std::string_view action, std::string json) const {
  return send("logs",
              {{"Content-Type", "application/x-amz-json-1.1"},
               {"X-Amz-Target", fmt::format("Logs_20140328.{}", action)}},
              std::move(json));
}

Result<std::string> ApiClient::get_function(const std::string& name) const {
  return send("lambda", {}, "", "/2015-03-31/functions/" + percent_encode(name));
}

Result<std::vector<std::string>> ApiClient::functions_on(std::string_view runtime) const {
  constexpr int kPagesMax = 1'000;
  std::vector<std::string> names;
  std::string query;
  for (int page = 0; page < kPagesMax; ++page) {
    TRIVET_TRY(const std::string body, send("lambda", {}, "", "/2015-03-31/functions/" + query));
    const auto answer = nlohmann::json::parse(body, nullptr, false);
    if (!answer.is_object() || !answer.contains("Functions")) {
      return make_error(Errc::kCorrupt, "the answer to ListFunctions cannot be read");
    }
    for (const auto& function : answer["Functions"]) {
      if (function.value("Runtime", "") == runtime) {
        names.push_back(function.value("FunctionName", ""));
      }
    }
    const auto marker = answer.find("NextMarker");
    if (marker == answer.end() || !marker->is_string()) {
      break;
    }
    query = "?Marker=" + percent_encode(marker->get<std::string>());
  }
  return names;
}

Result<std::string> ApiClient::call(const Service& service, std::string_view action,
                                    const QueryParameters& parameters) const {
  std::string body = fmt::format("Action={}&Version={}", action, service.version);
  for (const auto& [name, value] : parameters) {
    body += fmt::format("&{}={}", percent_encode(name), percent_encode(value));
  }
  return send(std::string(service.name),
              {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
              std::move(body));
}

Result<std::string> ApiClient::send(const std::string& service, net::Headers headers,
                                    std::string body, const std::string& get) const {
  TRIVET_TRY(const net::HttpEndpoint endpoint, net::parse_http_endpoint(session_.endpoint_url));
  sigv4::SignedRequest to_sign{.method = get.empty() ? "POST" : "GET",
                               .headers = {},
                               .payload_sha256 = to_hex(sha256(body))};
  const std::size_t path_end = std::min(get.find('?'), get.size());
  to_sign.path = get.empty() ? "/" : get.substr(0, path_end);
  to_sign.query = path_end < get.size() ? get.substr(path_end + 1) : "";
  to_sign.headers = {{"Host", fmt::format("{}:{}", endpoint.host, endpoint.port)}};
  to_sign.headers.insert(to_sign.headers.end(), headers.begin(), headers.end());
  TRIVET_TRY(const sigv4::Headers added,
             sigv4::sign_request(
                 to_sign, session_.keys,
                 {.region = session_.region, .service = service, .now = SystemClock().wall_now()}));
  net::HttpRequest request;
  request.method = to_sign.method;
  request.target = get.empty() ? "/" : get;
  request.headers.assign(to_sign.headers.begin(), to_sign.headers.end());
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  request.body = std::move(body);
  TRIVET_TRY(net::HttpResponse response, net::http_call(endpoint, request, kCall));
  if (response.status != 200) {
    return make_error(Errc::kConflict, refusal_text(response.body));
  }
  return std::move(response.body);
}

}  // namespace trivet::cli
