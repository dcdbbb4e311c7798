// SPDX-License-Identifier: Apache-2.0
#include "core/policy/validate.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/uri.h"
#include "core/policy/condition.h"
#include "core/policy/json_tree.h"
#include "core/policy/values.h"

namespace trivet::policy {
namespace {

Error legacy_parsing() {
  return malformed_policy("The policy failed legacy parsing");
}

// Cuts at the first `count - 1` colons; less parts when there are fewer.
std::vector<std::string_view> split(std::string_view text, std::size_t count) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < count) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
      break;
    }
    out.push_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  out.push_back(text);
  return out;
}

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?") != text.npos;
}

bool is_partition(std::string_view text) {
  constexpr std::array<std::string_view, 6> kPartitions = {"aws",     "aws-cn",    "aws-us-gov",
                                                           "aws-iso", "aws-iso-b", "aws-eusc"};
  return has_wildcard(text) ||
         std::find(kPartitions.begin(), kPartitions.end(), text) != kPartitions.end();
}

std::string wrong_partition(std::string_view partition, std::string_view behind, bool has_behind) {
  std::string out = "Partition \"" + std::string(partition) + "\" is not valid for resource \"arn:";
  out += partition;
  const auto parts = split(behind, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    out += ':';
    out += has_behind && i < parts.size() ? parts[i] : "*";
  }
  return out + "\".";
}

constexpr std::array<std::string_view, 13> kIamPaths = {"user/",
                                                        "federated-user/",
                                                        "role/",
                                                        "group/",
                                                        "instance-profile/",
                                                        "mfa/",
                                                        "server-certificate/",
                                                        "policy/",
                                                        "sms-mfa/",
                                                        "saml-provider/",
                                                        "oidc-provider/",
                                                        "report/",
                                                        "access-report/"};

bool is_iam_path(std::string_view path) {
  const bool starts_right = std::any_of(kIamPaths.begin(), kIamPaths.end(),
                                        [path](auto start) { return path.starts_with(start); });
  return starts_right || has_wildcard(path.substr(0, path.find('/')));
}

std::string wrong_iam_path() {
  std::string out = "IAM resource path must either be \"*\" or start with ";
  for (const std::string_view start : kIamPaths) {
    out += start == kIamPaths.front() ? "" : ", ";
    out += start;
  }
  return out + ".";
}

// What is wrong with a Resource; empty when nothing is.
std::string resource_fault(const std::string& resource) {
  if (resource == "*") {
    return {};
  }
  const auto first = split(resource, 2);
  const std::string not_arn = "Resource " + resource + " must be in ARN format or \"*\".";
  if (first.size() == 1) {
    return not_arn;
  }
  const auto second = split(first[1], 2);
  if (!is_partition(second[0])) {
    return wrong_partition(second[0], second.size() == 2 ? second[1] : std::string_view(),
                           second.size() == 2);
  }
  if (first[0] != "arn") {
    return not_arn;
  }
  if (second.size() == 1) {
    return "Resource vendor must be fully qualified and cannot contain regexes.";
  }
  const auto third = split(second[1], 2);
  const std::string_view service = third[0];
  const std::string_view behind = third.size() == 2 ? third[1] : std::string_view();
  if (has_wildcard(service)) {
    return "Resource vendor must be fully qualified and cannot contain regexes.";
  }
  if (service == "iam" && !behind.starts_with(':')) {
    return "IAM resource " + resource + " cannot contain region information.";
  }
  if (service == "s3" && !behind.starts_with(':')) {
    return "Resource " + resource + " can not contain region information.";
  }
  const auto rest = split(behind, 3);
  if (service == "iam" && !is_iam_path(rest.size() == 3 ? rest[2] : std::string_view())) {
    return wrong_iam_path();
  }
  return {};
}

// AWS's older parser: enough colons, and a service.
bool passes_legacy_parsing(std::string_view resource) {
  if (resource == "*") {
    return true;
  }
  const auto parts = split(resource, 4);
  const bool is_long = std::count(resource.begin(), resource.end(), ':') >= 5;
  return (is_long || resource.find("::") == resource.npos) && parts.size() > 2 && !parts[2].empty();
}

Status check_dates(const RawStatement& statement) {
  for (const RawCondition& condition : statement.conditions) {
    const auto op = parse_operator(condition.op);
    if (op && op->family == Operator::Family::kDate &&
        !std::all_of(condition.values.begin(), condition.values.end(),
                     [](const std::string& value) { return parse_date_ms(value).has_value(); })) {
      return legacy_parsing();
    }
  }
  return ok();
}

