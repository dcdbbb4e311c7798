// SPDX-License-Identifier: Apache-2.0
//
// SimulateCustomPolicy, SimulatePrincipalPolicy, GetContextKeysForCustomPolicy,
// GetContextKeysForPrincipalPolicy.
#include "service/iam_simulation.h"

#include <algorithm>

#include "api/iam/common.h"
#include "service/iam_paging.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;
using service::SimulationRequest;
using service::SimulationResult;

template <typename Request>
SimulationRequest simulation_of(const Request& request) {
  SimulationRequest out;
  out.policies = request.PolicyInputList;
  out.boundaries = request.PermissionsBoundaryPolicyInputList;
  out.resource_policy = request.ResourcePolicy.value_or("");
  out.resource_owner = request.ResourceOwner.value_or("");
  out.caller_arn = request.CallerArn.value_or("");
  out.actions = request.ActionNames;
  out.resources = request.ResourceArns;
  for (const iam::ContextEntry& entry : request.ContextEntries) {
    out.context[entry.ContextKeyName.value_or("")] = entry.ContextKeyValues;
  }
  return out;
}

iam::Position position_shape(const policy::TextPosition& position) {
  return {.Line = position.line, .Column = position.column};
}

iam::EvaluationResult result_shape(const SimulationResult& result) {
  iam::EvaluationResult shape{.EvalActionName = result.action,
                              .EvalDecision = result.decision,
                              .EvalResourceName = result.resource,
                              .MissingContextValues = result.missing_keys};
  for (const service::SimulatedStatement& statement : result.statements) {
    shape.MatchedStatements.push_back({.SourcePolicyId = statement.policy_id,
                                       .SourcePolicyType = statement.policy_type,
                                       .StartPosition = position_shape(statement.span.begin),
                                       .EndPosition = position_shape(statement.span.end)});
  }
  if (result.allowed_by_guardrail) {
    shape.OrganizationsDecisionDetail = {.AllowedByOrganizations = *result.allowed_by_guardrail};
  }
  if (result.allowed_by_boundary) {
    shape.PermissionsBoundaryDecisionDetail = {.AllowedByPermissionsBoundary =
                                                   *result.allowed_by_boundary};
  }
  return shape;
}

template <typename Response, typename Request>
Result<Response> run(const IamService& service, const Request& request,
                     const SimulationRequest& simulation) {
  TRIVET_TRY(auto results, service::simulate(*service.state(), service.realm(), simulation));
  std::vector<std::pair<std::string, SimulationResult>> items;
  for (SimulationResult& result : results) {
    std::string number = std::to_string(items.size());
    items.emplace_back(std::string(8 - number.size(), '0') + number, std::move(result));
  }
  TRIVET_TRY(const auto page, service::make_page(std::move(items), page_of(request)));
  Response response;
  for (const SimulationResult& result : page.items) {
    response.EvaluationResults.push_back(result_shape(result));
  }
  set_page_end(page.marker, response);
  return response;
}

void add_custom(ActionTable& table, IamService& service) {
  table.add(make_action<SimulateCustomPolicyRequest>(
      [](const Call&, const SimulateCustomPolicyRequest&) {
        return Permissions{{.action = "iam:SimulateCustomPolicy", .resource = "*"}};
      },
      [&service](const Call&, const SimulateCustomPolicyRequest& request)
          -> Result<SimulateCustomPolicyResponse> {
        SimulationRequest simulation = simulation_of(request);
        const auto& levels = request.OrderedOrganizationPolicyInputList;
        if (levels.size() > 1) {
          return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                           "More than one level of OrderedOrganizationPolicyInputList is not "
                           "implemented.");
        }
        if (!levels.empty()) {
          simulation.guardrails = levels.front().ServiceControlPolicyInputList;
        }
        return run<SimulateCustomPolicyResponse>(service, request, simulation);
      }));
}

void add_principal(ActionTable& table, IamService& service) {
  table.add(make_action<SimulatePrincipalPolicyRequest>(
      [](const Call&, const SimulatePrincipalPolicyRequest& request) {
        return Permissions{
            {.action = "iam:SimulatePrincipalPolicy", .resource = request.PolicySourceArn}};
      },
      [&service](const Call&, const SimulatePrincipalPolicyRequest& request)
          -> Result<SimulatePrincipalPolicyResponse> {
        if (!request.PolicyExclusionList.empty()) {
          return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                           "PolicyExclusionList is not implemented.");
        }
        SimulationRequest simulation = simulation_of(request);
        simulation.source_arn = request.PolicySourceArn;
        return run<SimulatePrincipalPolicyResponse>(service, request, simulation);
      }));
}

// The keys of all documents, each once.
Result<std::vector<std::string>> keys_of(const std::vector<std::string>& documents) {
  std::vector<std::string> all;
  for (const std::string& document : documents) {
    auto keys = policy::context_keys(document);
    if (!keys) {
      return service::invalid_input(keys.error().message);
    }
    for (std::string& key : *keys) {
      if (std::find(all.begin(), all.end(), key) == all.end()) {
        all.push_back(std::move(key));
      }
    }
  }
  return all;
}

void add_context_keys(ActionTable& table, IamService& service) {
  table.add(make_action<GetContextKeysForCustomPolicyRequest>(
      [](const Call&, const GetContextKeysForCustomPolicyRequest&) {
        return Permissions{{.action = "iam:GetContextKeysForCustomPolicy", .resource = "*"}};
      },
      [](const Call&, const GetContextKeysForCustomPolicyRequest& request)
          -> Result<GetContextKeysForCustomPolicyResponse> {
        TRIVET_TRY(auto keys, keys_of(request.PolicyInputList));
        return GetContextKeysForCustomPolicyResponse{.ContextKeyNames = std::move(keys)};
      }));
  table.add(make_action<GetContextKeysForPrincipalPolicyRequest>(
      [](const Call&, const GetContextKeysForPrincipalPolicyRequest& request) {
        return Permissions{{.action = "iam:GetContextKeysForPrincipalPolicy",
                            .resource = request.PolicySourceArn}};
      },
      [&service](const Call&, const GetContextKeysForPrincipalPolicyRequest& request)
          -> Result<GetContextKeysForPrincipalPolicyResponse> {
        TRIVET_TRY(auto documents, service::documents_of(*service.state(), service.realm(),
                                                         request.PolicySourceArn));
        documents.insert(documents.end(), request.PolicyInputList.begin(),
                         request.PolicyInputList.end());
        TRIVET_TRY(auto keys, keys_of(documents));
        return GetContextKeysForPrincipalPolicyResponse{.ContextKeyNames = std::move(keys)};
      }));
}

}  // namespace

void add_simulation_actions(ActionTable& table, IamService& service) {
  add_custom(table, service);
  add_principal(table, service);
  add_context_keys(table, service);
}

}  // namespace trivet::api::iam
