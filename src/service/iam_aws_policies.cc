// SPDX-License-Identifier: Apache-2.0
#include "service/iam_aws_policies.h"

#include <array>

#include "service/iam_aws_network_documents.h"
#include "service/iam_aws_policy_documents.h"

namespace trivet::service {
namespace {

using namespace aws_policy_documents;

constexpr std::array kPolicies = {
    AwsPolicy{"AdministratorAccess", "/", "ANPAIWMBCKSKIEE64ZLYK",
              "Provides full access to AWS services and resources.", kAdministratorAccess},
    AwsPolicy{
        "PowerUserAccess", "/", "ANPAJYRXTHIB4FOVS3ZXS",
        "Provides full access to AWS services and resources, but does not allow management of "
        "Users and groups.",
        kPowerUserAccess},
    AwsPolicy{"ReadOnlyAccess", "/", "ANPAILL3HVNFSB6DCOWYQ",
              "Provides read-only access to AWS services and resources.", kReadOnlyAccess},
    AwsPolicy{"IAMFullAccess", "/", "ANPAI7XKCFMBPM3QQRRVQ", "Provides full access to IAM.",
              kIamFullAccess},
    AwsPolicy{"AmazonRDSFullAccess", "/", "ANPAI3R4QMOG6Q5A4VWVG",
              "Provides full access to Amazon RDS.", kRdsFullAccess},
    AwsPolicy{"AmazonRDSReadOnlyAccess", "/", "ANPAJKTTTYV2IIHKLZ346",
              "Provides read only access to Amazon RDS.", kRdsReadOnlyAccess},
    AwsPolicy{"AmazonRDSDataFullAccess", "/", "ANPAJ5HUMNZCSW4IC74T6",
              "Allows full access to use the RDS data APIs and the secrets of RDS database "
              "credentials.",
              kRdsDataFullAccess},
    AwsPolicy{"AWSLambdaBasicExecutionRole", "/service-role/", "ANPAJNCQGXC42545SKXIK",
              "Provides write permissions to CloudWatch Logs.", kLambdaBasicExecution},
    AwsPolicy{"AWSLambdaVPCAccessExecutionRole", "/service-role/", "ANPAJVTME3YLVNL72YR2K",
              "Provides minimum permissions for a Lambda function to execute while accessing a "
              "resource within a VPC.",
              kLambdaVpcAccessExecution},
    AwsPolicy{"IAMReadOnlyAccess", "/", "ANPAJKSO7NDY4T57MWDSQ",
              "Provides read only access to IAM via the AWS Management Console.",
              kIamReadOnlyAccess},
    AwsPolicy{"AWSLambda_FullAccess", "/", "ANPAZKAPJZG4OXQPYWZ5D",
              "Grants full access to AWS Lambda service and what its console uses.",
              kLambdaFullAccess},
    AwsPolicy{"AWSLambda_ReadOnlyAccess", "/", "ANPAZKAPJZG4KTRIVETRO",
              "Grants read-only access to AWS Lambda service and what its console uses.",
              kLambdaReadOnlyAccess},
    AwsPolicy{"AWSLambdaRole", "/service-role/", "ANPAJX4DPCRGTC4NFDUXI",
              "Default policy for AWS Lambda service role.", kLambdaRole},
    AwsPolicy{"AWSLambdaSQSQueueExecutionRole", "/service-role/", "ANPAJFWJZI6JNND4TSELK",
              "Provides receive message, delete message, and read attribute access to SQS queues, "
              "and write permissions to CloudWatch logs.",
              kLambdaSqsQueueExecution},
    AwsPolicy{"AWSLambdaENIManagementAccess", "/service-role/", "ANPAJXAW2Q3KPTURUT2QC",
              "Provides minimum permissions for a Lambda function to manage ENIs (create, "
              "describe, delete) used by a VPC-enabled Lambda Function.",
              kLambdaEniManagement},
    AwsPolicy{"CloudWatchLogsFullAccess", "/", "ANPAJ3ZGNWK2R5HW5BQFO",
              "Provides full access to CloudWatch Logs", kCloudWatchLogsFullAccess},
    AwsPolicy{"CloudWatchLogsReadOnlyAccess", "/", "ANPAJ2YIYDYSNNEHK3VKW",
              "Provides read only access to CloudWatch Logs", kCloudWatchLogsReadOnlyAccess},
    AwsPolicy{"AmazonEC2FullAccess", "/", "ANPAI3VAJF5ZCRZ7MCQE6",
              "Provides full access to Amazon EC2 via the AWS Management Console.", kEc2FullAccess},
    AwsPolicy{"AmazonEC2ReadOnlyAccess", "/", "ANPAIGDT4SV4GSETWTBZK",
              "Provides read only access to Amazon EC2 via the AWS Management Console.",
              kEc2ReadOnlyAccess},
    AwsPolicy{"AmazonVPCFullAccess", "/", "ANPAJBWPGNOVKZD3JI2P2",
              "Provides full access to Amazon VPC via the AWS Management Console.", kVpcFullAccess},
    AwsPolicy{"AmazonVPCReadOnlyAccess", "/", "ANPAIICZJNOJN36GTG6CM",
              "Provides read only access to Amazon VPC via the AWS Management Console.",
              kVpcReadOnlyAccess},
};

}  // namespace

std::span<const AwsPolicy> aws_policies() {
  return kPolicies;
}

std::string aws_policy_arn(const Realm& realm, const AwsPolicy& policy) {
  return "arn:" + realm.partition + ":iam::aws:policy" + std::string(policy.path) +
         std::string(policy.name);
}

const AwsPolicy* find_aws_policy(const Realm& realm, std::string_view arn) {
  for (const AwsPolicy& policy : kPolicies) {
    if (arn.ends_with(policy.name) && aws_policy_arn(realm, policy) == arn) {
      return &policy;
    }
  }
  return nullptr;
}

}  // namespace trivet::service
