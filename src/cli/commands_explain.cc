// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/token_context.h"
#include "core/token/explain.h"

namespace trivet::cli {
namespace {

// More than any token that a server takes, so that one that is too long is said to be.
constexpr std::size_t kInputMax = std::size_t{256} * 1024;

// Standard input without the line end that pipes and editors add.
std::string read_input() {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kInputMax) {
    const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), stdin);
    if (count == 0) {
      break;
    }
    text.append(buffer.data(), count);
  }
  if (text.ends_with('\n')) {
    text.pop_back();
    if (text.ends_with('\r')) {
      text.pop_back();
    }
  }
  return text;
}

Result<std::string> explain_in_context(const ExplainOptions& options, const std::string& text) {
  const auto content = read_file(options.context);
  if (!content) {
    return make_error(Errc::kInvalidArgument, content.error().message);
  }
  TRIVET_TRY(TokenContext context, parse_token_context(*content));
  if (!options.user.empty()) {
    context.server.login_user = options.user;
  }
  return token::to_json(token::explain_db_token(
      text, context.server, context.now.value_or(SystemClock().wall_now()),
      [&context](const std::string& id, const std::optional<std::string>& session_token) {
        return context.look_up(id, session_token);
      }));
}

// For people: a line for each check.
std::string render_explanation(const nlohmann::json& explanation) {
  std::string out;
  std::size_t width = 0;
  for (const auto& check : explanation.at("checks")) {
    width = std::max(width, check.at("name").get_ref<const std::string&>().size());
  }
  for (const auto& check : explanation.at("checks")) {
    out += fmt::format("{:<5}  {:<{}}  {}\n", check.at("ok").get<bool>() ? "ok" : "WRONG",
                       check.at("name").get_ref<const std::string&>(), width,
                       check.at("detail").get_ref<const std::string&>());
  }
  std::string not_checked;
  for (const auto& name : explanation.at("not_checked")) {
    not_checked += not_checked.empty() ? "" : ", ";
    not_checked += name.get_ref<const std::string&>();
  }
  if (!not_checked.empty()) {
    out += "could not be checked: " + not_checked + "\n";
  }
  const bool is_accepted = explanation.at("verdict") == "accept";
  out += is_accepted ? "accepted\n"
                     : "refused: " + explanation.at("reason").get_ref<const std::string&>() + "\n";
  return out;
}

}  // namespace

Result<int> run_metrics(const Context& context, const MetricsOptions&) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const std::string text, admin->metrics());
  print(text);
  return kExitOk;
}

Result<int> run_token_explain(const Context& context, const ExplainOptions& options) {
  const std::string text = read_input();
  if (text.empty() && !options.json) {  // programs get their explanation of anything
    return make_error(Errc::kInvalidArgument,
                      fmt::format("no token on standard input: `{}` makes one",
                                  context.command("token CLUSTER --user USER")));
  }
  std::string answer;
  if (!options.context.empty()) {
    TRIVET_TRY(answer, explain_in_context(options, text));
  } else {
    TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
    if (!admin) {
      return say_not_running(context);
    }
    TRIVET_TRY(answer, admin->explain_token(options.cluster, options.user, text));
  }
  try {
    const auto explanation = nlohmann::json::parse(answer);
    print(options.json ? explanation.dump() + "\n" : render_explanation(explanation));
    return explanation.at("verdict") == "accept" ? kExitOk : kExitFailed;
  } catch (const nlohmann::json::exception&) {
    return make_error(Errc::kCorrupt, "trivetd's answer to POST /token/explain cannot be read");
  }
}

}  // namespace trivet::cli
