// SPDX-License-Identifier: Apache-2.0
#include "service/iam_simulation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "model/arn.h"
#include "service/iam_aws_policies.h"
#include "service/iam_checks.h"
#include "service/iam_ids.h"

namespace trivet::service {
namespace {

// A policy with what results say of it.
struct Source {
  std::string id;
  std::string type;
  std::string document;
};
using Sources = std::vector<Source>;

constexpr const char* kIamPolicy = "IAM Policy";

// Adds the document of a managed policy; one that is gone adds nothing.
void add_managed(const IamState& state, const Realm& realm, const std::string& arn, Sources& out) {
  if (const PolicyEntry* own = state.find_policy(realm, arn)) {
    out.push_back({own->record.name, kIamPolicy, own->record.current().document});
  } else if (const AwsPolicy* aws = find_aws_policy(realm, arn)) {
    out.push_back({std::string(aws->name), kIamPolicy, std::string(aws->document)});
  }
}

void add_entity(const IamState& state, const Realm& realm, std::string_view kind,
                const IamEntity& entity, Sources& out) {
  for (const auto& [name, document] : entity.inline_policies) {
    out.push_back({std::string(kind) + "_" + entity.name + "_" + name, kIamPolicy, document});
  }
  for (const std::string& arn : entity.attached_policies) {
    add_managed(state, realm, arn, out);
  }
}

// What is known of the user, role or group that is simulated.
struct Subject {
  Sources identity;
  Sources boundary;
  policy::Principal principal;
  bool is_group = false;
};

Result<Subject> find_subject(const IamState& state, const Realm& realm, std::string_view arn) {
  const std::string name(arn.substr(arn.rfind('/') + 1));
  Subject subject;
  subject.principal.arn = arn;
  subject.principal.account = realm.account.str();
  const auto is_at = [&](std::string_view kind, const IamEntity& entity) {
    return iam_arn(realm, kind, entity.path, entity.name) == arn;
  };
  const auto take = [&](std::string_view kind, const IamEntity& entity) {
    add_entity(state, realm, kind, entity, subject.identity);
    if (!entity.permissions_boundary.empty()) {
      add_managed(state, realm, entity.permissions_boundary, subject.boundary);
    }
    subject.principal.unique_id = entity.id;
    subject.principal.tags = entity.tags;
  };
  if (const UserEntry* user = state.find_user(name); user && is_at("user", user->record)) {
    take("user", user->record);
    subject.principal.user_name = user->record.name;
    for (const GroupEntry* group : state.groups_of(user->record.id)) {
      add_entity(state, realm, "group", group->record, subject.identity);
    }
    return subject;
  }
  if (const RoleEntry* role = state.find_role(name); role && is_at("role", role->record)) {
    take("role", role->record);
    subject.principal.type = policy::Principal::Type::kAssumedRole;
    subject.principal.role_arn = arn;
    subject.principal.session_name = "simulation";
    return subject;
  }
  if (const GroupEntry* group = state.find_group(name); group && is_at("group", group->record)) {
    take("group", group->record);
    subject.is_group = true;
    return subject;
  }
  if (!parse_arn(arn)) {
    return invalid_input("Invalid Entity Arn: " + std::string(arn) +
                         " does not clearly define entity type and name.");
  }
  return no_such_entity("The entity with ARN " + std::string(arn) + " cannot be found.");
}

Result<Sources> given(const std::vector<std::string>& documents, std::string_view list) {
  Sources out;
  for (const std::string& document : documents) {
    std::string id = std::string(list) + "." + std::to_string(out.size() + 1);
    out.push_back({std::move(id), kIamPolicy, document});
  }
  return out;
}

Result<std::vector<NamedPolicy>> parse_sources(const Sources& sources) {
  std::vector<NamedPolicy> out;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto parsed = policy::parse_policy(sources[i].document);
    if (!parsed) {
      return invalid_input("Invalid policy " + sources[i].id + ": " + parsed.error().message);
    }
    // Numbers, because two policies of different kinds may have one name.
    out.push_back({std::to_string(i), std::make_shared<const policy::Policy>(std::move(*parsed))});
  }
  return out;
}

// Everything that one simulation needs, prepared once for all its actions and resources.
struct Prepared {
  Sources identity, boundary, guardrails, resource;
  policy::PolicySet set;
  policy::Request request;
  std::vector<std::string> keys;  // that the policies ask for
};

const Sources* sources_of(const Prepared& prepared, policy::PolicyKind kind) {
  switch (kind) {
    case policy::PolicyKind::kIdentity:
      return &prepared.identity;
    case policy::PolicyKind::kBoundary:
      return &prepared.boundary;
    case policy::PolicyKind::kGuardrail:
      return &prepared.guardrails;
    case policy::PolicyKind::kResource:
    case policy::PolicyKind::kTrust:
      return &prepared.resource;
    case policy::PolicyKind::kSession:
    case policy::PolicyKind::kNone:
      break;
  }
  return nullptr;
}

Status collect_keys(Prepared& prepared) {
  for (const Sources* sources :
       {&prepared.identity, &prepared.boundary, &prepared.guardrails, &prepared.resource}) {
    for (const Source& source : *sources) {
      TRIVET_TRY(const auto keys, policy::context_keys(source.document));
      for (const std::string& key : keys) {
        const bool is_known =
            std::any_of(prepared.keys.begin(), prepared.keys.end(),
                        [&](const std::string& each) { return equals_ignoring_case(each, key); });
        if (!is_known && !prepared.request.context.contains(to_lower(key))) {
          prepared.keys.push_back(key);
        }
      }
    }
  }
  return ok();
}

std::string account_in(std::string_view text) {
  const auto arn = parse_arn(text);
  return arn ? arn->account : std::string(text);
}

Result<Prepared> prepare(const IamState& state, const Realm& realm,
                         const SimulationRequest& request) {
  Prepared out;
  Subject subject;
  if (!request.source_arn.empty()) {
    TRIVET_TRY(subject, find_subject(state, realm, request.source_arn));
    out.identity = subject.identity;
    out.boundary = subject.boundary;
  } else {
    subject.principal.account = realm.account.str();
  }
  TRIVET_TRY(const Sources more, given(request.policies, "PolicyInputList"));
  out.identity.insert(out.identity.end(), more.begin(), more.end());
  if (!request.boundaries.empty()) {
    TRIVET_TRY(out.boundary, given(request.boundaries, "PermissionsBoundaryPolicyInputList"));
  }
  TRIVET_TRY(out.guardrails, given(request.guardrails, "OrderedOrganizationPolicyInputList"));
  if (out.guardrails.empty() && !request.source_arn.empty() && state.account != nullptr &&
      !state.account->record.guardrail.empty()) {
    out.guardrails.push_back(
        {"Guardrail", "Service Control Policy", state.account->record.guardrail});
  }
  if (!request.resource_policy.empty()) {
    out.resource.push_back({"ResourcePolicy", "Resource Policy", request.resource_policy});
  }
  TRIVET_TRY(out.set.identity, parse_sources(out.identity));
  TRIVET_TRY(out.set.boundary, parse_sources(out.boundary));
  TRIVET_TRY(out.set.guardrails, parse_sources(out.guardrails));
  TRIVET_TRY(out.set.resource, parse_sources(out.resource));
  out.request.principal = subject.principal;
  if (!request.caller_arn.empty()) {
    out.request.principal.arn = request.caller_arn;
    out.request.principal.account = account_in(request.caller_arn);
  }
  if (!request.source_arn.empty() && !subject.is_group) {
    // The clock is not the simulation's: times are keys that the caller gives.
    out.request.context = policy::principal_context(out.request.principal, WallTime{});
    out.request.context.erase("aws:currenttime");
    out.request.context.erase("aws:epochtime");
    out.request.context.erase("aws:tokenissuetime");
  }
  for (const auto& [key, values] : request.context) {
    out.request.context[to_lower(key)] = values;
  }
  if (!request.resource_owner.empty()) {
    out.request.resource_account = account_in(request.resource_owner);
  }
  TRIVET_CHECK_OK(collect_keys(out));
  return out;
}

bool allows(const std::vector<NamedPolicy>& policies, const policy::Request& request) {
  return policy::evaluate({.identity = policies}, request).allowed();
}

SimulationResult result_of(const Prepared& prepared) {
  const policy::Decision decision = policy::evaluate(prepared.set, prepared.request);
  SimulationResult out{.action = prepared.request.action,
                       .resource = prepared.request.resource,
                       .decision = std::string(policy::to_string(decision.outcome)),
                       .missing_keys = prepared.keys};
  if (!prepared.set.guardrails.empty()) {
    out.allowed_by_guardrail = allows(prepared.set.guardrails, prepared.request);
  }
  if (!prepared.set.boundary.empty()) {
    out.allowed_by_boundary = allows(prepared.set.boundary, prepared.request);
  }
  if (decision.outcome == policy::Outcome::kImplicitDeny) {
    return out;
  }
  const auto effect = decision.allowed() ? policy::Effect::kAllow : policy::Effect::kDeny;
  for (const auto& matched : policy::matching_statements(prepared.set, prepared.request, effect)) {
    const Sources* sources = sources_of(prepared, matched.kind);
    if (sources == nullptr) {
      continue;
    }
    // The name is the number that parse_sources gave.
    std::size_t index = 0;
    for (const char c : matched.policy) {
      index = index * 10 + static_cast<std::size_t>(c - '0');
    }
    const Source& source = sources->at(index);
    const auto spans = policy::statement_spans(source.document);
    const auto at = static_cast<std::size_t>(matched.statement);
    out.statements.push_back(
        {source.id, source.type, at < spans.size() ? spans[at] : policy::StatementSpan{}});
  }
  return out;
}

}  // namespace

Result<std::vector<SimulationResult>> simulate(const IamState& state, const Realm& realm,
                                               const SimulationRequest& request) {
  TRIVET_TRY(Prepared prepared, prepare(state, realm, request));
  std::vector<std::string> resources = request.resources;
  if (resources.empty()) {
    resources.emplace_back("*");
  }
  std::vector<SimulationResult> results;
  for (const std::string& action : request.actions) {
    const auto colon = action.find(':');
    if (colon == 0 || colon == action.npos || colon + 1 == action.size() ||
        action.find_first_of("*? ") != action.npos) {
      return invalid_input("Invalid action name: " + action);
    }
    for (const std::string& resource : resources) {
      prepared.request.action = action;
      prepared.request.resource = resource;
      results.push_back(result_of(prepared));
    }
  }
  return results;
}

Result<std::vector<std::string>> documents_of(const IamState& state, const Realm& realm,
                                              std::string_view source_arn) {
  TRIVET_TRY(const Subject subject, find_subject(state, realm, source_arn));
  std::vector<std::string> documents;
  for (const Source& source : subject.identity) {
    documents.push_back(source.document);
  }
  return documents;
}

}  // namespace trivet::service
