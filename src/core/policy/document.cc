// SPDX-License-Identifier: Apache-2.0
#include "core/policy/document.h"

#include <algorithm>

#include "base/assert.h"
#include "core/policy/raw_document.h"
#include "core/policy/validate.h"

namespace trivet::policy {
namespace {

Statement compile_statement(const RawStatement& raw, bool has_variables) {
  Statement out;
  out.sid = raw.sid;
  out.effect = raw.effect == "Allow" ? Effect::kAllow : Effect::kDeny;
  out.is_not_action = raw.not_action.has_value();
  const auto& actions = raw.not_action ? raw.not_action : raw.action;
  for (const std::string& action : actions.value_or(std::vector<std::string>())) {
    out.actions.push_back(Template::compile(action, {.ignore_case = true}));
  }
  out.has_resource = raw.resource || raw.not_resource;
  out.is_not_resource = raw.not_resource.has_value();
  const auto& resources = raw.not_resource ? raw.not_resource : raw.resource;
  for (const std::string& resource : resources.value_or(std::vector<std::string>())) {
    out.resources.push_back(ArnPattern::compile(resource, has_variables
                                                              ? ArnPattern::Variables::kResourcePart
                                                              : ArnPattern::Variables::kNone));
  }
  out.has_principal = raw.principal || raw.not_principal;
  out.is_not_principal = raw.not_principal.has_value();
  const auto& principals = raw.not_principal ? raw.not_principal : raw.principal;
  for (const auto& [kind, value] : principals.value_or(RawPrincipals())) {
    out.principals.push_back({kind, value});
  }
  for (const RawCondition& condition : raw.conditions) {
    const auto op = parse_operator(condition.op);
    TRIVET_ASSERT(op.has_value());  // read_raw_policy let it through
    out.conditions.push_back(
        Condition::compile(*op, condition.key, condition.values, has_variables));
  }
  return out;
}

Policy compile(const RawPolicy& raw) {
  Policy out;
  out.version = raw.version.value_or(out.version);
  out.id = raw.id;
  out.statements.reserve(raw.statements.size());
  for (const RawStatement& statement : raw.statements) {
    out.statements.push_back(compile_statement(statement, out.version == "2012-10-17"));
  }
  return out;
}

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  TRIVET_TRY(const RawPolicy raw, read_raw_policy(text));
  TRIVET_CHECK_OK(check_effects(raw));
  return compile(raw);
}

Result<Policy> parse_identity_policy(std::string_view text) {
  TRIVET_CHECK_OK(check_characters(text));
  TRIVET_TRY(const RawPolicy raw, read_raw_policy(text));
  TRIVET_CHECK_OK(check_identity_policy(raw));
  return compile(raw);
}

Result<Policy> parse_trust_policy(std::string_view text) {
  TRIVET_CHECK_OK(check_characters(text));
  TRIVET_CHECK_OK(check_is_json(text));
  TRIVET_TRY(const RawPolicy raw, read_raw_policy(text));
  TRIVET_CHECK_OK(check_trust_policy(raw));
  return compile(raw);
}

std::size_t counted_size(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    const bool is_inside_character = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    return !is_space && !is_inside_character;
  }));
}

}  // namespace trivet::policy
