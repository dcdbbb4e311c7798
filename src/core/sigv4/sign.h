// SPDX-License-Identifier: Apache-2.0
//
// The other half of Signature Version 4: making signatures, for our own command line and for login
// tokens. The forms are botocore's, so that what we make is what the AWS CLI would make.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/sigv4/canonical.h"

namespace trivet::sigv4 {

// Move-only, because of the secret.
struct Credentials {
  std::string access_key_id;
  SecretString secret_access_key;
  std::string session_token;  // empty for long-lived keys
};

// What a signature is made for and when.
struct SigningContext {
  std::string region;
  std::string service;
  WallTime now{};
  std::int64_t expires_s = 900;  // presign only
};

// The headers to add to the request: X-Amz-Date, X-Amz-Security-Token for temporary credentials,
// and Authorization. All headers of the request are signed but the few that proxies change.
// kInvalidArgument when there is no Host header or the query has a malformed escape.
Result<Headers> sign_request(const SignedRequest& request, const Credentials& credentials,
                             const SigningContext& context);

// The query that makes the request presigned: request.query, then the X-Amz-* parameters in
// botocore's order, X-Amz-Signature last. Only `host` is signed. Errors as sign_request.
Result<std::string> presign(const SignedRequest& request, const Credentials& credentials,
                            const SigningContext& context);

}  // namespace trivet::sigv4
