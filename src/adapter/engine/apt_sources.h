// SPDX-License-Identifier: Apache-2.0
//
// Where this machine gets Debian from, read from its own apt configuration: the engine comes from
// the same mirror, through the same proxy, checked with the same keyring. Nothing here names a
// mirror. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trivet::engine {

// One file of apt's list of sources.
struct SourceFile {
  std::string path;  // ends in ".list" (one line a source) or ".sources" (stanzas)
  std::string text;
};

// The first binary source of Debian itself: a Debian release as suite (not its security archive,
// not a third party's "bookworm-x"), component main, and either signed by Debian's keyring or,
// where no key is named, a path that ends in /debian. One that names the keyring goes before one
// that does not. The URI without a slash at its end; nullopt when this machine has no such source.
std::optional<std::string> find_debian_mirror(const std::vector<SourceFile>& files);

// Of `apt-config dump`, the lines on how to fetch (Acquire: proxies, time-outs, certificates),
// without those that choose what to fetch or weaken the check of signatures. A configuration text
// again.
std::string fetch_settings(std::string_view apt_config_dump);

// One line of `apt-get --print-uris`.
struct OfferedPackage {
  std::string uri;
  std::string file;  // as apt names it in its cache
  std::string name;
  std::string version;
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hex; empty when apt gave another digest
};
// Lines of another form are left out.
std::vector<OfferedPackage> parse_offer(std::string_view print_uris_output);

// "mysql-server-core_9.7.4-2_amd64.deb" → name and version; nullopt for another form. "%3a" is a
// colon.
struct PackageFile {
  std::string name;
  std::string version;
};
std::optional<PackageFile> parse_package_file(std::string_view file);

// "9.7.4-2" and "1:9.7.4+dfsg-2" → "9.7.4": the part before epoch, revision and suffix; empty when
// there is none.
std::string upstream_version(std::string_view package_version);
// "9.7.4" → "9.7".
std::string series_of(std::string_view version);

}  // namespace trivet::engine
