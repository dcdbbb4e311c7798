// SPDX-License-Identifier: Apache-2.0
#include "daemon/credentials_admin.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/iso8601.h"
#include "base/log.h"
#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

constexpr std::chrono::seconds kSessionMax{12 * 3600};

}  // namespace

net::HttpResponse give_credentials(const net::HttpRequest& request, service::StsService& sts,
                                   const CredentialsFacts& facts) {
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  std::chrono::seconds duration(3'600);
  if (body.is_object() && body.contains("duration_seconds")) {
    const auto& wanted = body["duration_seconds"];
    if (!wanted.is_number_integer() || wanted.get<std::int64_t>() < 900 ||
        wanted.get<std::int64_t>() > kSessionMax.count()) {
      return admin_bad_request("duration_seconds must be 900 to 43200");
    }
    duration = std::chrono::seconds(wanted.get<std::int64_t>());
  }
  const auto session = sts.make_local_session(duration, facts.now);
  if (!session) {
    return admin_refusal(session.error());
  }
  log(Level::kInfo, "credentials.given",
      {{"uid", request.peer_credentials->uid},
       {"access_key_id", session->access_key_id.str()},
       {"seconds", duration.count()}});
  return admin_answer(200, {{"access_key_id", session->access_key_id.str()},
                            {"secret_access_key", session->secret.reveal()},
                            {"session_token", session->session_token},
                            {"expiration", format_iso8601(session->expires)},
                            {"endpoint_url", facts.installation.endpoint_url()},
                            {"region", facts.installation.realm.region},
                            {"account_id", facts.installation.realm.account.str()},
                            {"ca_bundle", facts.ca_bundle}});
}

}  // namespace trivet::daemon
