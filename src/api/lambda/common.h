// SPDX-License-Identifier: Apache-2.0
//
// What the actions of Lambda share: which function a call means, what it must be allowed to do, and
// how functions look in answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/lambda/actions.h"
#include "api/shapes/lambda.h"

namespace trivet::api::lambda {

void add_function_actions(ActionTable& table, const LambdaServices& services);
void add_code_actions(ActionTable& table, const LambdaServices& services);
void add_version_actions(ActionTable& table, const LambdaServices& services);
void add_alias_actions(ActionTable& table, const LambdaServices& services);
void add_layer_actions(ActionTable& table, const LambdaServices& services);
void add_permission_actions(ActionTable& table, const LambdaServices& services);
void add_setting_actions(ActionTable& table, const LambdaServices& services);
void add_event_config_actions(ActionTable& table, const LambdaServices& services);
void add_invoke_actions(ActionTable& table, const LambdaServices& services);

struct Target {
  std::string name;
  std::string qualifier;  // empty: none was given
};
// Of a FunctionName, which may be an ARN or a part of one, and a Qualifier. Faults:
// ValidationException, InvalidParameterValueException (the two differ), ResourceNotFoundException
// (another region), AccessDeniedException (another account).
Result<Target> target_of(const Realm& realm, const std::string& function_name,
                         const std::optional<std::string>& qualifier = std::nullopt);

// The same where a version or an alias cannot be meant. InvalidParameterValueException.
Result<Target> whole_function(const Realm& realm, const std::string& function_name);

// On the function that a call names, with the tags that it has.
Permission function_permission(const LambdaServices& services, const Realm& realm,
                               std::string_view action, const std::string& function_name,
                               const std::optional<std::string>& qualifier = std::nullopt);
// "iam:PassRole" on the role, for Lambda.
Permission pass_role(const std::string& role_arn);
void add_request_tags(const std::map<std::string, std::string>& tags, Permission& permission);

// The configuration as all answers show it. `shows_update`: with LastUpdateStatus.
FunctionConfiguration configuration_shape(const Realm& realm, functions::FunctionView view,
                                          bool shows_update = true);
// "2026-01-02T03:04:05.678+0000"
std::string lambda_time(WallTime time);
std::string sha256_base64(const CodeRef& code);
Error not_implemented(std::string what);

// A page of sorted items: those behind `marker`, at most `max_items` (default 50).
template <typename T, typename KeyOf>
std::vector<T> page_of(std::vector<T> items, const std::optional<std::string>& marker,
                       const std::optional<std::int32_t>& max_items,
                       std::optional<std::string>& next, KeyOf key_of) {
  if (marker) {
    const auto first = std::find_if(items.begin(), items.end(),
                                    [&](const T& item) { return key_of(item) == *marker; });
    items.erase(items.begin(), first == items.end() ? items.begin() : first + 1);
  }
  const auto limit = static_cast<std::size_t>(max_items.value_or(50));
  if (items.size() > limit) {
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(limit), items.end());
    next = key_of(items.back());
  }
  return items;
}

}  // namespace trivet::api::lambda
