// SPDX-License-Identifier: Apache-2.0
#include "core/token/make.h"

#include "base/assert.h"
#include "base/bytes.h"

namespace trivet::token {

std::string make_db_token(const TokenRequest& request, const sigv4::Credentials& credentials,
                          WallTime now) {
  const std::string written = request.host + ":" + std::to_string(request.port);
  // botocore signs an https URL's host: lower case, and 443 goes without saying.
  const std::string signed_host = to_lower(request.port == 443 ? request.host : written);
  const sigv4::SignedRequest get = {
      .method = "GET",
      .path = "/",
      .query = "Action=connect&DBUser=" + percent_encode(request.db_user),
      .headers = {{"host", signed_host}}};
  const auto query =
      sigv4::presign(get, credentials,
                     {.region = request.region, .service = "rds-db", .now = now, .expires_s = 900});
  TRIVET_ASSERT(query.has_value());  // there is a host, and the query was encoded here
  return written + "/?" + *query;
}

}  // namespace trivet::token
