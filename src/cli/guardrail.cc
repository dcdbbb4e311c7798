// SPDX-License-Identifier: Apache-2.0
#include "cli/guardrail.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace trivet::cli {
namespace {

using nlohmann::json;

bool is_allow(const json& statement) {
  return statement.is_object() && statement.contains("Effect") && statement["Effect"] == "Allow";
}

}  // namespace

std::string guardrail_warning(std::string_view document) {
  const json policy = json::parse(document, nullptr, false);
  if (!policy.is_object() || !policy.contains("Statement")) {
    return {};
  }
  const json& statements = policy["Statement"];
  const bool allows = statements.is_array()
                          ? std::any_of(statements.begin(), statements.end(), is_allow)
                          : is_allow(statements);
  return allows ? ""
                : "warning: the guardrail has no Allow, so nobody but root is allowed anything "
                  "under it; it needs a statement "
                  R"({"Effect":"Allow","Action":"*","Resource":"*"} beside what it denies)";
}

}  // namespace trivet::cli
