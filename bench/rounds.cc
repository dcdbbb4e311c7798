// SPDX-License-Identifier: Apache-2.0
#include "bench/rounds.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace trivet::bench {
namespace {

using Steady = std::chrono::steady_clock;

struct Slice {
  std::uint64_t units = 0;
  double seconds = 0;
};

// User and system time of all threads of a process, those that ended included.
double processor_seconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return 0;
  }
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Slice run_slice(const RoundsOptions& options, const Unit& unit, int which) {
  const auto begin = Steady::now();
  const auto until = begin + std::chrono::milliseconds(options.slice_ms);
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(options.threads));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < options.threads; ++thread) {
    threads.emplace_back(
        [&unit, &count = counts[static_cast<std::size_t>(thread)], which, thread, until] {
          std::uint64_t done = 0;
          while (Steady::now() < until) {
            unit(which, thread);
            ++done;
          }
          count = done;
        });
  }
  Slice slice;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    slice.units += counts[i];
  }
  slice.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  return slice;
}

void print_list(const char* name, const std::vector<double>& values, const char* format) {
  std::printf("\"%s\":[", name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::printf("%s", i == 0 ? "" : ",");
    std::printf(format, values[i]);
  }
  std::printf("]");
}

}  // namespace

void run_rounds(const RoundsOptions& options, const Unit& unit) {
  std::vector<int> watched = options.watched;
  watched.push_back(getpid());
  std::array<std::vector<double>, 2> rates;
  std::array<double, 2> units{};
  std::array<std::vector<double>, 2> used = {std::vector<double>(watched.size()),
                                             std::vector<double>(watched.size())};
  for (int round = -1; round < options.rounds; ++round) {
    for (int turn = 0; turn < 2; ++turn) {
      const int which = round % 2 == 0 ? turn : 1 - turn;
      const auto at = static_cast<std::size_t>(which);
      std::vector<double> before;
      for (const int pid : watched) {
        before.push_back(processor_seconds(pid));
      }
      const Slice slice = run_slice(options, unit, which);
      if (round < 0) {
        continue;
      }
      units[at] += static_cast<double>(slice.units);
      rates[at].push_back(static_cast<double>(slice.units) / slice.seconds);
      for (std::size_t i = 0; i < watched.size(); ++i) {
        used[at][i] += processor_seconds(watched[i]) - before[i];
      }
    }
  }
  std::printf("{");
  for (std::size_t which = 0; which < 2; ++which) {
    for (double& seconds : used[which]) {
      seconds *= 1e6 / (units[which] > 0 ? units[which] : 1);
    }
    std::printf("%s\"%s\":{", which == 0 ? "" : ",", options.names[which].c_str());
    print_list("rates", rates[which], "%.1f");
    std::printf(",");
    print_list("cpu_us", used[which], "%.1f");
    std::printf("}");
  }
  std::printf("}\n");
}

std::vector<int> process_ids(const std::string& text) {
  std::vector<int> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    std::istringstream number(part);
    int pid = 0;
    if (number >> pid && pid > 0) {
      out.push_back(pid);
    }
  }
  return out;
}

}  // namespace trivet::bench
