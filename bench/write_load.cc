// SPDX-License-Identifier: Apache-2.0
//
// Writers that go on whatever happens: each inserts one row after the other through one endpoint
// and connects again, at once, when its connection ends or its insert is refused; of several
// addresses it then tries the next one, as clients do that know a group's members. Prints one JSON
// object: every pause of all writers together that is longer than --pause-ms, how long an
// acknowledged insert took, and for each writer how many rows it tried and which of them were not
// acknowledged, so that whoever reads the table can tell whether an acknowledged one is missing.
//
//   write_load --address A[,B…] [--port 3306] --ca FILE --write-user U --write-secret-file F
//              [--threads 8] [--seconds 5] [--pause-ms 20] [--think-ms 0] --run N
//
// --think-ms: between two inserts of one writer, on average; from a half to one and a half of it,
// so that writers do not fall into step and pause together.
//
// The table is bench.writes (run INT, writer INT, n INT, PRIMARY KEY (run, writer, n)).
#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "bench/arguments.h"

namespace trivet::bench {
namespace {

using Steady = std::chrono::steady_clock;

struct Settings {
  TlsContext tls;
  std::vector<ServerAddress> servers;
  Account account;
  int run = 0;
  std::chrono::milliseconds think{0};  // between two inserts, on average
  Steady::time_point until;
};

struct Written {
  int tried = 0;
  std::vector<int> unacknowledged;
  std::vector<Steady::time_point> acknowledged_at;
  std::vector<double> took_us;
  std::string last_error;
};

Written write_until_the_end(const Settings& settings, int writer) {
  constexpr std::chrono::milliseconds kBetweenTries{2};
  const std::chrono::microseconds think = settings.think;
  std::mt19937 random(static_cast<std::mt19937::result_type>(writer));
  std::uniform_int_distribution<std::int64_t> think_us(think.count() / 2, think.count() * 3 / 2);
  Written out;
  std::optional<MysqlClient> client;
  std::size_t server = 0;
  while (Steady::now() < settings.until) {
    if (!client) {
      auto connected =
          MysqlClient::connect(settings.tls, settings.servers[server], settings.account);
      if (!connected) {
        server = (server + 1) % settings.servers.size();
        out.last_error = connected.error().message;
        std::this_thread::sleep_for(kBetweenTries);
        continue;
      }
      client.emplace(std::move(*connected));
    }
    const int n = ++out.tried;
    const auto begun = Steady::now();
    const Status written =
        client->execute("INSERT INTO bench.writes VALUES (" + std::to_string(settings.run) + "," +
                        std::to_string(writer) + "," + std::to_string(n) + ")");
    if (written) {
      out.acknowledged_at.push_back(Steady::now());
      out.took_us.push_back(
          std::chrono::duration<double, std::micro>(out.acknowledged_at.back() - begun).count());
      std::this_thread::sleep_for(std::chrono::microseconds(think_us(random)));
      continue;
    }
    out.last_error = written.error().message;
    out.unacknowledged.push_back(n);
    client.reset();
    server = (server + 1) % settings.servers.size();
  }
  if (client) {
    client->quit();
  }
  return out;
}

double ms(Steady::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void print_times(const std::vector<Written>& writers) {
  std::vector<double> all;
  for (const Written& w : writers) {
    all.insert(all.end(), w.took_us.begin(), w.took_us.end());
  }
  std::sort(all.begin(), all.end());
  const auto at = [&all](std::size_t percent) {
    return all.empty() ? 0 : all[std::min(all.size() - 1, all.size() * percent / 100)];
  };
  std::printf("\"took_us\":{\"p50\":%.0f,\"p99\":%.0f},", at(50), at(99));
}

// Times are the machine's monotonic clock, in milliseconds, as time.monotonic() has them in
// seconds.
void print(const std::vector<Written>& writers, double pause_ms) {
  std::vector<Steady::time_point> all;
  for (const Written& w : writers) {
    all.insert(all.end(), w.acknowledged_at.begin(), w.acknowledged_at.end());
  }
  std::sort(all.begin(), all.end());
  std::printf("{\"acknowledged\":%zu,\"pauses\":[", all.size());
  const char* separator = "";
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (ms(all[i] - all[i - 1]) > pause_ms) {
      std::printf("%s[%.3f,%.3f]", separator, ms(all[i - 1].time_since_epoch()),
                  ms(all[i].time_since_epoch()));
      separator = ",";
    }
  }
  std::printf("],");
  print_times(writers);
  std::printf("\"last\":%.3f,\"ended\":%.3f,\"writers\":[",
              all.empty() ? 0 : ms(all.back().time_since_epoch()),
              ms(Steady::now().time_since_epoch()));
  for (std::size_t i = 0; i < writers.size(); ++i) {
    std::printf("%s{\"tried\":%d,\"unacknowledged\":[", i == 0 ? "" : ",", writers[i].tried);
    for (std::size_t j = 0; j < writers[i].unacknowledged.size(); ++j) {
      std::printf("%s%d", j == 0 ? "" : ",", writers[i].unacknowledged[j]);
    }
    std::printf("]}");
  }
  std::printf("]}\n");
}

void run(const Arguments& arguments) {
  const Settings settings{must(TlsContext::create(arguments.text("ca"))),
                          arguments.servers("address"),
                          arguments.account("write"),
                          arguments.number("run", 0),
                          std::chrono::milliseconds(arguments.number("think-ms", 0)),
                          Steady::now() + std::chrono::seconds(arguments.number("seconds", 5))};
  std::vector<Written> writers(static_cast<std::size_t>(arguments.number("threads", 8)));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    threads.emplace_back(
        [&, i] { writers[i] = write_until_the_end(settings, static_cast<int>(i)); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  print(writers, arguments.number("pause-ms", 20));
  for (const Written& w : writers) {
    if (w.acknowledged_at.empty()) {
      fail("a writer never wrote: " + w.last_error);
    }
  }
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  trivet::bench::run(trivet::bench::Arguments(argc, argv));
}
