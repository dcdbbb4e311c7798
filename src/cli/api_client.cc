// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/uri.h"
#include "net/http_client.h"

namespace trivet::cli {
namespace {

constexpr Millis kDeadline{10'000};

// What stands between <name> and </name>, the first time; empty when there is none.
std::string_view element(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const std::size_t start = xml.find(open);
  if (start == std::string_view::npos) {
    return {};
  }
  xml.remove_prefix(start + open.size());
  const std::size_t end = xml.find(fmt::format("</{}>", name));
  return end == std::string_view::npos ? std::string_view() : xml.substr(0, end);
}

}  // namespace

Result<net::HttpRequest> make_describe_request(const SessionCredentials& credentials,
                                               std::string_view cluster, WallTime now) {
  TRIVET_TRY(const net::HttpEndpoint endpoint, net::parse_http_endpoint(credentials.endpoint_url));
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.body = fmt::format("Action=DescribeDBClusters&Version=2014-10-31&DBClusterIdentifier={}",
                             percent_encode(cluster));
  request.headers = {{"Host", fmt::format("{}:{}", endpoint.host, endpoint.port)},
                     {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  const sigv4::SignedRequest to_sign = {.method = request.method,
                                        .path = "/",
                                        .query = "",
                                        .headers = request.headers,
                                        .payload_sha256 = to_hex(sha256(request.body))};
  TRIVET_TRY(const sigv4::Headers added,
             sigv4::sign_request(to_sign, credentials.keys,
                                 {.region = credentials.region, .service = "rds", .now = now}));
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  return request;
}

Result<ClusterFacts> parse_describe_answer(int status, std::string_view xml) {
  if (status != 200) {
    const std::string_view code = element(xml, "Code");
    return make_error(
        Errc::kInternal,
        code.empty() ? fmt::format("DescribeDBClusters: HTTP status {}", status)
                     : fmt::format("DescribeDBClusters: {}: {}", code, element(xml, "Message")));
  }
  ClusterFacts facts;
  facts.master_username = element(xml, "MasterUsername");
  facts.iam_authentication = element(xml, "IAMDatabaseAuthenticationEnabled") == "true";
  if (facts.master_username.empty()) {
    return make_error(Errc::kCorrupt, "DescribeDBClusters: the answer names no master user");
  }
  return facts;
}

Result<ClusterFacts> describe_cluster(const SessionCredentials& credentials,
                                      std::string_view cluster, WallTime now) {
  TRIVET_TRY(const net::HttpEndpoint endpoint, net::parse_http_endpoint(credentials.endpoint_url));
  TRIVET_TRY(const net::HttpRequest request, make_describe_request(credentials, cluster, now));
  TRIVET_TRY(const net::HttpResponse response, net::http_call(endpoint, request, kDeadline));
  return parse_describe_answer(response.status, response.body);
}

}  // namespace trivet::cli
