// SPDX-License-Identifier: Apache-2.0
//
// The environment variables that a function sees. Source: "Using Lambda environment variables", and
// what functions recorded on AWS.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/function_runtime.h"

namespace trivet::runner {

// The keys of a role's session, in clear.
struct Keys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

struct Surroundings {
  std::string_view region;
  std::string_view log_stream;
  std::string_view api_url;    // AWS_ENDPOINT_URL; empty: none
  std::string_view ca_bundle;  // path inside, of the databases' authority; empty: none
  std::string_view runtime_api = "127.0.0.1:9001";
};

using Variables = std::vector<std::pair<std::string, std::string>>;

// The user's own are among them; none of theirs replaces one of ours.
Variables variables_of(const FunctionImage& image, const Keys& keys,
                       const Surroundings& surroundings);

// "2026/01/02/[$LATEST]0123456789abcdef0123456789abcdef"; `day` is "2026-01-02…".
std::string log_stream_name(std::string_view day, std::string_view version, std::string_view hex);

}  // namespace trivet::runner
