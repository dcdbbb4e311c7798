// SPDX-License-Identifier: Apache-2.0
#include "adapter/netns/uplinks.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "adapter/netns/tool.h"
#include "base/file.h"

namespace trivet::netns {
namespace {

constexpr int kLinksMax = 64;  // of four addresses each
constexpr const char* kForwarding = "/proc/sys/net/ipv4/ip_forward";
// Says that an installation turned forwarding on. Gone with a reboot, as the switch is.
constexpr const char* kMarkFolder = "/run/trivet";
constexpr const char* kMark = "/run/trivet/forwarding-was-off";

// 169.254.169.0/24 and .170.0/24 hold addresses that every cloud's tools know: the installations
// which would get them have those that nobody uses.
int octet_of(const std::string& address_prefix) {
  const std::size_t dot = address_prefix.rfind('.');
  const int number =
      dot == std::string::npos ? 0 : std::atoi(address_prefix.c_str() + dot + 1) & 255;
  return number == 169 || number == 171 ? 0 : number == 170 ? 255 : number;
}

std::string address(int octet, int number, int host) {
  return "169.254." + std::to_string(octet) + "." + std::to_string(4 * number + host);
}

bool is_forwarding() {
  const auto text = read_file(kForwarding);
  return text && text->starts_with("1");
}

Status write_switch(const char* value) {
  const int fd = ::open(kForwarding, O_WRONLY | O_CLOEXEC);
  const bool is_written = fd >= 0 && ::write(fd, value, 1) == 1;
  const int failure = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  return is_written ? ok()
                    : Status(make_error(Errc::kUnavailable,
                                        errno_message(std::string("set ") + kForwarding, failure)));
}

// Interfaces of the host whose names begin so.
std::vector<std::string> interfaces(const std::string& prefix) {
  std::vector<std::string> names;
  DIR* const folder = ::opendir("/sys/class/net");
  if (folder == nullptr) {
    return names;
  }
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.starts_with(prefix)) {
      names.push_back(name);
    }
  }
  ::closedir(folder);
  return names;
}

}  // namespace

Uplinks::Uplinks(std::string prefix, const std::string& address_prefix)
    : prefix_(std::move(prefix)), octet_(octet_of(address_prefix)) {}

std::string Uplinks::interface_name(int number) const {
  return prefix_ + "u" + std::to_string(number);
}

Status Uplinks::add(const std::string& network, const std::string& path) {
  if (numbers_.contains(network)) {
    return ok();
  }
  int number = 0;
  while (std::any_of(numbers_.begin(), numbers_.end(),
                     [&](const auto& entry) { return entry.second == number; })) {
    ++number;
  }
  if (number >= kLinksMax) {
    return make_error(Errc::kUnavailable, "more than 64 VPCs have a way out");
  }
  const std::string here = interface_name(number);
  const std::string space = path.substr(path.rfind('/') + 1);
  numbers_[network] = number;
  TRIVET_CHECK_OK(begin_forwarding());
  TRIVET_CHECK_OK(write_rules());
  TRIVET_CHECK_OK(run_ip("link add " + here + " type veth peer name up0 netns " + space +
                         "\naddr add " + address(octet_, number, 1) + "/30 dev " + here +
                         "\nlink set " + here + " up\n"));
  // Another installation that just took down its last way out may have turned it off.
  TRIVET_CHECK_OK(begin_forwarding());
  return run_inside(path, [&] {
    return run_ip("addr add " + address(octet_, number, 2) + "/30 dev up0\nlink set up0 up\n" +
                  "route add default via " + address(octet_, number, 1) + " dev up0\n");
  });
}

Status Uplinks::remove(const std::string& network) {
  const auto it = numbers_.find(network);
  if (it == numbers_.end()) {
    return ok();
  }
  const std::string here = interface_name(it->second);
  numbers_.erase(it);
  const bool is_there = ::access(("/sys/class/net/" + here).c_str(), F_OK) == 0;
  TRIVET_CHECK_OK(is_there ? run_ip("link del " + here + "\n") : ok());
  TRIVET_CHECK_OK(write_rules());
  return numbers_.empty() ? end_forwarding() : ok();
}

Status Uplinks::clear(bool with_rules) {
  numbers_.clear();
  std::string lines;
  for (const std::string& name : interfaces(prefix_ + "u")) {
    lines += "link del " + name + "\n";
  }
  TRIVET_CHECK_OK(lines.empty() ? ok() : run_ip(lines));
  if (with_rules) {
    access_ = {};
    TRIVET_CHECK_OK(write_rules());
  }
  return end_forwarding();
}

Status Uplinks::set_access(const network::HostAccess& access) {
  if (has_written_ && access == access_) {
    return ok();
  }
  access_ = access;
  return write_rules();
}

Status Uplinks::write_rules() {
  const network::HostNames names{
      .table = prefix_, .uplinks = prefix_ + "u", .link_net = address(octet_, 0, 0) + "/24"};
  const network::HostOptions options{.has_uplinks = !numbers_.empty(),
                                     .was_forwarding = was_forwarding_};
  has_written_ = true;
  return run_nft(network::host_rules(names, options, access_));
}

Status Uplinks::begin_forwarding() {
  const bool is_on = is_forwarding();
  const bool is_ours = ::access(kMark, F_OK) == 0;
  was_forwarding_ = is_on && !is_ours;
  if (is_on) {
    return ok();
  }
  TRIVET_CHECK_OK(make_folders(kMarkFolder, 0755));
  TRIVET_CHECK_OK(write_file_atomically(kMark, "Trivet turned net.ipv4.ip_forward on\n", 0644));
  // The rule that keeps everything else from being forwarded is there before anything is.
  was_forwarding_ = false;
  TRIVET_CHECK_OK(write_rules());
  return write_switch("1");
}

Status Uplinks::end_forwarding() {
  // Another installation's ends of VPCs may still need it; that one turns it off.
  if (::access(kMark, F_OK) != 0 || !interfaces("tv").empty()) {
    return ok();
  }
  TRIVET_CHECK_OK(write_switch("0"));
  ::unlink(kMark);
  was_forwarding_ = true;
  return ok();
}

}  // namespace trivet::netns
