// SPDX-License-Identifier: Apache-2.0
#include "sandbox/options.h"

#include <charconv>
#include <functional>
#include <map>

namespace trivet::sandbox {
namespace {

using Setter = std::function<bool(const std::string&)>;

template <typename Number>
Setter number(Number& out) {
  return [&out](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    return read.ec == std::errc() && read.ptr == end;
  };
}

Setter path(std::string& out) {
  return [&out](const std::string& text) {
    out = text;
    return !text.empty() && text.front() == '/';
  };
}

Setter paths(std::vector<std::string>& out) {
  return [&out](const std::string& text) {
    out.push_back(text);
    return !text.empty() && text.front() == '/';
  };
}

Error wrong(const std::string& what) {
  return make_error(Errc::kInvalidArgument, "trivet-sandbox: " + what);
}

Status check(const Options& options) {
  if (options.parent <= 0 || options.bubblewrap.empty() || options.command.empty()) {
    return wrong("--parent, --bubblewrap and a command are needed");
  }
  if ((options.layers.size() < 2) != options.layers_at.empty()) {
    return wrong("--layers-at goes with two or more --layer");
  }
  if (options.tmp_image.empty() != options.tmp_at.empty()) {
    return wrong("--tmp-at goes with --tmp-image");
  }
  if (!options.uid && (!options.netns.empty() || !options.tmp_image.empty())) {
    return wrong("--netns and --tmp-image need root, and --uid");
  }
  if (options.uid && *options.uid == 0) {
    return wrong("--uid cannot be root");
  }
  return ok();
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::uint32_t uid = 0;
  bool has_uid = false;
  const std::map<std::string, Setter> setters = {
      {"--parent", number(options.parent)},
      {"--bubblewrap", path(options.bubblewrap)},
      {"--cgroup", paths(options.cgroups)},
      {"--netns", path(options.netns)},
      {"--uid",
       [&](const std::string& text) {
         has_uid = true;
         return number(uid)(text);
       }},
      {"--layer", paths(options.layers)},
      {"--layers-at", path(options.layers_at)},
      {"--tmp-image", path(options.tmp_image)},
      {"--tmp-at", path(options.tmp_at)},
      {"--port", number(options.port)},
      {"--data-bytes", number(options.data_bytes)},
      {"--processes", number(options.processes)},
  };
  std::size_t at = 0;
  for (; at < arguments.size() && arguments[at] != "--"; at += 2) {
    const auto setter = setters.find(arguments[at]);
    if (setter == setters.end() || at + 1 == arguments.size() ||
        !setter->second(arguments[at + 1])) {
      return wrong("wrong usage at \"" + arguments[at] + "\"");
    }
  }
  if (at < arguments.size()) {
    options.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                           arguments.end());
  }
  if (has_uid) {
    options.uid = uid;
  }
  TRIVET_CHECK_OK(check(options));
  return options;
}

}  // namespace trivet::sandbox
