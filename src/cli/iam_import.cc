// SPDX-License-Identifier: Apache-2.0
#include "cli/iam_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace trivet::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& list_of(const json& object, const char* member) {
  static const json empty = json::array();
  const auto found = object.find(member);
  return found != object.end() && found->is_array() ? *found : empty;
}

// The account in the first ARN that has one: the file's.
std::string account_in(const json& details) {
  for (const char* list : {"UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"}) {
    for (const json& each : list_of(details, list)) {
      const std::string arn = text_of(each, "Arn");
      const std::size_t begin = arn.find("::");
      const std::size_t end = begin == arn.npos ? arn.npos : arn.find(':', begin + 2);
      if (end != arn.npos && end - begin - 2 == 12) {
        return arn.substr(begin + 2, 12);
      }
    }
  }
  return {};
}

class Planner {
 public:
  Planner(std::string from, std::string_view to) : from_(std::move(from)), to_(to) {}

  void policies(const json& details) {
    for (const json& policy : list_of(details, "Policies")) {
      if (text_of(policy, "Arn").find("::aws:policy/") == std::string::npos) {
        policy_versions(policy);
      }
    }
  }

  void groups(const json& details) {
    for (const json& group : list_of(details, "GroupDetailList")) {
      const std::string name = text_of(group, "GroupName");
      add("CreateGroup", {{"GroupName", name}, {"Path", text_of(group, "Path")}}, "group " + name);
      grants(group, "Group", "group", name);
    }
  }

  void users(const json& details) {
    for (const json& user : list_of(details, "UserDetailList")) {
      const std::string name = text_of(user, "UserName");
      QueryParameters parameters = {{"UserName", name}, {"Path", text_of(user, "Path")}};
      add_common(user, parameters);
      add("CreateUser", std::move(parameters), "user " + name);
      grants(user, "User", "user", name);
      for (const json& group : list_of(user, "GroupList")) {
        if (group.is_string()) {
          add("AddUserToGroup", {{"UserName", name}, {"GroupName", group.get<std::string>()}},
              "user " + name + " in group " + group.get<std::string>(),
              {"user " + name, "group " + group.get<std::string>()});
        }
      }
    }
  }

  void roles(const json& details) {
    std::vector<const json*> made;
    for (const json& role : list_of(details, "RoleDetailList")) {
      const std::string path = text_of(role, "Path");
      if (path.starts_with("/aws-service-role/")) {
        continue;
      }
      const std::string name = text_of(role, "RoleName");
      QueryParameters parameters = {
          {"RoleName", name},
          {"Path", path},
          {"AssumeRolePolicyDocument", document_of(role, "AssumeRolePolicyDocument")}};
      add_common(role, parameters);
      add("CreateRole", std::move(parameters), "role " + name);
      calls_.back().is_repeatable = true;
      made.push_back(&role);
    }
    // After all of them, because a trust may name a role that comes later.
    for (const json* role : made) {
      grants(*role, "Role", "role", text_of(*role, "RoleName"));
      instance_profiles(*role);
    }
  }

  void instance_profiles(const json& role) {
    const std::string role_name = text_of(role, "RoleName");
    for (const json& profile : list_of(role, "InstanceProfileList")) {
      const std::string name = text_of(profile, "InstanceProfileName");
      const std::string what = "instance profile " + name;
      add("CreateInstanceProfile",
          {{"InstanceProfileName", name}, {"Path", text_of(profile, "Path")}}, what);
      add("AddRoleToInstanceProfile", {{"InstanceProfileName", name}, {"RoleName", role_name}},
          "role " + role_name + " in " + what, {"role " + role_name, what});
    }
  }

  std::vector<ImportCall> take() { return std::move(calls_); }

 private:
  void add(std::string action, QueryParameters parameters, std::string what,
           std::vector<std::string> part_of = {}) {
    std::erase_if(parameters, [](const auto& each) { return each.second.empty(); });
    calls_.push_back(
        {std::move(action), std::move(parameters), std::move(what), std::move(part_of)});
  }

  std::string here(std::string text) const {
    if (from_.empty() || from_ == to_) {
      return text;
    }
    const std::string old = ":" + from_ + ":";
    const std::string fresh = ":" + to_ + ":";
    for (std::size_t at = text.find(old); at != text.npos; at = text.find(old, at + 1)) {
      text.replace(at, old.size(), fresh);
    }
    return text;
  }

  // Decoded by the CLI, or as the API sends it.
  std::string document_of(const json& object, const char* member) const {
    const auto found = object.find(member);
    if (found == object.end()) {
      return {};
    }
    if (!found->is_string()) {
      return here(found->dump(-1, ' ', false, json::error_handler_t::replace));
    }
    const auto text = found->get<std::string>();
    return here(text.starts_with('%') ? percent_decode(text).value_or(text) : text);
  }

  void add_common(const json& entity, QueryParameters& parameters) const {
    const auto boundary = entity.find("PermissionsBoundary");
    if (boundary != entity.end() && boundary->is_object()) {
      parameters.emplace_back("PermissionsBoundary",
                              here(text_of(*boundary, "PermissionsBoundaryArn")));
    }
    int number = 0;
    for (const json& tag : list_of(entity, "Tags")) {
      const std::string prefix = "Tags.member." + std::to_string(++number) + ".";
      parameters.emplace_back(prefix + "Key", text_of(tag, "Key"));
      parameters.emplace_back(prefix + "Value", text_of(tag, "Value"));
    }
  }

