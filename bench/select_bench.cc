// SPDX-License-Identifier: Apache-2.0
//
// Point selects a second through an endpoint and directly, in turns, over connections that stay
// open; every answer is checked.
//
//   select_bench --endpoint A --direct A [--port 3306] --ca FILE --select-user U
//   --select-secret-file F
//                --rows N [--threads 16] [--rounds 10] [--slice-ms 1000] [--watch PID,PID]
//
// The table is bench.points (id INT PRIMARY KEY, v CHAR(120)), v being id with zeros before it.
#include <csignal>
#include <random>

#include "bench/arguments.h"
#include "bench/rounds.h"

namespace trivet::bench {
namespace {

constexpr std::size_t kValueBytes = 120;

// One connection with its own row numbers.
struct Session {
  MysqlClient client;
  std::minstd_rand random;
};

void select_one(Session& session, int rows) {
  const std::string id = std::to_string(1 + session.random() % static_cast<unsigned>(rows));
  const auto value = must(session.client.value_of("SELECT v FROM bench.points WHERE id = " + id));
  if (!value || *value != std::string(kValueBytes - id.size(), '0') + id) {
    fail("the row " + id + " is " + value.value_or("not there"));
  }
}

void run(const Arguments& arguments) {
  const TlsContext tls = must(TlsContext::create(arguments.text("ca")));
  const Account account = arguments.account("select");
  const std::array<ServerAddress, 2> servers = {arguments.server("endpoint"),
                                                arguments.server("direct")};
  const int rows = arguments.number("rows", 10'000);

  RoundsOptions options;
  options.names = {"endpoint", "direct"};
  options.threads = arguments.number("threads", 16);
  options.rounds = arguments.number("rounds", 10);
  options.slice_ms = arguments.number("slice-ms", 1'000);
  options.watched = process_ids(arguments.text("watch", ""));

  std::array<std::vector<Session>, 2> sessions;
  for (std::size_t which = 0; which < servers.size(); ++which) {
    for (int i = 0; i < options.threads; ++i) {
      sessions[which].push_back({must(MysqlClient::connect(tls, servers[which], account)),
                                 std::minstd_rand(static_cast<unsigned>(i) + 1)});
    }
  }
  run_rounds(options, [&](int which, int thread) {
    select_one(sessions[static_cast<std::size_t>(which)][static_cast<std::size_t>(thread)], rows);
  });
  for (auto& side : sessions) {
    for (Session& session : side) {
      session.client.quit();
    }
  }
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  trivet::bench::run(trivet::bench::Arguments(argc, argv));
}
