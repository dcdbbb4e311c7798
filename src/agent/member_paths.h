// SPDX-License-Identifier: Apache-2.0
//
// Where a member's files are. Sockets have a folder of their own with a short path: a unix socket's
// name holds 107 characters.
#pragma once

#include <string>

#include "model/cluster.h"

namespace trivet::agent {

struct MemberPaths {
  MemberPaths(const std::string& home, const Cluster& cluster, const Member& member)
      : cluster_folder(home + "/clusters/" + cluster.resource_id.str()),
        folder(cluster_folder + "/" + member.id.str()),
        run_folder(home + "/run/" + std::to_string(member.server_id)) {}

  std::string cluster_folder;
  std::string folder;
  std::string run_folder;

  std::string data() const { return folder + "/data"; }
  std::string tmp() const { return folder + "/tmp"; }
  std::string lost_and_found() const { return folder + "/lost+found"; }
  std::string my_cnf() const { return folder + "/my.cnf"; }
  std::string ca() const { return folder + "/ca.pem"; }
  std::string certificate() const { return folder + "/server-cert.pem"; }
  std::string key() const { return folder + "/server-key.pem"; }
  std::string error_log() const { return folder + "/error.log"; }
  std::string old_error_log() const { return error_log() + ".1"; }
  std::string output() const { return folder + "/mysqld.out"; }
  std::string guard_log() const { return folder + "/guard.log"; }
  std::string promise() const { return folder + "/promise.json"; }
  std::string rewind() const { return folder + "/rewind.json"; }
  std::string unfinished_clone() const { return folder + "/unfinished-clone"; }
  std::string mysqld_socket() const { return run_folder + "/mysqld.sock"; }
  std::string auth_socket() const { return run_folder + "/auth.sock"; }
  std::string guard_socket() const { return run_folder + "/guard.sock"; }
  std::string guard_pid() const { return run_folder + "/guard.pid"; }
  std::string mysqld_pid() const { return run_folder + "/mysqld.pid"; }
};

}  // namespace trivet::agent
