// SPDX-License-Identifier: Apache-2.0
#include "adapter/runtimes/runtimes.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapter/engine/files.h"
#include "base/file.h"

namespace trivet::runtimes {
namespace {

// What every root has: a C and C++ library, a shell and the usual small tools, certificates.
std::vector<std::string_view> with_base(std::vector<std::string_view> more) {
  std::vector<std::string_view> all = {
      "base-files", "libc6",     "libgcc-s1", "libstdc++6", "zlib1g",          "dash",
      "bash",       "coreutils", "grep",      "sed",        "ca-certificates", "tzdata"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string names_of_kinds() {
  std::string out;
  for (const Kind& kind : known_kinds()) {
    out += out.empty() ? "" : ", ";
    out += kind.name;
  }
  return out;
}

}  // namespace

const std::vector<Kind>& known_kinds() {
  static const std::vector<Kind> kKinds = {
      {"nodejs20.x", Family::kNode, "trixie", with_base({"nodejs"}), "/usr/bin/node"},
      {"provided.al2023", Family::kProvided, "trixie", with_base({"curl"}), ""},
      {"python3.11", Family::kPython, "bookworm", with_base({"python3.11", "python3-boto3"}),
       "/usr/bin/python3.11"},
      {"python3.13", Family::kPython, "trixie", with_base({"python3.13", "python3-boto3"}),
       "/usr/bin/python3.13"},
  };
  return kKinds;
}

const Kind* find_kind(std::string_view name) {
  const auto& kinds = known_kinds();
  const auto at =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return at == kinds.end() ? nullptr : &*at;
}

std::string runtimes_folder(const std::string& home) {
  return home + "/runtimes";
}

Result<std::vector<Runtime>> list(const std::string& home) {
  std::vector<Runtime> out;
  for (const Kind& kind : known_kinds()) {
    const std::string folder = fmt::format("{}/{}", runtimes_folder(home), kind.name);
    const Result<std::string> text = read_file(folder + "/manifest.json");
    if (!text && text.error().code == Errc::kDenied) {
      return text.error();
    }
    const Result<engine::Manifest> manifest =
        text ? engine::parse_manifest(*text) : Result<engine::Manifest>(text.error());
    if (manifest && manifest->engine == kind.name && engine::is_folder(folder + "/root")) {
      out.push_back({&kind, folder, *manifest});
    }
  }
  return out;
}

Result<Runtime> find(const std::string& home, std::string_view name) {
  if (find_kind(name) == nullptr) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("there is no runtime {}: there are {}", name, names_of_kinds()));
  }
  TRIVET_TRY(std::vector<Runtime> installed, list(home));
  for (Runtime& runtime : installed) {
    if (runtime.kind->name == name) {
      return std::move(runtime);
    }
  }
  return make_error(
      Errc::kUnavailable,
      fmt::format("the runtime {} is not installed: run `trivet runtime install {}`", name, name));
}

Status remove(const std::string& home, std::string_view name) {
  const std::string folder = fmt::format("{}/{}", runtimes_folder(home), name);
  if (find_kind(name) == nullptr || !engine::exists(folder)) {
    return make_error(Errc::kNotFound, fmt::format("no runtime {} is installed", name));
  }
  // One rename, so that no half of it is ever found.
  const std::string going = fmt::format("{}/.{}.gone", runtimes_folder(home), name);
  TRIVET_CHECK_OK(engine::remove_tree(going));
  TRIVET_CHECK_OK(engine::rename_path(folder, going));
  return engine::remove_tree(going);
}

}  // namespace trivet::runtimes
