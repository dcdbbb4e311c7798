// SPDX-License-Identifier: Apache-2.0
//
// GetAccountSummary, the account's alias, the credential report.
#include <atomic>
#include <memory>

#include "api/iam/common.h"
#include "base/bytes.h"
#include "base/iso8601.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

template <typename Request>
auto account_permission() {
  return [](const Call&, const Request&) {
    return Permissions{
        {.action = "iam:" + std::string(Operation<Request>::kAction), .resource = "*"}};
  };
}

std::map<std::string, std::int32_t> summary_of(const IamService& service) {
  const auto state = service.state();
  const auto count = [](std::size_t number) { return static_cast<std::int32_t>(number); };
  std::size_t versions = 0;
  for (const auto& [name, entry] : state->policies) {
    versions += entry->record.versions.size();
  }
  std::size_t root_keys = 0;
  for (const auto& [id, entry] : state->access_keys) {
    root_keys += entry->record.owner_name.empty() ? 1 : 0;
  }
  return {{"AccessKeysPerUserQuota", count(service::kAccessKeysMax)},
          {"AccountAccessKeysPresent", root_keys > 0 ? 1 : 0},
          {"AccountMFAEnabled", 0},
          {"AccountSigningCertificatesPresent", 0},
          {"AssumeRolePolicySizeQuota", count(service::kTrustPolicyBytesMax)},
          {"AttachedPoliciesPerGroupQuota", count(service::kAttachedPoliciesMax)},
          {"AttachedPoliciesPerRoleQuota", count(service::kAttachedPoliciesMax)},
          {"AttachedPoliciesPerUserQuota", count(service::kAttachedPoliciesMax)},
          {"GlobalEndpointTokenVersion", 1},
          {"GroupPolicySizeQuota", count(service::kGroupInlineBytesMax)},
          {"Groups", count(state->groups.size())},
          {"GroupsPerUserQuota", count(service::kGroupsPerUserMax)},
          {"GroupsQuota", count(service::kGroupsMax)},
          {"InstanceProfiles", count(state->instance_profiles.size())},
          {"InstanceProfilesQuota", count(service::kInstanceProfilesMax)},
          {"MFADevices", 0},
          {"MFADevicesInUse", 0},
          {"Policies", count(state->policies.size())},
          {"PoliciesQuota", count(service::kPoliciesMax)},
          {"PolicySizeQuota", count(service::kManagedPolicyBytesMax)},
          {"PolicyVersionsInUse", count(versions)},
          {"PolicyVersionsInUseQuota", 10000},
          {"Providers", count(state->oidc_providers.size())},
          {"RolePolicySizeQuota", count(service::kRoleInlineBytesMax)},
          {"Roles", count(state->roles.size())},
          {"RolesQuota", count(service::kRolesMax)},
          {"ServerCertificates", 0},
          {"UserPolicySizeQuota", count(service::kUserInlineBytesMax)},
          {"Users", count(state->users.size())},
          {"UsersQuota", count(service::kUsersMax)},
          {"VersionsPerPolicyQuota", count(service::kPolicyVersionsMax)}};
}

void add_summary(ActionTable& table, IamService& service) {
  table.add(make_action<GetAccountSummaryRequest>(
      account_permission<GetAccountSummaryRequest>(),
      [&service](const Call&,
                 const GetAccountSummaryRequest&) -> Result<GetAccountSummaryResponse> {
        return GetAccountSummaryResponse{.SummaryMap = summary_of(service)};
      }));
}

