// SPDX-License-Identifier: Apache-2.0
#include "runner/variables.h"

#include <algorithm>

namespace trivet::runner {

Variables variables_of(const FunctionImage& image, const Keys& keys,
                       const Surroundings& surroundings) {
  const bool is_python = image.runtime.rfind("python", 0) == 0;
  const bool is_node = image.runtime.rfind("nodejs", 0) == 0;
  Variables out = {
      {"AWS_ACCESS_KEY_ID", keys.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", keys.secret_access_key},
      {"AWS_SESSION_TOKEN", keys.session_token},
      {"AWS_REGION", std::string(surroundings.region)},
      {"AWS_DEFAULT_REGION", std::string(surroundings.region)},
      {"AWS_EXECUTION_ENV", "AWS_Lambda_" + image.runtime},
      {"AWS_LAMBDA_FUNCTION_NAME", image.name},
      {"AWS_LAMBDA_FUNCTION_VERSION", image.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(image.memory_mb)},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_LOG_GROUP_NAME", image.log_group},
      {"AWS_LAMBDA_LOG_STREAM_NAME", std::string(surroundings.log_stream)},
      {"AWS_LAMBDA_RUNTIME_API", std::string(surroundings.runtime_api)},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"LAMBDA_TASK_ROOT", "/var/task"},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
      {"LANG", "en_US.UTF-8"},
      {"LC_CTYPE", "C.UTF-8"},
      {"LD_LIBRARY_PATH",
       "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:"
       "/opt/lib"},
      {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
      {"PWD", "/var/task"},
      {"SHLVL", "0"},
      {"TZ", ":UTC"},
      {"_HANDLER", image.handler},
  };
  if (is_python) {
    out.emplace_back("PYTHONPATH", "/var/runtime");
  }
  if (is_node) {
    out.emplace_back("NODE_PATH",
                     "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:"
                     "/var/runtime/node_modules:/var/runtime:/var/task");
  }
  if (!surroundings.api_url.empty()) {
    out.emplace_back("AWS_ENDPOINT_URL", surroundings.api_url);
  }
  if (!surroundings.ca_bundle.empty()) {
    out.emplace_back("TRIVET_CA_BUNDLE", surroundings.ca_bundle);
  }
  // Users may set PATH and the like, but not whom the function is.
  for (const auto& [name, value] : image.environment) {
    const auto at =
        std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == name; });
    if (at == out.end()) {
      out.emplace_back(name, value);
    } else if (name.rfind("AWS_", 0) != 0 && name.rfind("LAMBDA_", 0) != 0 && name != "_HANDLER") {
      at->second = value;
    } else if (name == "AWS_ENDPOINT_URL") {
      at->second = value;
    }
  }
  return out;
}

std::string log_stream_name(std::string_view day, std::string_view version, std::string_view hex) {
  std::string out(day.substr(0, 10));
  std::replace(out.begin(), out.end(), '-', '/');
  return out + "/[" + std::string(version) + "]" + std::string(hex);
}

}  // namespace trivet::runner
