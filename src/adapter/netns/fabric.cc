// SPDX-License-Identifier: Apache-2.0
#include "adapter/netns/fabric.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "adapter/netns/tool.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"

namespace trivet::netns {
namespace {

constexpr const char* kFolder = "/run/netns/";
// A bridge takes the lowest address of its ports, which come and go: this one stays.
constexpr const char* kBridgeMac = "0e:00:00:00:00:01";

std::string prefix_of(const std::string& installation_id) {
  return "tv" + to_hex(sha256(installation_id)).substr(0, 6);
}

std::vector<std::string> names_in(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> names;
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) {
    return names;
  }
  while (const dirent* entry = ::readdir(open)) {
    const std::string name = entry->d_name;
    if (name.starts_with(prefix)) {
      names.push_back(name);
    }
  }
  ::closedir(open);
  return names;
}

// A switch under /proc/sys/net of the calling thread's namespace.
Status set_switch(const std::string& name, const std::string& value) {
  const std::string path = "/proc/sys/net/" + name;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool is_written =
      fd >= 0 && ::write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  const int failure = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  return is_written ? ok()
                    : Status(make_error(Errc::kUnavailable, errno_message("set " + path, failure)));
}

// A kernel without IPv6 has nothing to turn off.
Status forget_ipv6() {
  if (::access("/proc/sys/net/ipv6", F_OK) != 0) {
    return ok();
  }
  TRIVET_CHECK_OK(set_switch("ipv6/conf/all/disable_ipv6", "1"));
  return set_switch("ipv6/conf/default/disable_ipv6", "1");
}

std::uint64_t inode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

// Lines that take away what is in `from` and not in `than`, or add it.
std::string address_lines(const char* verb, const std::vector<std::string>& from,
                          const std::vector<std::string>& than) {
  std::string lines;
  for (const std::string& address : from) {
    if (std::find(than.begin(), than.end(), address) == than.end()) {
      lines += std::string("addr ") + verb + " " + address + " dev br0\n";
    }
  }
  return lines;
}

Status not_here(const std::string& why) {
  return make_error(Errc::kUnavailable, "networks are not enforced: " + why);
}

}  // namespace

NetnsFabric::NetnsFabric(const FabricOptions& options)
    : prefix_(prefix_of(options.installation_id)),
      uplinks_(prefix_, options.address_prefix),
      why_not_(try_out()) {}

// Everything that is needed later, in a namespace that is thrown away.
std::string NetnsFabric::try_out() {
  if (::geteuid() != 0) {
    return "trivetd does not run as root";
  }
  const std::string name = prefix_ + "-trial";
  static_cast<void>(run_ip("netns del " + name + "\n"));
  Status tried = run_ip("netns add " + name + "\n");
  if (tried) {
    tried = run_inside(kFolder + name, [&]() -> Status {
      TRIVET_CHECK_OK(
          run_ip("link add br0 type bridge\nlink add e0 type veth peer name e1\n"
                 "link set e0 master br0\nlink set e0 type bridge_slave isolated on\n"));
      TRIVET_CHECK_OK(set_switch("ipv4/ip_forward", "1"));
      return run_nft(network::make_plan({}, {}).rules);
    });
    static_cast<void>(run_ip("netns del " + name + "\n"));
  }
  if (tried) {
    return "";
  }
  if (tried.error().code == Errc::kNotFound) {
    return tried.error().message + " (Debian's packages iproute2 and nftables)";
  }
  return tried.error().message;
}

Status NetnsFabric::clear(bool with_host_rules) {
  if (!why_not_.empty()) {
    return not_here(why_not_);
  }
  Status first = uplinks_.clear(with_host_rules);
  std::string lines;
  for (const std::string& name : names_in(kFolder, prefix_ + "-")) {
    lines += "netns del " + name + "\n";
  }
  made_.clear();
  const Status removed = lines.empty() ? ok() : run_ip(lines);
  return first ? removed : first;
}

std::string NetnsFabric::namespace_path(const std::string& network) const {
  return kFolder + prefix_ + "-" + network;
}

std::string NetnsFabric::environment_namespace(const std::string& name) const {
  return prefix_ + "-" + name;
}

bool NetnsFabric::is_there(const std::string& network) const {
  const auto it = made_.find(network);
  return it != made_.end() && inode_of(namespace_path(network)) == it->second.inode;
}

