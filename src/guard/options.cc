// SPDX-License-Identifier: Apache-2.0
#include "guard/options.h"

#include <sys/un.h>

#include <charconv>
#include <map>
#include <string_view>

namespace trivet::guard {
namespace {

Error wrong(std::string message) {
  return make_error(Errc::kInvalidArgument, std::move(message));
}

template <typename T>
bool parse_number(std::string_view text, T& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end && !text.empty();
}

Status set_option(Options& options, std::string_view name, const std::string& value) {
  const std::map<std::string_view, std::string*> texts = {{"--socket", &options.socket},
                                                          {"--pid-file", &options.pid_file},
                                                          {"--log", &options.log},
                                                          {"--output", &options.output}};
  if (const auto text = texts.find(name); text != texts.end()) {
    if (value.empty() || value[0] != '/') {
      return wrong(std::string(name) + " needs an absolute path");
    }
    *text->second = value;
    return ok();
  }
  bool good = true;
  if (name == "--uid") {
    good = parse_number(value, options.uid.emplace());
  } else if (name == "--gid") {
    good = parse_number(value, options.gid.emplace());
  } else if (name == "--generation") {
    good = parse_number(value, options.generation);
  } else if (name == "--permit-ms") {
    good = parse_number(value, options.permit_ms) && options.permit_ms >= -1;
  } else if (name == "--env") {
    good = value.find('=') != std::string::npos && value[0] != '=';
    options.environment.push_back(value);
  } else {
    return wrong("unknown option " + std::string(name));
  }
  if (!good) {
    return wrong(std::string(name) + " cannot be '" + value + "'");
  }
  return ok();
}

Status check(const Options& options) {
  if (options.socket.empty() || options.pid_file.empty() || options.log.empty()) {
    return wrong("--socket, --pid-file and --log are needed");
  }
  if (options.socket.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong("--socket is longer than a unix socket's path can be");
  }
  if (options.uid.has_value() != options.gid.has_value()) {
    return wrong("--uid and --gid go together");
  }
  if (options.command.empty() || options.command[0].empty() || options.command[0][0] != '/') {
    return wrong("an absolute path of a program is needed after --");
  }
  return ok();
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::size_t i = 0;
  while (i < arguments.size() && arguments[i] != "--") {
    if (i + 1 >= arguments.size() || arguments[i + 1] == "--") {
      return wrong(arguments[i] + " needs a value");
    }
    TRIVET_CHECK_OK(set_option(options, arguments[i], arguments[i + 1]));
    i += 2;
  }
  for (++i; i < arguments.size(); ++i) {
    options.command.push_back(arguments[i]);
  }
  if (options.output.empty()) {
    options.output = options.log;
  }
  TRIVET_CHECK_OK(check(options));
  return options;
}

}  // namespace trivet::guard