  void policy_versions(const json& policy) {
    const std::string name = text_of(policy, "PolicyName");
    std::vector<const json*> versions;
    for (const json& version : list_of(policy, "PolicyVersionList")) {
      versions.push_back(&version);
    }
    // "v2" before "v10".
    std::sort(versions.begin(), versions.end(), [](const json* a, const json* b) {
      const std::string left = text_of(*a, "VersionId");
      const std::string right = text_of(*b, "VersionId");
      return left.size() != right.size() ? left.size() < right.size() : left < right;
    });
    const std::string arn = here(text_of(policy, "Arn"));
    bool is_first = true;
    for (const json* version : versions) {
      const std::string document = document_of(*version, "Document");
      if (is_first) {
        add("CreatePolicy",
            {{"PolicyName", name},
             {"Path", text_of(policy, "Path")},
             {"Description", text_of(policy, "Description")},
             {"PolicyDocument", document}},
            "policy " + name);
      } else {
        const bool is_default = version->value("IsDefaultVersion", false);
        add("CreatePolicyVersion",
            {{"PolicyArn", arn},
             {"PolicyDocument", document},
             {"SetAsDefault", is_default ? "true" : "false"}},
            "a version of policy " + name, {"policy " + name});
      }
      is_first = false;
    }
  }

  // The inline and the attached policies of a user, a group or a role.
  void grants(const json& entity, const std::string& kind, const std::string& word,
              const std::string& name) {
    const std::string member = kind + "Name";
    const std::string whose = word + " " + name;
    for (const json& policy : list_of(entity, (kind + "PolicyList").c_str())) {
      const std::string policy_name = text_of(policy, "PolicyName");
      add("Put" + kind + "Policy",
          {{member, name},
           {"PolicyName", policy_name},
           {"PolicyDocument", document_of(policy, "PolicyDocument")}},
          "policy " + policy_name + " of " + whose, {whose});
    }
    for (const json& policy : list_of(entity, "AttachedManagedPolicies")) {
      const std::string arn = here(text_of(policy, "PolicyArn"));
      add("Attach" + kind + "Policy", {{member, name}, {"PolicyArn", arn}}, arn + " at " + whose,
          {whose});
    }
  }

  const std::string from_;
  const std::string to_;
  std::vector<ImportCall> calls_;
};

class Importer {
 public:
  explicit Importer(const std::function<Status(const ImportCall&)>& make) : make_(make) {}

  // One pass; what may be tried again and was refused comes back.
  std::vector<ImportCall> pass(const std::vector<ImportCall>& calls, bool is_last) {
    std::vector<ImportCall> again;
    for (const ImportCall& call : calls) {
      if (!skips(call) && !makes(call, is_last)) {
        again.push_back(call);
      }
    }
    return again;
  }

  ImportReport take() { return std::move(report_); }

 private:
  bool skips(const ImportCall& call) {
    const auto whose = std::find_if(call.part_of.begin(), call.part_of.end(),
                                    [this](const auto& each) { return refused_.contains(each); });
    if (whose == call.part_of.end()) {
      return false;
    }
    ++report_.skipped;
    report_.problems.push_back(fmt::format("skipped {}: {} was not imported", call.what, *whose));
    return true;
  }

  // False: to be tried again.
  bool makes(const ImportCall& call, bool is_last) {
    const Status status = make_(call);
    if (status) {
      ++report_.made;
      if (call.part_of.empty()) {
        report_.imported.push_back("imported " + call.what);
      }
      return true;
    }
    if (call.is_repeatable && !is_last) {
      return false;
    }
    ++report_.refused;
    report_.problems.push_back(fmt::format("{}: {}", call.what, status.error().message));
    if (call.part_of.empty()) {
      refused_.insert(call.what);
    }
    return true;
  }

  const std::function<Status(const ImportCall&)>& make_;
  ImportReport report_;
  std::set<std::string> refused_;
};

}  // namespace

Result<std::vector<ImportCall>> plan_import(std::string_view text, std::string_view account) {
  const json details = json::parse(text, nullptr, false);
  if (!details.is_object() ||
      (!details.contains("UserDetailList") && !details.contains("RoleDetailList") &&
       !details.contains("GroupDetailList") && !details.contains("Policies"))) {
    return make_error(Errc::kInvalidArgument,
                      "this is not the JSON of `aws iam get-account-authorization-details`");
  }
  Planner planner(account_in(details), account);
  planner.policies(details);
  planner.groups(details);
  planner.users(details);
  planner.roles(details);
  return planner.take();
}

ImportReport run_import(const std::vector<ImportCall>& calls,
                        const std::function<Status(const ImportCall&)>& make) {
  const auto is_repeatable = [](const ImportCall& call) { return call.is_repeatable; };
  const auto first_role = std::find_if(calls.begin(), calls.end(), is_repeatable);
  const auto behind_roles = std::find_if_not(first_role, calls.end(), is_repeatable);
  std::vector<ImportCall> roles(first_role, behind_roles);
  Importer importer(make);
  importer.pass({calls.begin(), first_role}, true);
  // Roles that trust each other need a pass for each step of the chain; the rest waits for them.
  std::size_t left = roles.size() + 1;
  while (!roles.empty() && roles.size() < left) {
    left = roles.size();
    roles = importer.pass(roles, false);
  }
  importer.pass(roles, true);
  importer.pass({behind_roles, calls.end()}, true);
  return importer.take();
}

}  // namespace trivet::cli