// Fills `fault` with the first resource that is wrong; other faults are reported before it.
Status check_resources(const RawStatement& statement, std::string& fault) {
  auto resources = statement.not_resource ? statement.not_resource : statement.resource;
  if (!resources) {
    return ok();
  }
  std::sort(resources->begin(), resources->end());
  for (const std::string& resource : *resources) {
    if (fault.empty()) {
      fault = resource_fault(resource);
    }
  }
  if (fault.empty() && !std::all_of(resources->begin(), resources->end(), passes_legacy_parsing)) {
    return legacy_parsing();
  }
  return ok();
}

Status check_sids(const RawPolicy& policy) {
  std::vector<std::string_view> sids;
  for (const RawStatement& statement : policy.statements) {
    if (!statement.sid.empty()) {
      sids.push_back(statement.sid);
    }
  }
  const auto is_alphanumeric = [](std::string_view sid) {
    return std::all_of(sid.begin(), sid.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
  };
  if (!std::all_of(sids.begin(), sids.end(), is_alphanumeric)) {
    return malformed_policy(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
        "expression [0-9A-Za-z]*");
  }
  std::sort(sids.begin(), sids.end());
  if (std::adjacent_find(sids.begin(), sids.end()) != sids.end()) {
    return malformed_policy("Statement IDs (SID) in a single policy must be unique.");
  }
  return ok();
}

const std::vector<std::string>* actions_of(const RawStatement& statement) {
  const auto& actions = statement.not_action ? statement.not_action : statement.action;
  return actions && !actions->empty() ? &*actions : nullptr;
}

Status check_actions_exist(const RawPolicy& policy) {
  for (const RawStatement& statement : policy.statements) {
    if (actions_of(statement) == nullptr) {
      return malformed_policy("Policy statement must contain actions.");
    }
  }
  for (const RawStatement& statement : policy.statements) {
    for (const std::string& action : *actions_of(statement)) {
      if (action != "*" && action.find(':') == action.npos) {
        return malformed_policy(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
      }
    }
  }
  return ok();
}

Status check_action_forms(const RawPolicy& policy) {
  for (const RawStatement& statement : policy.statements) {
    for (const std::string& action : *actions_of(statement)) {
      const auto parts = split(action, 3);
      if (parts.size() > 2) {
        return malformed_policy("Actions/Condition can contain only one colon.");
      }
      const bool is_vendor = std::all_of(parts[0].begin(), parts[0].end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
      });
      if (action != "*" && (!is_vendor || parts[0].empty())) {
        return malformed_policy("Vendor " + std::string(parts[0]) + " is not valid");
      }
    }
  }
  return ok();
}

Status check_resources_exist(const RawPolicy& policy) {
  for (const RawStatement& statement : policy.statements) {
    const auto& resources = statement.not_resource ? statement.not_resource : statement.resource;
    if (!resources || resources->empty()) {
      return malformed_policy("Policy statement must contain resources.");
    }
  }
  return ok();
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A principal that AWS could resolve: everyone, an account, an IAM or STS identity, or a unique id.
bool is_aws_principal(std::string_view text) {
  if (text == "*" || is_account_id(text)) {
    return true;
  }
  const bool is_unique_id = text.size() >= 16 && text.size() <= 128 &&
                            (text.starts_with("AIDA") || text.starts_with("AROA")) &&
                            std::all_of(text.begin(), text.end(), [](char c) {
                              return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                            });
  if (is_unique_id) {
    return true;
  }
  const auto parts = split(text, 6);
  if (parts.size() != 6 || parts[0] != "arn" || !is_partition(parts[1]) || !parts[3].empty() ||
      !is_account_id(parts[4]) || has_wildcard(text)) {
    return false;
  }
  const std::string_view name = parts[5];
  const auto has_name = [name](std::string_view start) {
    return name.starts_with(start) && name.size() > start.size();
  };
  if (parts[2] == "iam") {
    return name == "root" || has_name("user/") || has_name("role/");
  }
  return parts[2] == "sts" && (has_name("assumed-role/") || has_name("federated-user/"));
}

Status check_trust_principals(const RawStatement& statement) {
  for (const auto& [kind, value] : *statement.principal) {
    const bool is_valid = kind == "*"     ? true
                          : kind == "AWS" ? is_aws_principal(value)
                          : kind == "Service"
                              ? value.find('.') != value.npos && !has_wildcard(value)
                              : !value.empty();
    if (!is_valid) {
      return malformed_policy("Invalid principal in policy: \"" + kind + "\":\"" + value + "\"");
    }
  }
  return ok();
}

Status check_trust_actions(const RawStatement& statement) {
  constexpr std::array<std::string_view, 6> kActions = {
      "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity",
      "sts:tagsession", "sts:setsourceidentity",  "sts:setcontext"};
  for (const std::string& action : *statement.action) {
    const Template pattern = Template::compile(action, {.ignore_case = true});
    // A wildcard is fine as long as it stays inside sts.
    const bool is_sts = equals_ignoring_case(std::string_view(action).substr(0, 4), "sts:");
    const bool matches_one = std::any_of(
        kActions.begin(), kActions.end(),
        [&pattern](std::string_view known) { return pattern.match(known, {}) == Match::kYes; });
    if (!is_sts || !matches_one) {
      return malformed_policy(
          "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  "
          "and sts:AssumeRoleWithWebIdentity");
    }
  }
  return ok();
}

}  // namespace

Status check_characters(std::string_view text) {
  const bool is_legal = is_valid_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
                          const auto byte = static_cast<unsigned char>(c);
                          // Above 0xC3 begins what is beyond U+00FF.
                          return byte >= 0x20 ? byte <= 0xC3 : c == '\t' || c == '\n' || c == '\r';
                        });
  if (!is_legal || text.empty()) {
    return aws_fault(Errc::kInvalidArgument, "ValidationError",
                     "The specified value for policyDocument is invalid. It must contain only "
                     "printable ASCII characters and those of Latin-1, tab, line feed and carriage "
                     "return.");
  }
  return ok();
}

