// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/apt_sources.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"

namespace trivet::engine {
namespace {

struct AptSource {
  std::vector<std::string> types;
  std::vector<std::string> uris;
  std::vector<std::string> suites;
  std::vector<std::string> components;
  std::string signed_by;
  bool enabled = true;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// "deb [signed-by=/x arch=amd64] URI suite component…"
std::optional<AptSource> parse_list_line(std::string_view line) {
  line = trimmed(line.substr(0, line.find('#')));
  AptSource source;
  if (const std::size_t open = line.find('['); open != std::string_view::npos) {
    const std::size_t close = line.find(']', open);
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    for (const std::string& option : words(line.substr(open + 1, close - open - 1))) {
      if (starts_with_ignoring_case(option, "signed-by=")) {
        source.signed_by = option.substr(10);
      }
    }
    const std::vector<std::string> rest = words(line.substr(close + 1));
    if (trimmed(line.substr(0, open)) != "deb" || rest.size() < 3) {
      return std::nullopt;
    }
    source.uris = {rest[0]};
    source.suites = {rest[1]};
    source.components.assign(rest.begin() + 2, rest.end());
  } else {
    const std::vector<std::string> all = words(line);
    if (all.size() < 4 || all[0] != "deb") {
      return std::nullopt;
    }
    source.uris = {all[1]};
    source.suites = {all[2]};
    source.components.assign(all.begin() + 3, all.end());
  }
  source.types = {"deb"};
  return source;
}

void set_field(AptSource& source, std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "Types")) {
    source.types = words(value);
  } else if (equals_ignoring_case(name, "URIs")) {
    source.uris = words(value);
  } else if (equals_ignoring_case(name, "Suites")) {
    source.suites = words(value);
  } else if (equals_ignoring_case(name, "Components")) {
    source.components = words(value);
  } else if (equals_ignoring_case(name, "Signed-By")) {
    source.signed_by = std::string(trimmed(value));
  } else if (equals_ignoring_case(name, "Enabled")) {
    const std::string_view v = trimmed(value);
    source.enabled = !(equals_ignoring_case(v, "no") || equals_ignoring_case(v, "false") ||
                       equals_ignoring_case(v, "off") || v == "0");
  }
}

std::vector<AptSource> parse_stanzas(std::string_view text) {
  std::vector<AptSource> out;
  AptSource current;
  std::string name;
  std::string value;
  const auto end_field = [&] {
    set_field(current, name, value);
    name.clear();
    value.clear();
  };
  const auto end_stanza = [&] {
    end_field();
    if (!current.uris.empty()) {
      out.push_back(current);
    }
    current = AptSource{};
  };
  for (const std::string_view line : lines(text)) {
    if (!line.empty() && line.front() == '#') {
      continue;
    }
    if (trimmed(line).empty()) {
      end_stanza();
    } else if (line.front() == ' ' || line.front() == '\t') {
      value += '\n';
      value += trimmed(line);
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      end_field();
      name = std::string(trimmed(line.substr(0, colon)));
      value = std::string(trimmed(line.substr(colon + 1)));
    }
  }
  end_stanza();
  return out;
}

bool is_debian_suite(std::string_view suite) {
  for (const std::string_view suffix : {"-updates", "-backports", "-proposed-updates"}) {
    if (ends_with(suite, suffix)) {
      suite.remove_suffix(suffix.size());
      break;
    }
  }
  static constexpr std::array<std::string_view, 13> kReleases = {
      "stable",   "oldstable", "oldoldstable", "testing", "unstable", "sid",         "buster",
      "bullseye", "bookworm",  "trixie",       "forky",   "duke",     "experimental"};
  return std::find(kReleases.begin(), kReleases.end(), suite) != kReleases.end();
}

bool is_debian_keyring(std::string_view signed_by) {
  return signed_by.find("debian-archive") != std::string_view::npos;
}

std::string without_slash(std::string uri) {
  while (!uri.empty() && uri.back() == '/') {
    uri.pop_back();
  }
  return uri;
}

}  // namespace

