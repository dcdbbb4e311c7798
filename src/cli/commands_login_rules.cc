// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "cli/commands.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

template <typename T>
void set(json& changes, const char* name, const std::optional<T>& value) {
  if (value) {
    changes[name] = *value;
  }
}

json changes_of(const LoginRulesOptions& options) {
  json changes = json::object();
  const auto set_list = [&changes](const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) {
      changes[name] = values;
    }
  };
  set_list("add_aliases", options.add_aliases);
  set_list("remove_aliases", options.remove_aliases);
  set_list("add_roles", options.add_roles);
  set_list("remove_roles", options.remove_roles);
  if (options.role_tag) {
    changes["role_tag"] = *options.role_tag == "off" ? "" : *options.role_tag;
  }
  set(changes, "one_time_tokens", options.one_time_tokens);
  set(changes, "token_max_age_s", options.token_max_age_s);
  set(changes, "end_sessions", options.end_sessions);
  set(changes, "session_max_age_s", options.session_max_age_s);
  set(changes, "principal_logins_per_minute", options.principal_logins_per_minute);
  set(changes, "address_logins_per_minute", options.address_logins_per_minute);
  set(changes, "connect_conditions", options.connect_conditions);
  return changes;
}

std::string number(const json& value, const char* unit, const char* none) {
  const auto n = value.get<std::int64_t>();
  return n == 0 ? none : fmt::format("{} {}", n, unit);
}

// One line for each rule, with its option's name.
std::string render_rules(const json& rules) {
  const auto list = [&rules](const char* name) {
    std::string out;
    for (const json& each : rules.at(name)) {
      out += (out.empty() ? "" : ", ") + each.get<std::string>();
    }
    return out.empty() ? "none" : out;
  };
  const auto on_off = [&rules](const char* name) {
    return std::string(rules.at(name).get<bool>() ? "on" : "off");
  };
  std::string out;
  const auto line = [&out](std::string_view name, std::string_view value) {
    out += fmt::format("{:<20} {}\n", name, value);
  };
  line("alias", list("host_aliases"));
  line("one-time-tokens", on_off("one_time_tokens"));
  line("token-max-age", number(rules.at("token_max_age_s"), "s", "as long as the token says"));
  line("end-sessions", on_off("end_sessions"));
  line("session-max-age", number(rules.at("session_max_age_s"), "s", "none"));
  line("rate-principal", number(rules.at("principal_logins_per_minute"), "a minute", "none"));
  line("rate-address", number(rules.at("address_logins_per_minute"), "a minute", "none"));
  line("connect-conditions", on_off("connect_conditions"));
  const auto tag = rules.at("role_tag").get<std::string>();
  line("role-tag", tag.empty() ? "off" : tag);
  line("role", list("roles"));
  return out;
}

}  // namespace

Result<int> run_login_rules(const Context& context, const LoginRulesOptions& options) {
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const json body = {{"cluster", options.cluster}, {"changes", changes_of(options)}};
  TRIVET_TRY(const std::string answer,
             admin->login_rules(body.dump(-1, ' ', false, json::error_handler_t::replace)));
  const json read = json::parse(answer, nullptr, false);
  try {
    print(options.json ? read.at("rules").dump(2) + "\n" : render_rules(read.at("rules")));
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("trivetd's answer cannot be read: {}", e.what()));
  }
  return kExitOk;
}

}  // namespace trivet::cli
