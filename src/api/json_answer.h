// SPDX-License-Identifier: Apache-2.0
//
// What an action of a JSON service answers: the parts of a response before it gets its request id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_types.h"

namespace trivet::api {

struct JsonAnswer {
  int status = 200;
  net::Headers headers;
  std::string body;  // JSON, or what the action returns as it is (Invoke); may be empty
};

// The functions that generated code calls; what is not set leaves the answer alone.
void set_status(JsonAnswer& answer, const std::optional<std::int32_t>& status);
void set_header(JsonAnswer& answer, std::string_view name, const std::optional<std::string>& value);
void set_payload(JsonAnswer& answer, const std::optional<std::string>& payload);

}  // namespace trivet::api