std::optional<std::string> find_debian_mirror(const std::vector<SourceFile>& files) {
  std::optional<std::string> by_path;
  for (const SourceFile& file : files) {
    std::vector<AptSource> sources;
    if (ends_with(file.path, ".sources")) {
      sources = parse_stanzas(file.text);
    } else {
      for (const std::string_view line : lines(file.text)) {
        if (auto source = parse_list_line(line)) {
          sources.push_back(std::move(*source));
        }
      }
    }
    for (const AptSource& source : sources) {
      const bool debian = std::any_of(source.suites.begin(), source.suites.end(), is_debian_suite);
      if (!source.enabled || !debian || !contains(source.types, "deb") ||
          !contains(source.components, "main")) {
        continue;
      }
      for (const std::string& raw : source.uris) {
        const std::string uri = without_slash(raw);
        if (uri.find(':') == std::string::npos || uri.rfind("cdrom:", 0) == 0 ||
            ends_with(uri, "debian-security")) {
          continue;
        }
        if (is_debian_keyring(source.signed_by)) {
          return uri;
        }
        if (!by_path && source.signed_by.empty() && ends_with(uri, "/debian")) {
          by_path = uri;
        }
      }
    }
  }
  return by_path;
}

std::string fetch_settings(std::string_view apt_config_dump) {
  std::string out;
  for (const std::string_view line : lines(apt_config_dump)) {
    if (!starts_with_ignoring_case(line, "Acquire::") || !ends_with(line, ";")) {
      continue;
    }
    const std::string_view rest = line.substr(9);
    bool kept = true;
    for (const std::string_view left_out : {"IndexTargets", "Languages", "Allow", "GzipIndexes",
                                            "CompressionTypes", "Changelogs", "By-Hash", "cdrom"}) {
      kept = kept && !starts_with_ignoring_case(rest, left_out);
    }
    if (kept) {
      out += line;
      out += '\n';
    }
  }
  return out;
}

std::optional<PackageFile> parse_package_file(std::string_view file) {
  if (const std::size_t slash = file.rfind('/'); slash != std::string_view::npos) {
    file.remove_prefix(slash + 1);
  }
  const std::size_t first = file.find('_');
  const std::size_t last = file.rfind('_');
  if (!ends_with(file, ".deb") || first == std::string_view::npos || first == 0 ||
      last <= first + 1) {
    return std::nullopt;
  }
  PackageFile out{std::string(file.substr(0, first)),
                  std::string(file.substr(first + 1, last - first - 1))};
  if (const std::size_t colon = out.version.find("%3a"); colon != std::string::npos) {
    out.version.replace(colon, 3, ":");
  }
  return out;
}

std::vector<OfferedPackage> parse_offer(std::string_view print_uris_output) {
  std::vector<OfferedPackage> out;
  for (const std::string_view line : lines(print_uris_output)) {
    const std::vector<std::string> parts = words(line);
    if (parts.size() < 3 || parts[0].size() < 3 || parts[0].front() != '\'' ||
        parts[0].back() != '\'') {
      continue;
    }
    const auto package = parse_package_file(parts[1]);
    OfferedPackage one;
    const char* const end = parts[2].data() + parts[2].size();
    const auto number = std::from_chars(parts[2].data(), end, one.bytes);
    if (!package || number.ec != std::errc() || number.ptr != end) {
      continue;
    }
    one.uri = parts[0].substr(1, parts[0].size() - 2);
    one.file = parts[1];
    one.name = package->name;
    one.version = package->version;
    if (parts.size() > 3 && parts[3].rfind("SHA256:", 0) == 0) {
      one.sha256 = to_lower(parts[3].substr(7));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string upstream_version(std::string_view package_version) {
  if (const std::size_t colon = package_version.find(':'); colon != std::string_view::npos) {
    package_version.remove_prefix(colon + 1);
  }
  const std::size_t end = package_version.find_first_not_of("0123456789.");
  std::string out(package_version.substr(0, std::min(end, package_version.size())));
  while (!out.empty() && out.back() == '.') {
    out.pop_back();
  }
  return out;
}

std::string series_of(std::string_view version) {
  const std::size_t first = version.find('.');
  if (first == std::string_view::npos) {
    return std::string(version);
  }
  return std::string(version.substr(0, version.find('.', first + 1)));
}

}  // namespace trivet::engine
