// SPDX-License-Identifier: Apache-2.0
//
// Logins a second with a token and with a password (caching_sha2_password, its fast path) on one
// member, in turns. A login is everything from connect() to the goodbye, with a full TLS handshake.
//
//   login_bench --address A [--port 3306] --ca FILE --token-user U --token-secret-file F
//               --password-user U --password-secret-file F [--threads 1] [--rounds 10]
//               [--slice-ms 1000] [--watch PID,PID] [--begin-clear 0]
//
// With --begin-clear 1 the token's client begins with the method of its account, as the password's
// does anyhow; with 0 as most clients do, with the server's default: the server then asks for the
// token, one more round trip.
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

#include "bench/arguments.h"
#include "bench/rounds.h"

namespace trivet::bench {
namespace {

// A member counts a connection for a moment after its client's goodbye: on busy processors it may
// refuse a few.
MysqlClient connect(const TlsContext& tls, const ServerAddress& server, const Account& account) {
  constexpr int kTriesMax = 1'000;
  constexpr std::string_view kTooManyConnections = "1040";
  for (int tried = 1;; ++tried) {
    Result<MysqlClient> client = MysqlClient::connect(tls, server, account);
    if (client || tried == kTriesMax || !client.error().message.starts_with(kTooManyConnections)) {
      return must(std::move(client));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void run(const Arguments& arguments) {
  const TlsContext tls = must(TlsContext::create(arguments.text("ca")));
  const ServerAddress server = arguments.server("address");
  std::array<Account, 2> accounts = {arguments.account("token"), arguments.account("password")};
  accounts[0].begins_clear = arguments.number("begin-clear", 0) != 0;
  // The first one after a start sends the password itself; from then on the server has it cached.
  must(MysqlClient::connect(tls, server, accounts[1])).quit();

  RoundsOptions options;
  options.names = {"token", "password"};
  options.threads = arguments.number("threads", 1);
  options.rounds = arguments.number("rounds", 10);
  options.slice_ms = arguments.number("slice-ms", 1'000);
  options.watched = process_ids(arguments.text("watch", ""));
  run_rounds(options, [&](int which, int) {
    MysqlClient client = connect(tls, server, accounts[static_cast<std::size_t>(which)]);
    const auto expected = which == 0 && !accounts[0].begins_clear
                              ? MysqlClient::Asked::kClearText
                              : MysqlClient::Asked::kNothingMore;
    if (client.asked() != expected) {
      fail("a login of " + options.names[static_cast<std::size_t>(which)] +
           " did not go the way that is to be measured");
    }
    client.quit();
  });
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  trivet::bench::run(trivet::bench::Arguments(argc, argv));
}
