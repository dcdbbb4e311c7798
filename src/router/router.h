// SPDX-License-Identifier: Apache-2.0
//
// The endpoints' doors: listens where the endpoint table says, connects each client to the backend
// that the table picks, and copies bytes. It never looks into them (TLS ends at mysqld) and never
// asks a server who it is: a connection follows the term (failover.md I14). With `steering` the
// kernel connects clients of a writer endpoint to the writer itself while there is one; the copier
// serves those who came while there was none, and readers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/routing/table.h"
#include "net/steering.h"

namespace trivet::router {

struct RouterOptions {
  std::size_t relay_threads = 0;  // 0: one for each core, at most 4
  // How long a new connection to a writer endpoint waits, unanswered, while there is no writer or
  // it does not accept yet. Longer than a failover takes, shorter than drivers' usual connect
  // timeouts allow.
  Millis writer_hold{10'000};
  // The same for a reader endpoint with no reader. 0: refused at once, so that a pool tries
  // elsewhere.
  Millis reader_hold{0};
  Millis connect_timeout{2'000};  // for one backend
  Millis retry_interval{50};  // until a backend that refused is tried again for a held connection
  Millis listen_retry_interval{1'000};
  std::size_t held_max = 4'096;  // more connections without a backend than this are refused
  // The path of a VPC's network namespace, by Address::network. Called on relay-0, where it must
  // not block. Without it nothing is listened on in VPCs.
  std::function<std::string(const std::string& network)> namespace_of;
  // Used on relay-0 only. Null: all connections are copied.
  std::shared_ptr<net::Steering> steering;
};

struct ListenerStats {
  routing::Listener listener;
  bool is_listening = false;
  bool is_steered = false;  // the kernel hands new connections to the writer
  std::string failure;      // why not: "listen on 127.0.0.1:3306: Address already in use (98)"
  std::size_t held = 0;     // connections that have no backend yet
};

struct BackendStats {
  routing::Address backend;
  std::size_t active = 0;   // connections now, those being made included
  std::uint64_t total = 0;  // connections ever made
};

// Connections that the kernel steers are in none of these but `dropped`: the router never sees
// them.
struct RouterStats {
  std::vector<ListenerStats> listeners;  // in the order of their addresses
  std::vector<BackendStats> backends;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // answered with an ERR packet
  std::uint64_t dropped = 0;  // cut because the table no longer allows them
};

// Thread-safe. Owns its threads relay-0, relay-1, …; relay-0 also accepts and decides. A session
// stays on one thread for life. None of the blocking calls may be made on a relay thread.
class Router {
 public:
  explicit Router(RouterOptions options = {});
  ~Router();  // stop()
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Puts `table` in force: drops what it no longer allows, then opens and closes listeners, then
  // connects those who wait. A cluster whose term is lower than the one in force keeps what is in
  // force. Returns when done. kUnavailable when an address cannot be listened on: it names each and
  // its cause; the rest of the table is in force all the same, and the address is tried again every
  // second.
  Status publish(std::shared_ptr<const routing::EndpointTable> table);
  // The same without waiting; `applied` runs on a relay thread and must not block. False once
  // stopped.
  bool publish(std::shared_ptr<const routing::EndpointTable> table,
               std::function<void(Status)> applied);

  // kUnavailable once stopped, kTimeout when the relay thread does not answer.
  Result<RouterStats> stats() const;

  // Closes all listeners and its connections and ends the threads. Steered connections stay: they
  // are between the client and mysqld.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trivet::router
