// SPDX-License-Identifier: Apache-2.0
#include "core/token/reason.h"

#include "base/bytes.h"

namespace trivet::token {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kAccepted:
      return "accepted";
    case Reason::kEmpty:
      return "empty";
    case Reason::kTooLong:
      return "too-long";
    case Reason::kMalformed:
      return "malformed";
    case Reason::kTruncated:
      return "truncated";
    case Reason::kDuplicateParameter:
      return "duplicate-param";
    case Reason::kMissingParameter:
      return "missing-param";
    case Reason::kAlgorithm:
      return "algorithm";
    case Reason::kSignedHeaders:
      return "signed-headers";
    case Reason::kServiceMismatch:
      return "service-mismatch";
    case Reason::kRegionMismatch:
      return "region-mismatch";
    case Reason::kAction:
      return "action";
    case Reason::kScopeDateMismatch:
      return "scope-date-mismatch";
    case Reason::kBadExpires:
      return "bad-expires";
    case Reason::kExpiresTooLong:
      return "expires-too-long";
    case Reason::kUnknownKey:
      return "unknown-key";
    case Reason::kInactiveKey:
      return "inactive-key";
    case Reason::kSessionToken:
      return "session-token";
    case Reason::kBadSignature:
      return "bad-signature";
    case Reason::kHostMismatch:
      return "host-mismatch";
    case Reason::kUserMismatch:
      return "user-mismatch";
    case Reason::kNotYetValid:
      return "not-yet-valid";
    case Reason::kExpired:
      return "expired";
    case Reason::kSessionExpired:
      return "session-expired";
    case Reason::kTooOld:
      return "too-old";
    case Reason::kPolicy:
      return "policy";
    case Reason::kTokenUsed:
      return "token-used";
    case Reason::kSignedBeforeMemory:
      return "signed-before-memory";
    case Reason::kThrottled:
      return "throttled";
    case Reason::kPrincipalRate:
      return "principal-rate";
    case Reason::kAddressRate:
      return "address-rate";
    case Reason::kInternal:
      return "internal";
  }
  return "unknown";
}

RdsCode rds_code(Reason reason) {
  switch (reason) {
    case Reason::kAccepted:
      return {200, ""};
    case Reason::kExpired:
    case Reason::kSessionExpired:
    case Reason::kTooOld:
      return {400, "ExpiredToken"};
    case Reason::kPolicy:
      return {403, "NotAuthorized"};
    case Reason::kThrottled:
    case Reason::kPrincipalRate:
    case Reason::kAddressRate:
      return {429, "ThrottlingException"};
    case Reason::kInternal:
      return {500, "InternalError"};
    case Reason::kEmpty:
    case Reason::kTooLong:
    case Reason::kMalformed:
    case Reason::kTruncated:
    case Reason::kDuplicateParameter:
    case Reason::kMissingParameter:
    case Reason::kAlgorithm:
    case Reason::kSignedHeaders:
    case Reason::kServiceMismatch:
    case Reason::kRegionMismatch:
    case Reason::kAction:
    case Reason::kScopeDateMismatch:
    case Reason::kBadExpires:
    case Reason::kExpiresTooLong:
    case Reason::kUnknownKey:
    case Reason::kInactiveKey:
    case Reason::kSessionToken:
    case Reason::kBadSignature:
    case Reason::kHostMismatch:
    case Reason::kUserMismatch:
    case Reason::kNotYetValid:
    case Reason::kTokenUsed:
    case Reason::kSignedBeforeMemory:
      break;
  }
  return {400, "InvalidToken"};
}

std::string iam_db_auth_error(Reason reason, std::string_view db_user,
                              std::string_view principal_arn) {
  const RdsCode code = rds_code(reason);
  std::string out = code.code == "InvalidToken" || code.code == "ExpiredToken"
                        ? "Failed to authenticate the connection request for user "
                        : "Failed to authorize the connection request for user ";
  out += log_quoted(db_user);
  if (code.code == "ExpiredToken") {
    out += " because the token age is longer than 15 minutes.";
  } else if (code.code == "NotAuthorized") {
    out += " because the IAM policy assumed by the caller ";
    out += log_quoted(principal_arn);
    out += " is not authorized to perform `rds-db:connect` on the DB instance.";
  } else if (code.code == "ThrottlingException") {
    out += " due to IAM DB authentication throttling.";
  } else if (code.code == "InternalError") {
    out += " due to an internal IAM DB authentication error.";
  } else {
    out += " because the provided token is malformed or otherwise invalid.";
  }
  out += " (Status Code: " + std::to_string(code.status) + ", Error Code: ";
  out += code.code;
  out += ')';
  return out;
}

std::string log_quoted(std::string_view text) {
  constexpr std::size_t kBytesMax = 128;
  std::string out = "'";
  for (const char c : text.substr(0, kBytesMax)) {
    if (c < 0x20 || c > 0x7E || c == '\'' || c == '\\') {
      out += "\\x";
      out += to_hex(std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
  out += text.size() > kBytesMax ? "…'" : "'";
  return out;
}

}  // namespace trivet::token
