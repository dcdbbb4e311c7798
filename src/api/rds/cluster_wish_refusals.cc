// SPDX-License-Identifier: Apache-2.0
#include "api/rds/cluster_wish_refusals.h"

#include <fmt/format.h>

#include "api/rds/common.h"

namespace trivet::api::rds {
namespace {

struct Refusal {
  std::string_view parameter;
  bool is_set = false;
  std::string_view hint{};  // a sentence
};

}  // namespace

Status refuse_aurora_parameters(const CreateDBClusterRequest& request) {
  const Refusal refusals[] = {
      {"EngineMode", differs(request.EngineMode, "provisioned")},
      {"CharacterSetName", has_text(request.CharacterSetName)},
      {"PreSignedUrl", request.PreSignedUrl && !request.PreSignedUrl->empty()},
      {"BacktrackWindow", request.BacktrackWindow.value_or(0) != 0},
      {"ScalingConfiguration", request.ScalingConfiguration.has_value()},
      {"ServerlessV2ScalingConfiguration", request.ServerlessV2ScalingConfiguration.has_value()},
      {"GlobalClusterIdentifier", has_text(request.GlobalClusterIdentifier)},
      {"EnableHttpEndpoint", is_true(request.EnableHttpEndpoint)},
      {"Domain", has_text(request.Domain)},
      {"DomainIAMRoleName", has_text(request.DomainIAMRoleName)},
      {"EnableGlobalWriteForwarding", is_true(request.EnableGlobalWriteForwarding)},
      {"EnableLocalWriteForwarding", is_true(request.EnableLocalWriteForwarding)},
      {"EnableLimitlessDatabase", is_true(request.EnableLimitlessDatabase)},
      {"ClusterScalabilityType", differs(request.ClusterScalabilityType, "standard")},
      {"WithExpressConfiguration", is_true(request.WithExpressConfiguration)},
      {"OptionGroupName", has_text(request.OptionGroupName)},
      {"RdsCustomClusterConfiguration", request.RdsCustomClusterConfiguration.has_value()},
      {"DBSystemId", has_text(request.DBSystemId)},
      {"AssociatedRoles", !request.AssociatedRoles.empty()},
  };
  for (const Refusal& refusal : refusals) {
    if (refusal.is_set) {
      return bad_combination(fmt::format(
          "The parameter {} isn't supported for Multi-AZ DB clusters.", refusal.parameter));
    }
  }
  if (differs(request.NetworkType, "ipv4")) {
    return aws_fault(Errc::kInvalidArgument, "NetworkTypeNotSupported",
                     fmt::format("The network type {} isn't supported for Multi-AZ DB clusters.",
                                 *request.NetworkType));
  }
  return ok();
}

Status refuse_unbuilt_parameters(const CreateDBClusterRequest& request) {
  if (is_true(request.ManageMasterUserPassword) && request.MasterUserPassword) {
    return bad_combination(
        "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.");
  }
  if (differs(request.EngineLifecycleSupport, "open-source-rds-extended-support") &&
      differs(request.EngineLifecycleSupport, "open-source-rds-extended-support-disabled")) {
    return bad_value(
        fmt::format("Invalid EngineLifecycleSupport: {}", *request.EngineLifecycleSupport));
  }
  const Refusal refusals[] = {
      {"ManageMasterUserPassword", is_true(request.ManageMasterUserPassword),
       "There is no Secrets Manager: give MasterUserPassword."},
      {"MasterUserSecretKmsKeyId", has_text(request.MasterUserSecretKmsKeyId),
       "There is no Secrets Manager."},
      {"MasterUserAuthenticationType", differs(request.MasterUserAuthenticationType, "password"),
       "The master user logs in with a password."},
      {"KmsKeyId", has_text(request.KmsKeyId), "There is no KMS."},
      {"ReplicationSourceIdentifier", has_text(request.ReplicationSourceIdentifier),
       "A cluster cannot be made a replica."},
      {"EnablePerformanceInsights", is_true(request.EnablePerformanceInsights)},
      {"PerformanceInsightsKMSKeyId", has_text(request.PerformanceInsightsKMSKeyId)},
      {"PerformanceInsightsRetentionPeriod",
       request.PerformanceInsightsRetentionPeriod.has_value()},
      {"DatabaseInsightsMode", differs(request.DatabaseInsightsMode, "standard"),
       "The mode 'standard' is accepted."},
      {"CACertificateIdentifier", has_text(request.CACertificateIdentifier),
       "Certificates come from the installation's own CA."},
      {"EngineLifecycleSupport",
       differs(request.EngineLifecycleSupport, "open-source-rds-extended-support"),
       "The value 'open-source-rds-extended-support' is accepted."},
      {"TagSpecifications", !request.TagSpecifications.empty(),
       "There are no automated backups to tag."},
  };
  for (const Refusal& refusal : refusals) {
    if (refusal.is_set) {
      return not_implemented(fmt::format("The parameter {} is not implemented.{}{}",
                                         refusal.parameter, refusal.hint.empty() ? "" : " ",
                                         refusal.hint));
    }
  }
  return ok();
}

}  // namespace trivet::api::rds