void add_alias(ActionTable& table, IamService& service) {
  table.add(make_action<CreateAccountAliasRequest>(
      account_permission<CreateAccountAliasRequest>(),
      [&service](const Call&, const CreateAccountAliasRequest& request) {
        return done<CreateAccountAliasResponse>(service.set_account_alias(request.AccountAlias));
      }));
  table.add(make_action<DeleteAccountAliasRequest>(
      account_permission<DeleteAccountAliasRequest>(),
      [&service](const Call&, const DeleteAccountAliasRequest& request) {
        return done<DeleteAccountAliasResponse>(service.delete_account_alias(request.AccountAlias));
      }));
  table.add(make_action<ListAccountAliasesRequest>(
      account_permission<ListAccountAliasesRequest>(),
      [&service](const Call&,
                 const ListAccountAliasesRequest&) -> Result<ListAccountAliasesResponse> {
        ListAccountAliasesResponse response;
        const std::string alias = service.account().alias;
        if (!alias.empty()) {
          response.AccountAliases.push_back(alias);
        }
        response.IsTruncated = false;
        return response;
      }));
}

struct Report {
  WallTime made{};
  std::string text;
};

constexpr std::string_view kReportHead =
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

// The five columns of one access key.
std::string key_columns(const IamService& service, const IamAccessKey* key) {
  if (key == nullptr) {
    return ",false,N/A,N/A,N/A,N/A";
  }
  std::string out = std::string(key->active ? ",true," : ",false,") + format_iso8601(key->created);
  const auto last = service.access_key_last_used(key->id.str());
  if (!last || !last->use) {
    return out + ",N/A,N/A,N/A";
  }
  return out + "," + format_iso8601(last->use->time) + "," + last->use->region + "," +
         last->use->service;
}

std::string report_line(const IamService& service, const std::string& name, const std::string& arn,
                        WallTime created) {
  const bool is_root = name.empty();
  std::vector<IamAccessKey> keys;
  if (auto page = service.list_access_keys(name, {})) {
    keys = std::move(page->items);
  }
  return "\n" + (is_root ? std::string("<root_account>") : name) + "," + arn + "," +
         format_iso8601(created) +
         (is_root ? ",not_supported,N/A,not_supported,not_supported,false"
                  : ",false,N/A,N/A,N/A,false") +
         key_columns(service, keys.empty() ? nullptr : &keys[0]) +
         key_columns(service, keys.size() < 2 ? nullptr : &keys[1]) + ",false,N/A,false,N/A";
}

std::shared_ptr<const Report> make_report(const IamService& service, WallTime now) {
  auto report = std::make_shared<Report>();
  report->made = now;
  report->text = kReportHead;
  report->text +=
      report_line(service, "", service::root_arn(service.realm()), service.account_created());
  const auto state = service.state();
  for (const auto& [key, entry] : state->users) {
    const IamUser& user = entry->record;
    report->text +=
        report_line(service, user.name, user_arn(service, user.path, user.name), user.created);
  }
  return report;
}

void add_report(ActionTable& table, IamService& service) {
  // The newest report; in memory, since making one takes no time.
  auto newest = std::make_shared<std::atomic<std::shared_ptr<const Report>>>();
  table.add(make_action<GenerateCredentialReportRequest>(
      account_permission<GenerateCredentialReportRequest>(),
      [&service, newest](const Call& call, const GenerateCredentialReportRequest&)
          -> Result<GenerateCredentialReportResponse> {
        newest->store(make_report(service, call.now));
        return GenerateCredentialReportResponse{.State = "COMPLETE"};
      }));
  table.add(make_action<GetCredentialReportRequest>(
      account_permission<GetCredentialReportRequest>(),
      [newest](const Call&,
               const GetCredentialReportRequest&) -> Result<GetCredentialReportResponse> {
        const auto report = newest->load();
        if (report == nullptr) {
          return aws_fault(Errc::kNotFound, "CredentialReportNotPresentException",
                           "No report exists. Make one with GenerateCredentialReport.");
        }
        return GetCredentialReportResponse{.Content = to_base64(report->text),
                                           .ReportFormat = "text/csv",
                                           .GeneratedTime = report->made};
      }));
}

}  // namespace

void add_account_actions(ActionTable& table, IamService& service) {
  add_summary(table, service);
  add_alias(table, service);
  add_report(table, service);
}

}  // namespace trivet::api::iam
