// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/guardrail.h"
#include "cli/iam_import.h"

namespace trivet::cli {
Result<int> run_iam_import(const Context& context, const IamImportOptions& options) {
  TRIVET_TRY(const std::string text, read_file(options.file));
  TRIVET_TRY(const Installation installation, read_installation(context));
  TRIVET_TRY(const std::vector<ImportCall> calls,
             plan_import(text, installation.realm.account.str()));
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  const ImportReport report = run_import(calls, [&api](const ImportCall& call) -> Status {
    TRIVET_TRY(const std::string answer, api.call_iam(call.action, call.parameters));
    static_cast<void>(answer);
    return ok();
  });
  for (const std::string& line : report.imported) {
    print(line + "\n");
  }
  for (const std::string& line : report.problems) {
    say(line);
  }
  print(fmt::format("{} imported, {} refused, {} skipped\n", report.made, report.refused,
                    report.skipped));
  return report.refused == 0 ? kExitOk : kExitFailed;
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
  const std::string warning = guardrail_warning(document);
  if (!warning.empty()) {
    say(warning);
  }
  print(document.empty() ? "guardrail cleared\n" : "guardrail set\n");
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
