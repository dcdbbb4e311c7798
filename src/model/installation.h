// SPDX-License-Identifier: Apache-2.0
//
// An installation: what `trivet init` fixed for a home, and where things are in it.
// <home>/config.json; no secret is in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"

namespace trivet {

// Whether endpoint names go into /etc/hosts.
enum class HostsFileUse { kAuto, kYes, kNo };
std::string_view to_string(HostsFileUse use);  // "auto", "yes", "no"

// The users that environments of functions run as, one each; nobody else may have them.
struct UidRange {
  std::uint32_t first = 1'900'000'000;
  std::uint32_t count = 4'096;
};

struct Installation {
  std::string id;  // a UUID; names our block in /etc/hosts
  Realm realm;
  std::string endpoint_domain = "rds.trivet.internal";
  std::string endpoint_hash;  // 12 lower-case alphanumerics, the same in every endpoint's name
  std::string api_host = "127.0.0.1";  // loopback only: the API is plain HTTP
  std::uint16_t api_port = 4566;
  std::string address_prefix = "127.30";  // endpoints get addresses of this /16
  HostsFileUse hosts_file = HostsFileUse::kAuto;

  UidRange function_uids;
  std::uint32_t function_environments_max = 200;  // at once, busy or not

  std::string endpoint_url() const;  // "http://127.0.0.1:4566"
};

std::string encode(const Installation& installation);
// kCorrupt; kConflict when a newer Trivet wrote it, with both versions in the message.
Result<Installation> decode_installation(std::string_view text);

// Paths below a home.
struct HomePaths {
  std::string home;
  std::string config() const { return home + "/config.json"; }
  std::string sealing_key() const { return home + "/sealing.key"; }  // 0600, 32 bytes
  // Only while it replaces the other; what is sealed may be under either.
  std::string next_sealing_key() const { return home + "/sealing.key.next"; }
  std::string authority_key() const { return home + "/tls/ca-key.sealed"; }
  // Authorities of OIDC providers that the system does not know; need not be there.
  std::string oidc_authorities() const { return home + "/tls/oidc-ca.pem"; }
  std::string ca_bundle() const { return home + "/tls/ca-bundle.pem"; }  // what clients trust
  std::string store() const { return home + "/state/trivet.db"; }
  std::string sessions() const { return home + "/state/sessions.json"; }
  std::string functions() const { return home + "/functions"; }  // code and waiting events
  std::string logs() const { return home + "/log-groups"; }      // of CloudWatch Logs
  std::string run() const { return home + "/run"; }
  std::string lock() const { return home + "/run/trivetd.lock"; }
  std::string admin_socket() const { return home + "/run/trivetd.sock"; }
  std::string log() const { return home + "/log/trivetd.log"; }
  std::string audit_log() const { return home + "/log/audit.log"; }
  // A file for each cluster: CLUSTER.log.
  std::string auth_error_logs() const { return home + "/log/iam-db-auth-error"; }
};

// $TRIVET_HOME, else /var/lib/trivet as root, else ~/.local/share/trivet. The environment is the
// caller's to read: values in, path out.
std::string default_home(std::string_view trivet_home, bool is_root, std::string_view user_home);

}  // namespace trivet
