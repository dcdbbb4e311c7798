// SPDX-License-Identifier: Apache-2.0
//
// Resource policies: who beside the account's own policies may invoke a function.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "core/function_ref/function_ref.h"
#include "core/policy/document.h"
#include "model/arn.h"
#include "service/functions/faults.h"
#include "service/functions/function_service.h"

namespace trivet::functions {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPolicyBytesMax = 20'480;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<ordered_json> principal_of(const std::string& text, const service::IamState& iam,
                                  const Realm& realm) {
  if (text == "*") {
    return ordered_json("*");
  }
  if (text.ends_with(".amazonaws.com")) {
    return ordered_json{{"Service", text}};
  }
  if (text.size() == 12 && all_digits(text)) {
    return ordered_json{{"AWS", fmt::format("arn:{}:iam::{}:root", realm.partition, text)}};
  }
  const auto arn = parse_arn(text);
  const bool is_root = arn && arn->resource == "root";
  const bool is_ours = arn && arn->account == realm.account.str();
  if (!arn || (arn->service != "iam" && arn->service != "sts") ||
      (is_ours && !is_root && !iam.unique_id_of(realm, text))) {
    return bad_value(
        "The provided principal was invalid. Please check the principal and try again.");
  }
  return ordered_json{{"AWS", text}};
}

std::string document_of(const std::vector<PolicyStatement>& statements) {
  std::string out = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
  for (std::size_t i = 0; i < statements.size(); ++i) {
    out += (i == 0 ? "" : ",") + statements[i].json;
  }
  return out + "]}";
}

// The revision of what a policy is on; nullptr: there is no such alias or version.
const std::string* revision_of(const FunctionEntry& entry, const std::string& qualifier) {
  if (function_ref::is_alias(qualifier)) {
    const auto alias = entry.function.aliases.find(qualifier);
    return alias == entry.function.aliases.end() ? nullptr : &alias->second.revision_id;
  }
  const FunctionVersion* version = entry.find_version(qualifier);
  return version == nullptr ? nullptr : &version->revision_id;
}

void touch(Function& function, const std::string& qualifier) {
  if (qualifier.empty()) {
    function.latest.revision_id = random_uuid();
  } else if (const auto alias = function.aliases.find(qualifier); alias != function.aliases.end()) {
    alias->second.revision_id = random_uuid();
  }
}

}  // namespace

Result<std::string> FunctionService::add_permission(const std::string& function_name,
                                                    const std::string& qualifier,
                                                    const PermissionWish& wish) {
  if (qualifier == kLatestVersion) {
    return bad_value("We currently do not support adding policies for $LATEST.");
  }
  TRIVET_TRY(ordered_json principal,
             principal_of(wish.principal, *needs_.iam.state(), needs_.realm));
  ordered_json statement = {{"Sid", wish.statement_id},
                            {"Effect", "Allow"},
                            {"Principal", std::move(principal)},
                            {"Action", wish.action},
                            {"Resource", arn(function_name, qualifier)}};
  ordered_json condition = ordered_json::object();
  if (wish.source_account) {
    condition["StringEquals"]["AWS:SourceAccount"] = *wish.source_account;
  }
  if (wish.principal_org_id) {
    condition["StringEquals"]["aws:PrincipalOrgID"] = *wish.principal_org_id;
  }
  if (wish.source_arn) {
    condition["ArnLike"]["AWS:SourceArn"] = *wish.source_arn;
  }
  if (!condition.empty()) {
    statement["Condition"] = std::move(condition);
  }
  const std::string text = statement.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  TRIVET_CHECK_OK(edit(function_name, [&](const BookState& all, Function& function) -> Status {
    const std::string* revision = revision_of(*all.find(function_name), qualifier);
    if (revision == nullptr) {
      return function_ref::is_alias(qualifier)
                 ? not_found("Cannot find alias arn: " + arn(function_name, qualifier))
                 : no_such_function(arn(function_name, qualifier));
    }
    if (!wish.revision_id.empty() && wish.revision_id != *revision) {
      return stale_revision();
    }
    auto& statements = function.policies[qualifier];
    if (std::any_of(statements.begin(), statements.end(),
                    [&](const PolicyStatement& s) { return s.id == wish.statement_id; })) {
      return conflict(fmt::format(
          "The statement id ({}) provided already exists. Please provide a new statement id, or "
          "remove the existing statement.",
          wish.statement_id));
    }
    statements.push_back({wish.statement_id, text});
    if (document_of(statements).size() > kPolicyBytesMax) {
      return aws_fault(
          Errc::kInvalidArgument, "PolicyLengthExceededException",
          fmt::format("The final policy size is bigger than the limit ({}).", kPolicyBytesMax));
    }
    touch(function, qualifier);
    return ok();
  }));
  return text;
}

Status FunctionService::remove_permission(const std::string& function_name,
                                          const std::string& qualifier,
                                          const std::string& statement_id,
                                          const std::string& revision_id) {
  return edit(function_name, [&](const BookState& all, Function& function) -> Status {
    const std::string* revision = revision_of(*all.find(function_name), qualifier);
    const auto policy = function.policies.find(qualifier);
    if (revision == nullptr || policy == function.policies.end()) {
      return not_found("No policy is associated with the given resource.");
    }
    if (std::erase_if(policy->second,
                      [&](const PolicyStatement& s) { return s.id == statement_id; }) == 0) {
      return not_found(fmt::format("Statement {} is not found in resource policy.", statement_id));
    }
    if (!revision_id.empty() && revision_id != *revision) {
      return stale_revision();
    }
    if (policy->second.empty()) {
      function.policies.erase(policy);
    }
    touch(function, qualifier);
    return ok();
  });
}

Result<std::pair<std::string, std::string>> FunctionService::policy(
    const std::string& function, const std::string& qualifier) const {
  TRIVET_TRY(const Resolved found, resolve(function, qualifier));
  const auto policy = found.entry->function.policies.find(qualifier);
  if (policy == found.entry->function.policies.end()) {
    return not_found("The resource you requested does not exist.");
  }
  const std::string* revision = revision_of(*found.entry, qualifier);
  return std::pair(document_of(policy->second), revision == nullptr ? "" : *revision);
}

std::vector<policy::NamedPolicy> FunctionService::resource_policies(
    const std::string& function, const std::string& qualifier) const {
  const auto all = state();
  const FunctionEntry* entry = all->find(function);
  if (entry == nullptr) {
    return {};
  }
  const auto found = entry->function.policies.find(qualifier);
  if (found == entry->function.policies.end()) {
    return {};
  }
  auto parsed = policy::parse_policy(document_of(found->second));
  if (!parsed) {
    return {};  // it was made by add_permission, and allows nothing when it cannot be read
  }
  return {{.name = "policy of " + arn(function, qualifier),
           .policy = std::make_shared<const policy::Policy>(std::move(*parsed))}};
}

}  // namespace trivet::functions
