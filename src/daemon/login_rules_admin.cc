// SPDX-License-Identifier: Apache-2.0
#include "daemon/login_rules_admin.h"

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"
#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;
using service::LoginRulesChange;

// Where a member of "changes" goes.
using Target = std::variant<std::vector<std::string> LoginRulesChange::*,
                            std::optional<bool> LoginRulesChange::*,
                            std::optional<std::int64_t> LoginRulesChange::*,
                            std::optional<std::string> LoginRulesChange::*>;

const std::map<std::string, Target, std::less<>>& targets() {
  static const std::map<std::string, Target, std::less<>> all = {
      {"add_aliases", &LoginRulesChange::add_aliases},
      {"remove_aliases", &LoginRulesChange::remove_aliases},
      {"one_time_tokens", &LoginRulesChange::one_time_tokens},
      {"token_max_age_s", &LoginRulesChange::token_max_age_s},
      {"end_sessions", &LoginRulesChange::end_sessions},
      {"session_max_age_s", &LoginRulesChange::session_max_age_s},
      {"principal_logins_per_minute", &LoginRulesChange::principal_logins_per_minute},
      {"address_logins_per_minute", &LoginRulesChange::address_logins_per_minute},
      {"connect_conditions", &LoginRulesChange::connect_conditions},
      {"role_tag", &LoginRulesChange::role_tag},
      {"add_roles", &LoginRulesChange::add_roles},
      {"remove_roles", &LoginRulesChange::remove_roles}};
  return all;
}

// False when the value is of another type.
bool read(const json& value, std::vector<std::string>& out) {
  if (!value.is_array()) {
    return false;
  }
  for (const json& text : value) {
    if (!text.is_string()) {
      return false;
    }
    out.push_back(text.get<std::string>());
  }
  return true;
}

bool read(const json& value, std::optional<bool>& out) {
  if (!value.is_boolean()) {
    return false;
  }
  out = value.get<bool>();
  return true;
}

bool read(const json& value, std::optional<std::int64_t>& out) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<std::uint64_t>() > kMax)) {
    return false;
  }
  out = value.get<std::int64_t>();
  return true;
}

bool read(const json& value, std::optional<std::string>& out) {
  if (!value.is_string()) {
    return false;
  }
  out = value.get<std::string>();
  return true;
}

Result<LoginRulesChange> read_change(const json& changes) {
  LoginRulesChange out;
  for (const auto& [name, value] : changes.items()) {
    const auto target = targets().find(name);
    if (target == targets().end()) {
      return make_error(Errc::kInvalidArgument, "there is no login rule " + name);
    }
    const json& given = value;
    if (!std::visit([&given, &out](auto member) { return read(given, out.*member); },
                    target->second)) {
      return make_error(Errc::kInvalidArgument, "login rule " + name + " is of another type");
    }
  }
  return out;
}

Status set_roles(const ClusterId& cluster, const std::vector<std::string>& roles, bool is_given,
                 service::ClusterService& clusters) {
  for (const std::string& text : roles) {
    TRIVET_TRY(service::RolePair pair, service::read_role_pair(text));
    TRIVET_CHECK_OK(
        clusters.set_role(cluster, {std::move(pair.user), std::move(pair.role), is_given}));
  }
  return ok();
}

// A role needs both, what the writer was told and the rule, so whatever is cut off between gives
// nobody anything.
Result<LoginRules> make_change(const ClusterId& cluster, const LoginRulesChange& change,
                               service::LoginRulesBook& book, service::ClusterService& clusters) {
  TRIVET_CHECK_OK(set_roles(cluster, change.add_roles, true, clusters));
  TRIVET_TRY(LoginRules rules, book.change(cluster, change));
  TRIVET_CHECK_OK(set_roles(cluster, change.remove_roles, false, clusters));
  return rules;
}

}  // namespace

std::optional<net::HttpResponse> login_rules_admin_call(const net::HttpRequest& request,
                                                        service::LoginRulesBook& book,
                                                        service::ClusterService& clusters) {
  if (request.method != "POST" || request.target != "/login-rules") {
    return std::nullopt;
  }
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("cluster") || !body["cluster"].is_string()) {
    return admin_bad_request("needs cluster, and what to change as changes");
  }
  const json changes = body.value("changes", json::object());
  if (!changes.is_object()) {
    return admin_bad_request("changes must be an object");
  }
  const auto change = read_change(changes);
  if (!change) {
    return admin_refusal(change.error());
  }
  const ClusterId cluster(body["cluster"].get<std::string>());
  const auto rules = make_change(cluster, *change, book, clusters);
  if (!rules) {
    return admin_refusal(rules.error());
  }
  const std::string text = encode(*rules);
  if (!changes.empty()) {
    log(Level::kInfo, "login_rules.changed",
        {{"cluster", cluster.str()},
         {"uid", request.peer_credentials ? request.peer_credentials->uid : 0},
         {"changes", changes.dump(-1, ' ', true, json::error_handler_t::replace)},
         {"rules", text}});
  }
  json shown = json::parse(text, nullptr, false);
  shown.erase("v");
  return admin_answer(200, {{"cluster", cluster.str()}, {"rules", std::move(shown)}});
}

}  // namespace trivet::daemon
