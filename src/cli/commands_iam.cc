// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/iam_import.h"

namespace trivet::cli {
namespace {

struct ImportCount {
  int made = 0;
  int refused = 0;
};

// One pass; what may be tried again and was refused comes back.
std::vector<ImportCall> make_calls(const ApiClient& api, const std::vector<ImportCall>& calls,
                                   bool is_last, ImportCount& count) {
  std::vector<ImportCall> again;
  for (const ImportCall& call : calls) {
    const auto answer = api.call_iam(call.action, call.parameters);
    if (answer) {
      ++count.made;
    } else if (call.is_repeatable && !is_last) {
      again.push_back(call);
    } else {
      ++count.refused;
      say(fmt::format("{}: {}", call.what, answer.error().message));
    }
  }
  return again;
}

}  // namespace

Result<int> run_iam_import(const Context& context, const IamImportOptions& options) {
  TRIVET_TRY(const std::string text, read_file(options.file));
  TRIVET_TRY(const Installation installation, read_installation(context));
  TRIVET_TRY(std::vector<ImportCall> calls, plan_import(text, installation.realm.account.str()));
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  // Roles that trust each other need a pass for each step of the chain; the rest waits for them.
  const auto first_role = std::find_if(calls.begin(), calls.end(),
                                       [](const ImportCall& call) { return call.is_repeatable; });
  const auto behind_roles = std::find_if(
      first_role, calls.end(), [](const ImportCall& call) { return !call.is_repeatable; });
  std::vector<ImportCall> roles(first_role, behind_roles);
  const std::vector<ImportCall> grants(behind_roles, calls.end());
  calls.erase(first_role, calls.end());
  ImportCount count;
  make_calls(api, calls, true, count);
  std::size_t left = roles.size() + 1;
  while (!roles.empty() && roles.size() < left) {
    left = roles.size();
    roles = make_calls(api, roles, false, count);
  }
  make_calls(api, roles, true, count);
  make_calls(api, grants, true, count);
  print(fmt::format("{} imported, {} refused\n", count.made, count.refused));
  return count.refused == 0 ? kExitOk : kExitFailed;
}

Result<int> run_iam_guardrail(const Context& context, const IamGuardrailOptions& options) {
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  if (options.file.empty() && !options.clear) {
    TRIVET_TRY(const std::string json, admin->iam("GET", "/iam/guardrail", ""));
    const auto body = nlohmann::json::parse(json, nullptr, false);
    const std::string document = body.value("document", "");
    print((document.empty() ? "none" : document) + "\n");
    return kExitOk;
  }
  std::string document;
  if (!options.clear) {
    TRIVET_TRY(document, read_file(options.file));
  }
  const nlohmann::json body = {{"document", document}};
  TRIVET_TRY(const std::string answer,
             admin->iam("POST", "/iam/guardrail",
                        body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  static_cast<void>(answer);
  return kExitOk;
}

Result<int> run_iam_oidc_keys(const Context& context, const IamOidcKeysOptions& options) {
  TRIVET_TRY(const std::string jwks, read_file(options.file));
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const nlohmann::json body = {{"arn", options.provider_arn}, {"jwks", jwks}};
  TRIVET_TRY(const std::string answer,
             admin->iam("POST", "/iam/oidc-keys",
                        body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  static_cast<void>(answer);
  return kExitOk;
}

}  // namespace trivet::cli
