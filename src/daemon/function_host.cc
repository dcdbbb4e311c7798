// SPDX-License-Identifier: Apache-2.0
#include "daemon/function_host.h"

#include <nlohmann/json.hpp>

namespace trivet::daemon {
namespace {

constexpr std::string_view kLambda = "lambda.amazonaws.com";

Result<runner::RoleSession> role_session(service::StsService& sts, const Installation& installation,
                                         const FunctionImage& image, WallTime now) {
  const service::ContextKeys context = {{"aws:SourceArn", {image.arn}},
                                        {"aws:SourceAccount", {installation.realm.account.str()}}};
  const auto assumed =
      sts.assume_role_for_service(kLambda, image.role_arn, image.name, context, now);
  if (!assumed) {
    return make_error(Errc::kDenied,
                      "The role defined for the function cannot be assumed by Lambda.");
  }
  runner::RoleSession out;
  out.keys.access_key_id = assumed->credentials.access_key_id.str();
  out.keys.secret_access_key = assumed->credentials.secret.reveal();
  out.keys.session_token = assumed->credentials.session_token;
  out.expires = assumed->credentials.expires;
  return out;
}

}  // namespace

std::string functions_json(const runner::Runner& runner) {
  const Status able = runner.check();
  const FunctionRuntimeStats stats = runner.stats();
  return nlohmann::json{{"why_none", able ? "" : able.error().message},
                        {"weaknesses", runner.weaknesses()},
                        {"idle", stats.environments_idle},
                        {"busy", stats.environments_busy},
                        {"resident_bytes", stats.resident_bytes}}
      .dump();
}

std::unique_ptr<runner::Runner> make_function_runner(const FunctionHostNeeds& needs) {
  runner::RunnerOptions options;
  options.home = needs.paths.home;
  options.program = needs.program_folder + "/trivet-sandbox";
  options.installation_id = needs.installation.id;
  options.region = needs.installation.realm.region;
  options.ca_bundle = needs.paths.ca_bundle();
  options.uid_first = needs.installation.function_uids.first;
  options.uid_count = needs.installation.function_uids.count;
  options.limits.environments_max = needs.installation.function_environments_max;
  options.role_session = [&sts = needs.sts, &installation = needs.installation,
                          &clock = needs.clock](const FunctionImage& image) {
    return role_session(sts, installation, image, clock.wall_now());
  };
  options.clock = &needs.clock;
  options.networks = needs.networks;
  options.logs = needs.logs;
  return std::make_unique<runner::Runner>(std::move(options));
}

}  // namespace trivet::daemon
