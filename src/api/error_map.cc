// SPDX-License-Identifier: Apache-2.0
#include "api/error_map.h"

#include <algorithm>
#include <span>

namespace trivet::api {
namespace {

struct CommonError {
  std::string_view code;
  int status;
  std::string_view ec2_code;  // empty: the same
  int ec2_status;
};

// Errors that any action may answer with (AWS: "Common errors" of each API reference), and the few
// of EC2, whose model names none. IAM and STS word them as RDS does.
constexpr CommonError kCommon[] = {
    {"AccessDenied", 403, "UnauthorizedOperation", 403},
    {"CannotDelete", 400, "", 400},
    {"DependencyViolation", 400, "", 400},
    {"DryRunOperation", 412, "", 412},
    {"DuplicateSubnetsInSameZone", 400, "", 400},
    {"ExpiredToken", 403, "RequestExpired", 400},
    {"Gateway.NotAttached", 400, "", 400},
    {"IncompleteSignature", 400, "", 400},
    {"InsufficientFreeAddressesInSubnet", 400, "", 400},
    {"InternalFailure", 500, "InternalError", 500},
    {"InternetGatewayLimitExceeded", 400, "", 400},
    {"InvalidAction", 400, "", 400},
    {"InvalidAssociationID.NotFound", 400, "", 400},
    {"InvalidClientTokenId", 403, "AuthFailure", 401},
    {"InvalidGatewayID.NotFound", 400, "", 400},
    {"InvalidGroup.Duplicate", 400, "", 400},
    {"InvalidGroup.InUse", 400, "", 400},
    {"InvalidGroup.NotFound", 400, "", 400},
    {"InvalidGroupId.Malformed", 400, "", 400},
    {"InvalidID", 400, "", 400},
    {"InvalidInternetGatewayID.NotFound", 400, "", 400},
    {"InvalidIPAddress.InUse", 400, "", 400},
    {"InvalidNetworkInterfaceID.NotFound", 400, "", 400},
    {"InvalidParameter", 400, "", 400},
    {"InvalidParameterCombination", 400, "", 400},
    {"InvalidParameterValue", 400, "", 400},
    {"InvalidPermission.Duplicate", 400, "", 400},
    {"InvalidPermission.NotFound", 400, "", 400},
    {"InvalidPrefixListId.NotFound", 400, "", 400},
    {"InvalidQueryParameter", 400, "", 400},
    {"InvalidRoute.NotFound", 400, "", 400},
    {"InvalidRouteTableID.NotFound", 400, "", 400},
    {"InvalidSecurityGroupRuleId.NotFound", 400, "", 400},
    {"InvalidServiceName", 400, "", 400},
    {"InvalidSubnet.Conflict", 400, "", 400},
    {"InvalidSubnet.Range", 400, "", 400},
    {"InvalidSubnetID.NotFound", 400, "", 400},
    {"InvalidVpc.Range", 400, "", 400},
    {"InvalidVpcEndpointId.NotFound", 400, "", 400},
    {"InvalidVpcID.NotFound", 400, "", 400},
    {"MalformedInput", 400, "", 400},
    {"MalformedQueryString", 404, "", 400},
    {"MethodNotAllowed", 405, "", 405},
    {"MissingAction", 400, "", 400},
    {"MissingAuthenticationToken", 403, "AuthFailure", 401},
    {"MissingParameter", 400, "", 400},
    {"NotImplemented", 501, "", 501},
    {"OperationNotPermitted", 400, "", 400},
    {"OptInRequired", 403, "", 403},
    {"RequestEntityTooLarge", 413, "", 413},
    {"RequestExpired", 400, "", 400},
    {"Resource.AlreadyAssociated", 400, "", 400},
    {"ResourceAlreadyAssociated", 400, "", 400},
    {"RouteAlreadyExists", 400, "", 400},
    {"RouteLimitExceeded", 400, "", 400},
    {"RouteTableLimitExceeded", 400, "", 400},
    {"RulesPerSecurityGroupLimitExceeded", 400, "", 400},
    {"SecurityGroupLimitExceeded", 400, "", 400},
    {"SecurityGroupsPerInterfaceLimitExceeded", 400, "", 400},
    {"ServiceUnavailable", 503, "Unavailable", 503},
    {"SignatureDoesNotMatch", 403, "AuthFailure", 401},
    {"SubnetLimitExceeded", 400, "", 400},
    {"TagLimitExceeded", 400, "", 400},
    {"Throttling", 400, "RequestLimitExceeded", 503},
    {"UnknownOperationException", 404, "", 404},
    {"UnknownParameter", 400, "", 400},
    {"UnsupportedMediaType", 415, "", 415},
    {"ValidationError", 400, "InvalidParameterValue", 400},
    {"VpcEndpointLimitExceeded", 400, "", 400},
    {"VpcLimitExceeded", 400, "", 400},
    {"XAmzContentSHA256Mismatch", 400, "", 400},
};

// The same for JSON services, where every code ends in Exception, and what is theirs alone.
struct JsonError {
  std::string_view fault;
  std::string_view code;
  int lambda_status;
  int logs_status;
  std::string_view message_member = "message";
  std::string_view reason{};
};

constexpr JsonError kJson[] = {
    {"AccessDenied", "AccessDeniedException", 403, 400, "Message"},
    {"ConcurrentInvocationLimitExceeded", "TooManyRequestsException", 429, 400, "message",
     "ConcurrentInvocationLimitExceeded"},
    {"ExpiredToken", "ExpiredTokenException", 403, 400},
    {"IncompleteSignature", "IncompleteSignatureException", 403, 400},
    {"InternalFailure", "InternalFailure", 500, 500},
    {"InvalidClientTokenId", "UnrecognizedClientException", 403, 400},
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException", 403, 400},
    {"NotImplemented", "NotImplemented", 501, 501},
    {"RequestEntityTooLarge", "RequestEntityTooLargeException", 413, 413},
    {"RequestExpired", "InvalidSignatureException", 403, 400},
    {"ReservedFunctionConcurrentInvocationLimitExceeded", "TooManyRequestsException", 429, 400,
     "message", "ReservedFunctionConcurrentInvocationLimitExceeded"},
    {"SerializationException", "SerializationException", 400, 400},
    {"ServiceUnavailable", "ServiceUnavailableException", 503, 503},
    {"SignatureDoesNotMatch", "InvalidSignatureException", 403, 400},
    {"ThrottlingException", "ThrottlingException", 429, 400},
    {"UnknownOperationException", "UnknownOperationException", 404, 400},
    {"ValidationException", "ValidationException", 400, 400},
    {"XAmzContentSHA256Mismatch", "XAmzContentSHA256MismatchException", 400, 400},
};

constexpr std::string_view kOwnFailure =
    "The request processing has failed because of an unknown error, exception or failure.";

AwsError common_json(const ServiceInfo& service, std::string_view code, std::string message) {
  const auto* it = std::find_if(std::begin(kJson), std::end(kJson),
                                [&](const JsonError& entry) { return entry.fault == code; });
  if (it == std::end(kJson)) {
    return {};
  }
  return {.code = std::string(it->code),
          .status = service.kind == ServiceKind::kLambda ? it->lambda_status : it->logs_status,
          .message = std::move(message),
          .message_member = it->message_member,
          .reason = std::string(it->reason)};
}

AwsError common(const ServiceInfo* service, std::string_view code, std::string message) {
  if (service != nullptr && service->is_json()) {
    return common_json(*service, code, std::move(message));
  }
  const auto* it = std::find_if(std::begin(kCommon), std::end(kCommon),
                                [&](const CommonError& entry) { return entry.code == code; });
  if (it == std::end(kCommon)) {
    return {};
  }
  if (service == nullptr || service->kind != ServiceKind::kEc2) {
    return {std::string(it->code), it->status, std::move(message)};
  }
  return {std::string(it->ec2_code.empty() ? it->code : it->ec2_code), it->ec2_status,
          std::move(message)};
}

const FaultInfo* find_fault(const ServiceInfo* service, std::string_view fault) {
  if (service == nullptr) {
    return nullptr;
  }
  const auto it = std::find_if(
      service->faults.begin(), service->faults.end(),
      [&](const FaultInfo& entry) { return entry.name == fault || entry.code == fault; });
  return it == service->faults.end() ? nullptr : &*it;
}

std::string_view code_of_json(const ServiceInfo& service, Errc code) {
  const bool is_lambda = service.kind == ServiceKind::kLambda;
  switch (code) {
    case Errc::kInvalidArgument:
      return is_lambda ? "InvalidParameterValueException" : "InvalidParameterException";
    case Errc::kDenied:
      return "AccessDenied";
    case Errc::kNotFound:
      return "ResourceNotFoundException";
    case Errc::kAlreadyExists:
      return is_lambda ? "ResourceConflictException" : "ResourceAlreadyExistsException";
    case Errc::kConflict:
    case Errc::kUnavailable:
    case Errc::kTimeout:
      return "ServiceUnavailable";
    case Errc::kCorrupt:
    case Errc::kInternal:
      return "InternalFailure";
  }
  return "InternalFailure";
}

// The answer to an Errc that no service gave a fault: what AWS says in the nearest case.
std::string_view code_of(const ServiceInfo* service, Errc code) {
  if (service != nullptr && service->is_json()) {
    return code_of_json(*service, code);
  }
  const bool is_iam = service != nullptr && (service->kind == ServiceKind::kIam);
  const bool is_validating = is_iam || (service != nullptr && service->kind == ServiceKind::kSts);
  switch (code) {
    case Errc::kInvalidArgument:
      return is_validating ? "ValidationError" : "InvalidParameterValue";
    case Errc::kDenied:
      return "AccessDenied";
    case Errc::kNotFound:
      return is_iam ? "NoSuchEntity" : "InvalidParameterValue";
    case Errc::kAlreadyExists:
      return is_iam ? "EntityAlreadyExists" : "InvalidParameterValue";
    case Errc::kConflict:  // someone else was faster: clients try 5xx again by themselves
    case Errc::kUnavailable:
    case Errc::kTimeout:
      return "ServiceUnavailable";
    case Errc::kCorrupt:
    case Errc::kInternal:
      return "InternalFailure";
  }
  return "InternalFailure";
}

AwsError with_code(const ServiceInfo* service, std::string_view code, std::string message) {
  if (const FaultInfo* fault = find_fault(service, code)) {
    AwsError out{std::string(fault->code), fault->status, std::move(message)};
    out.message_member = fault->message_member.empty() ? out.message_member : fault->message_member;
    return out;
  }
  return common(service, code, std::move(message));
}

}  // namespace

AwsError map_error(const ServiceInfo* service, const Error& error) {
  if (!error.fault.empty()) {
    AwsError out = with_code(service, error.fault, error.message);
    if (!out.code.empty()) {
      if (!out.is_sender() && (out.status == 500 || out.status > 503)) {
        out.message = kOwnFailure;
      }
      return out;
    }
  }
  AwsError out = with_code(service, code_of(service, error.code), error.message);
  if (out.status == 500) {
    out.message = kOwnFailure;
  }
  return out;
}

std::string validation_message(const std::vector<std::string>& failed) {
  const std::size_t count = failed.size();
  std::string message = std::to_string(count) + (count == 1 ? " validation error detected: "
                                                            : " validation errors detected: ");
  for (std::size_t i = 0; i < count; ++i) {
    message.append(i == 0 ? "" : "; ").append(failed[i]);
  }
  return message;
}

}  // namespace trivet::api