Status check_is_json(std::string_view text) {
  const JsonResult json = parse_json(text);
  if (!json.root && json.fault == JsonFault::kNotJson) {
    return malformed_policy("This policy contains invalid Json");
  }
  return ok();
}

Status check_effects(const RawPolicy& policy) {
  for (const RawStatement& statement : policy.statements) {
    if (statement.effect != "Allow" && statement.effect != "Deny") {
      return legacy_parsing();
    }
  }
  return ok();
}

Status check_identity_policy(const RawPolicy& policy) {
  for (const RawStatement& statement : policy.statements) {
    if (statement.principal || statement.not_principal) {
      return malformed_policy("Policy document should not specify a principal.");
    }
  }
  if (policy.version != "2012-10-17") {
    return malformed_policy("Policy document must be version 2012-10-17 or greater.");
  }
  TRIVET_CHECK_OK(check_effects(policy));
  std::string resource_fault_text;
  for (const RawStatement& statement : policy.statements) {
    TRIVET_CHECK_OK(check_dates(statement));
  }
  for (const RawStatement& statement : policy.statements) {
    TRIVET_CHECK_OK(check_resources(statement, resource_fault_text));
  }
  TRIVET_CHECK_OK(check_sids(policy));
  TRIVET_CHECK_OK(check_actions_exist(policy));
  TRIVET_CHECK_OK(check_resources_exist(policy));
  if (!resource_fault_text.empty()) {
    return malformed_policy(std::move(resource_fault_text));
  }
  return check_action_forms(policy);
}

Status check_trust_policy(const RawPolicy& policy) {
  TRIVET_CHECK_OK(check_effects(policy));
  for (const RawStatement& statement : policy.statements) {
    TRIVET_CHECK_OK(check_dates(statement));
    if (statement.resource) {
      return malformed_policy("Has prohibited field Resource.");
    }
    if (statement.not_resource) {
      return malformed_policy("Has prohibited field NotResource.");
    }
    if (statement.not_principal) {
      return malformed_policy("Has prohibited field NotPrincipal.");
    }
    if (!statement.principal) {
      return malformed_policy("Missing required field Principal");
    }
    if (statement.not_action) {
      return malformed_policy("Has prohibited field NotAction.");
    }
  }
  TRIVET_CHECK_OK(check_sids(policy));
  TRIVET_CHECK_OK(check_actions_exist(policy));
  for (const RawStatement& statement : policy.statements) {
    TRIVET_CHECK_OK(check_trust_actions(statement));
    TRIVET_CHECK_OK(check_trust_principals(statement));
  }
  return ok();
}

}  // namespace trivet::policy
