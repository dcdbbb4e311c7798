// SPDX-License-Identifier: Apache-2.0
#include "model/login_rules.h"
#include "model/record_json.h"

namespace trivet {

std::string encode(const LoginRules& rules) {
  return record_json::dump({{"v", record_json::kVersion},
                            {"host_aliases", rules.host_aliases},
                            {"one_time_tokens", rules.one_time_tokens},
                            {"token_max_age_s", rules.token_max_age_s},
                            {"end_sessions", rules.end_sessions},
                            {"session_max_age_s", rules.session_max_age_s},
                            {"principal_logins_per_minute", rules.principal_logins_per_minute},
                            {"address_logins_per_minute", rules.address_logins_per_minute},
                            {"connect_conditions", rules.connect_conditions},
                            {"role_tag", rules.role_tag},
                            {"roles", rules.roles}});
}

Result<LoginRules> decode_login_rules(std::string_view text) {
  return record_json::decode<LoginRules>(text, [](const nlohmann::json& j, LoginRules& rules) {
    rules.host_aliases = j.at("host_aliases").get<std::vector<std::string>>();
    rules.one_time_tokens = j.at("one_time_tokens");
    rules.token_max_age_s = j.at("token_max_age_s");
    rules.end_sessions = j.at("end_sessions");
    rules.session_max_age_s = j.at("session_max_age_s");
    rules.principal_logins_per_minute = j.at("principal_logins_per_minute");
    rules.address_logins_per_minute = j.at("address_logins_per_minute");
    rules.connect_conditions = j.at("connect_conditions");
    // Older records have neither.
    rules.role_tag = j.value("role_tag", std::string());
    rules.roles = j.value("roles", std::vector<std::string>());
  });
}

}  // namespace trivet
