// SPDX-License-Identifier: Apache-2.0
#include "api/json_answer.h"

namespace trivet::api {

void set_status(JsonAnswer& answer, const std::optional<std::int32_t>& status) {
  answer.status = status.value_or(answer.status);
}

void set_header(JsonAnswer& answer, std::string_view name,
                const std::optional<std::string>& value) {
  if (value) {
    answer.headers.emplace_back(name, *value);
  }
}

void set_payload(JsonAnswer& answer, const std::optional<std::string>& payload) {
  answer.body = payload.value_or("");
}

}  // namespace trivet::api