Status NetnsFabric::apply(const std::string& network, const network::Plan& plan) {
  if (!why_not_.empty()) {
    return not_here(why_not_);
  }
  if (!is_there(network)) {
    TRIVET_CHECK_OK(remove(network));
    TRIVET_CHECK_OK(make(network));
  }
  Made& made = made_.at(network);
  if (made.plan == plan) {
    return ok();
  }
  const Status changed = change(network, made.plan, plan);
  if (!changed) {
    // What was reached is not known: it is made anew the next time.
    made.inode = 0;
    return changed;
  }
  made.plan = plan;
  return ok();
}

Status NetnsFabric::make(const std::string& network) {
  const std::string path = namespace_path(network);
  TRIVET_CHECK_OK(run_ip("netns add " + prefix_ + "-" + network + "\n"));
  const auto furnish = []() -> Status {
    // Nothing passes before the first rules; what has no way out is lost without a word, as on AWS.
    TRIVET_CHECK_OK(run_nft(network::make_plan({}, {}).rules));
    TRIVET_CHECK_OK(forget_ipv6());
    for (const char* name : {"ipv4/conf/all/send_redirects", "ipv4/conf/default/send_redirects"}) {
      TRIVET_CHECK_OK(set_switch(name, "0"));
    }
    TRIVET_CHECK_OK(run_ip(std::string("link set lo up\nlink add br0 address ") + kBridgeMac +
                           " type bridge\nlink set br0 up\n"
                           "route add blackhole default metric 4000\n"));
    return set_switch("ipv4/ip_forward", "1");
  };
  TRIVET_CHECK_OK(run_inside(path, furnish));
  made_[network] = Made{.plan = {}, .inode = inode_of(path)};
  return ok();
}

Status NetnsFabric::change(const std::string& network, const network::Plan& now,
                           const network::Plan& next) {
  const std::string path = namespace_path(network);
  // The rules first: an address that is new is never reached without them.
  const auto inside = [&]() -> Status {
    if (now.rules != next.rules) {
      TRIVET_CHECK_OK(run_nft(next.rules));
    }
    const std::string lines = address_lines("del", now.addresses, next.addresses) +
                              address_lines("add", next.addresses, now.addresses);
    return lines.empty() ? ok() : run_ip(lines);
  };
  TRIVET_CHECK_OK(run_inside(path, inside));
  return next.has_way_out ? uplinks_.add(network, path) : uplinks_.remove(network);
}

Status NetnsFabric::remove(const std::string& network) {
  made_.erase(network);
  TRIVET_CHECK_OK(uplinks_.remove(network));
  const std::string name = prefix_ + "-" + network;
  return ::access((kFolder + name).c_str(), F_OK) == 0 ? run_ip("netns del " + name + "\n") : ok();
}

Result<std::string> NetnsFabric::add_environment(const std::string& network,
                                                 const EnvironmentWish& wish) {
  const std::string name = environment_namespace(wish.name);
  const std::string path = kFolder + name;
  const auto make_all = [&]() -> Status {
    TRIVET_CHECK_OK(run_inside(namespace_path(network), [&] {
      const bool is_made = ::access(path.c_str(), F_OK) == 0;
      return run_ip((is_made ? "" : "netns add " + name + "\n") + "link add " + wish.name +
                    " type veth peer name eth0 netns " + name + "\nlink set " + wish.name +
                    " master br0\nlink set " + wish.name + " type bridge_slave isolated on\n" +
                    "link set " + wish.name + " up\n");
    }));
    return run_inside(path, [&]() -> Status {
      TRIVET_CHECK_OK(forget_ipv6());
      return run_ip("link set lo up\naddr add " + wish.address + "/32 dev eth0\n" +
                    "link set eth0 up\nroute add default via " + wish.router +
                    " dev eth0 onlink\n");
    });
  };
  const Status made = make_all();
  if (!made) {
    static_cast<void>(remove_environment(network, wish.name));
    return made.error();
  }
  return path;
}

Status NetnsFabric::remove_environment(const std::string& network, const std::string& name) {
  const std::string path = namespace_path(network);
  // A namespace lives on while somebody is in it: the cable is cut first.
  if (::access(path.c_str(), F_OK) == 0) {
    static_cast<void>(run_inside(path, [&] { return run_ip("link del " + name + "\n"); }));
  }
  const std::string environment = environment_namespace(name);
  return ::access((kFolder + environment).c_str(), F_OK) == 0
             ? run_ip("netns del " + environment + "\n")
             : ok();
}

Status NetnsFabric::apply_host(const network::HostAccess& access) {
  return why_not_.empty() ? uplinks_.set_access(access) : not_here(why_not_);
}

}  // namespace trivet::netns
