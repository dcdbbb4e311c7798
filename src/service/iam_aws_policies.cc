// SPDX-License-Identifier: Apache-2.0
#include "service/iam_aws_policies.h"

#include <array>

namespace trivet::service {
namespace {

constexpr std::string_view kAdministratorAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
})json";

constexpr std::string_view kPowerUserAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
    {
      "Effect": "Allow",
      "Action": [
        "account:GetAccountInformation", "account:GetPrimaryEmail", "account:ListRegions",
        "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles",
        "organizations:DescribeOrganization"
      ],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kReadOnlyAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadOnlyActions",
      "Effect": "Allow",
      "Action": [
        "account:GetAccountInformation", "account:ListRegions", "autoscaling:Describe*",
        "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*", "cloudtrail:LookupEvents",
        "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "ec2:Describe*", "ec2:Get*",
        "ec2:List*", "ec2:Search*", "events:Describe*", "events:List*", "events:Test*",
        "iam:Generate*",
        "iam:Get*", "iam:List*", "iam:Simulate*", "kms:Describe*", "kms:Get*", "kms:List*",
        "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:FilterLogEvents", "logs:Get*",
        "logs:ListTagsForResource", "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter",
        "pi:DescribeDimensionKeys", "pi:GetResourceMetrics", "rds:Describe*", "rds:Download*",
        "rds:List*", "resource-groups:Get*", "resource-groups:List*", "resource-groups:Search*",
        "route53:Get*", "route53:List*", "route53:Test*", "s3:DescribeJob", "s3:Get*", "s3:List*",
        "secretsmanager:Describe*", "secretsmanager:GetResourcePolicy", "secretsmanager:List*",
        "sns:Get*", "sns:List*", "sqs:Get*", "sqs:List*", "ssm:Describe*", "ssm:Get*", "ssm:List*",
        "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken",
        "tag:DescribeReportCreation",
        "tag:Get*"
      ],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kIamFullAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization",
        "organizations:DescribeOrganizationalUnit", "organizations:DescribePolicy",
        "organizations:ListChildren", "organizations:ListParents",
        "organizations:ListPoliciesForTarget", "organizations:ListRoots",
        "organizations:ListPolicies", "organizations:ListTargetsForPolicy"
      ],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kRdsFullAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "rds:*", "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget", "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
        "cloudwatch:ListMetrics", "cloudwatch:GetMetricData", "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones", "ec2:DescribeCoipPools", "ec2:DescribeInternetGateways",
        "ec2:DescribeLocalGatewayRouteTablePermissions", "ec2:DescribeLocalGatewayRouteTables",
        "ec2:DescribeLocalGatewayRouteTableVpcAssociations", "ec2:DescribeLocalGateways",
        "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcs", "ec2:GetCoipPoolUsage", "sns:ListSubscriptions", "sns:ListTopics",
        "sns:Publish", "logs:DescribeLogStreams", "logs:GetLogEvents",
        "outposts:GetOutpostInstanceTypes", "devops-guru:GetResourceCollection"
      ],
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": "pi:*",
      "Resource": ["arn:aws:pi:*:*:metrics/rds/*", "arn:aws:pi:*:*:perf-reports/rds/*"]
    },
    {
      "Effect": "Allow",
      "Action": "iam:CreateServiceLinkedRole",
      "Resource": "*",
      "Condition": {
        "StringLike": {"iam:AWSServiceName": ["rds.amazonaws.com",
        "rds.application-autoscaling.amazonaws.com"]}
      }
    }
  ]
})json";

constexpr std::string_view kRdsReadOnlyAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "rds:Describe*", "rds:ListTagsForResource", "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones", "ec2:DescribeInternetGateways",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcs"
      ],
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": [
        "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "cloudwatch:GetMetricData",
        "logs:DescribeLogStreams", "logs:GetLogEvents", "devops-guru:GetResourceCollection"
      ],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kRdsDataFullAccess = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SecretsManagerDbCredentialsAccess",
      "Effect": "Allow",
      "Action": [
        "secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy",
        "secretsmanager:PutSecretValue", "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret", "secretsmanager:TagResource"
      ],
      "Resource": "arn:aws:secretsmanager:*:*:secret:rds-db-credentials/*"
    },
    {
      "Sid": "RDSDataServiceAccess",
      "Effect": "Allow",
      "Action": [
        "dbqms:CreateFavoriteQuery", "dbqms:DescribeFavoriteQueries", "dbqms:UpdateFavoriteQuery",
        "dbqms:DeleteFavoriteQueries", "dbqms:GetQueryString", "dbqms:CreateQueryHistory",
        "dbqms:DescribeQueryHistory", "dbqms:UpdateQueryHistory", "dbqms:DeleteQueryHistory",
        "rds-data:ExecuteSql", "rds-data:ExecuteStatement", "rds-data:BatchExecuteStatement",
        "rds-data:BeginTransaction", "rds-data:CommitTransaction", "rds-data:RollbackTransaction",
        "secretsmanager:CreateSecret", "secretsmanager:ListSecrets",
        "secretsmanager:GetRandomPassword", "tag:GetResources"
      ],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kLambdaBasicExecution = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view kLambdaVpcAccessExecution = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AWSLambdaVPCAccessExecutionPermissions",
      "Effect": "Allow",
      "Action": [
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"
      ],
      "Resource": "*"
    }
  ]
})json";

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
