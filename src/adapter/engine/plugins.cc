// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/plugins.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "adapter/engine/files.h"
#include "adapter/engine/unpack.h"
#include "base/bytes.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

// Harmless extras that a member's users may ask for.
constexpr std::string_view kExtraPlugins[] = {
    "component_validate_password.so",  "component_query_attributes.so",
    "component_reference_cache.so",    "component_log_sink_json.so",
    "component_connection_control.so", "mysql_no_login.so"};

bool same_file(const std::string& a, const std::string& b) {
  struct stat one{};
  struct stat other{};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool same_content(const std::string& a, const std::string& b) {
  const Result<std::string> one = read_file(a);
  const Result<std::string> other = read_file(b);
  return one && other && *one == *other;
}

// A copy or a link, in place of whatever was there.
Status put(const std::string& from, const std::string& to, bool may_link) {
  if ((may_link && same_file(from, to)) || same_content(from, to)) {
    return ok();
  }
  const std::string beside = fmt::format("{}.new.{}", to, ::getpid());
  ::unlink(beside.c_str());
  if (!may_link || ::link(from.c_str(), beside.c_str()) != 0) {
    TRIVET_TRY(const std::string content, read_file(from));
    TRIVET_CHECK_OK(write_file_atomically(beside, content, 0644));
    if (::chmod(beside.c_str(), 0644) != 0) {
      return make_error(Errc::kInternal, errno_message(fmt::format("chmod {}", beside), errno));
    }
  }
  return rename_path(beside, to);
}

}  // namespace

Result<std::string> prepare_plugin_dir(const Engine& engine, const std::string& our_plugin) {
  const std::string folder = engine.plugins_folder();
  TRIVET_CHECK_OK(make_folders_exactly(folder, 0755));
  std::vector<std::string> wanted;
  for (const std::string_view name : kNeededPlugins) {
    wanted.emplace_back(name);
  }
  for (const std::string_view name : kExtraPlugins) {
    if (is_file(fmt::format("{}/{}", engine.layout.plugin_dir, name))) {
      wanted.emplace_back(name);
    }
  }
  for (const std::string& name : wanted) {
    TRIVET_CHECK_OK(put(engine.layout.plugin_dir + "/" + name, folder + "/" + name, true));
  }
  if (!is_file(our_plugin)) {
    return make_error(
        Errc::kNotFound,
        fmt::format("{} is not there: it is built and installed with trivetd", our_plugin));
  }
  // Never a link: a build writes into the file that a running server has mapped.
  wanted.push_back(fmt::format("{}.so", kAuthenticationPlugin));
  TRIVET_CHECK_OK(put(our_plugin, folder + "/" + wanted.back(), false));
  for (const std::string& name : names_in(folder)) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) {
      TRIVET_CHECK_OK(remove_tree(folder + "/" + name));
    }
  }
  return folder;
}

std::vector<std::string> plugin_settings() {
  std::vector<std::string> out;
  for (const std::string_view name : kNeededPlugins) {
    out.push_back(fmt::format("plugin-load-add={}", name));
  }
  out.push_back(fmt::format("plugin-load-add={}.so", kAuthenticationPlugin));
  for (const std::string_view name :
       {std::string_view("auth_socket"), std::string_view("rpl_semi_sync_source"),
        std::string_view("rpl_semi_sync_replica"), std::string_view("clone"),
        kAuthenticationPlugin}) {
    // mysqld makes an option of a plugin's name in lower case, and knows it in no other.
    out.push_back(fmt::format("{}=FORCE_PLUS_PERMANENT", to_lower(name)));
  }
  return out;
}

}  // namespace trivet::engine
