// SPDX-License-Identifier: Apache-2.0
#include "api/error_map.h"

#include <gtest/gtest.h>

namespace trivet::api {
namespace {

AwsError map(std::string_view service, Errc code, std::string_view fault) {
  return map_error(find_service(service), aws_fault(code, fault, "m"));
}

TEST(ErrorMap, KnowsFaultsByNameAndByWireCode) {
  const AwsError by_name = map("rds", Errc::kNotFound, "DBInstanceNotFoundFault");
  EXPECT_EQ(by_name.code, "DBInstanceNotFound");
  EXPECT_EQ(by_name.status, 404);
  EXPECT_EQ(by_name.message, "m");
  EXPECT_EQ(map("rds", Errc::kNotFound, "DBInstanceNotFound").code, "DBInstanceNotFound");
  EXPECT_EQ(map("rds", Errc::kNotFound, "DBClusterNotFoundFault").code, "DBClusterNotFoundFault");
  EXPECT_EQ(map("rds", Errc::kConflict, "DBClusterQuotaExceededFault").status, 403);
  EXPECT_EQ(map("iam", Errc::kNotFound, "NoSuchEntityException").code, "NoSuchEntity");
  EXPECT_EQ(map("iam", Errc::kNotFound, "NoSuchEntityException").status, 404);
  EXPECT_EQ(map("iam", Errc::kAlreadyExists, "EntityAlreadyExists").status, 409);
  EXPECT_EQ(map("iam", Errc::kInvalidArgument, "MalformedPolicyDocument").status, 400);
  EXPECT_EQ(map("sts", Errc::kInvalidArgument, "PackedPolicyTooLargeException").code,
            "PackedPolicyTooLarge");
}

TEST(ErrorMap, SpeaksEachServicesDialect) {
  EXPECT_EQ(map("rds", Errc::kDenied, "AccessDenied").status, 403);
  EXPECT_EQ(map("ec2", Errc::kDenied, "AccessDenied").code, "UnauthorizedOperation");
  EXPECT_EQ(map("rds", Errc::kDenied, "InvalidClientTokenId").status, 403);
  EXPECT_EQ(map("ec2", Errc::kDenied, "InvalidClientTokenId").code, "AuthFailure");
  EXPECT_EQ(map("ec2", Errc::kDenied, "SignatureDoesNotMatch").status, 401);
  EXPECT_EQ(map("ec2", Errc::kNotFound, "InvalidSubnetID.NotFound").code,
            "InvalidSubnetID.NotFound");
  EXPECT_EQ(map("iam", Errc::kInvalidArgument, "").code, "ValidationError");
  EXPECT_EQ(map("rds", Errc::kInvalidArgument, "").code, "InvalidParameterValue");
  EXPECT_EQ(map("iam", Errc::kNotFound, "").code, "NoSuchEntity");
  EXPECT_EQ(map("ec2", Errc::kDenied, "").code, "UnauthorizedOperation");
}

TEST(ErrorMap, TellsNothingOfOurOwnFailures) {
  for (const Errc code : {Errc::kInternal, Errc::kCorrupt}) {
    const AwsError error =
        map_error(find_service("rds"), make_error(code, "row 7 of /var/lib/trivet/state.db"));
    EXPECT_EQ(error.code, "InternalFailure");
    EXPECT_EQ(error.status, 500);
    EXPECT_FALSE(error.is_sender());
    EXPECT_EQ(error.message.find("state.db"), std::string::npos);
  }
  EXPECT_EQ(map_error(find_service("ec2"), make_error(Errc::kInternal, "x")).code, "InternalError");
  EXPECT_EQ(map_error(nullptr, make_error(Errc::kInternal, "x")).code, "InternalFailure");
}

TEST(ErrorMap, AnUnknownFaultFallsBackToItsErrc) {
  EXPECT_EQ(map("rds", Errc::kInvalidArgument, "NoSuchFault").code, "InvalidParameterValue");
  EXPECT_EQ(map("rds", Errc::kConflict, "").status, 503);
  EXPECT_EQ(map("rds", Errc::kTimeout, "").code, "ServiceUnavailable");
}

}  // namespace
}  // namespace trivet::api
