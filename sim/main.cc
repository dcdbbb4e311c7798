// SPDX-License-Identifier: Apache-2.0
//
// trivet-sim: runs schedules of the simulated world and says how many rules were broken: 0, or the
// first seed that broke one and how to see it. Exit codes: 127 crash, 128 safety, 129 liveness.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "base/log.h"
#include "sim/world.h"

namespace trivet::sim {
namespace {

constexpr int kCrash = 127;
constexpr int kSafety = 128;
constexpr int kLiveness = 129;
constexpr std::uint64_t kRepeatEvery = 16;

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t count = 1'000;
  int jobs = 1;
  bool trace = false;
  bool json = false;
};

// What a job says when it ends; sent through a pipe as it is.
struct Report {
  Counts counts;
  std::uint64_t failed_seed = 0;
  int code = 0;
  char rule[24] = {};
  char text[1'000] = {};
};
static_assert(std::is_trivially_copyable_v<Report>);

volatile std::uint64_t running_seed = 0;

[[noreturn]] void on_crash(int number) {
  char text[160];
  const int length =
      std::snprintf(text, sizeof text,
                    "crash: signal %d; repeat with: trivet-sim --seed %llu --count 1 --trace\n",
                    number, static_cast<unsigned long long>(running_seed));
  (void)!::write(STDERR_FILENO, text, static_cast<std::size_t>(length));
  ::_exit(kCrash);
}

void keep(std::string_view text, char* to, std::size_t size) {
  const std::size_t n = std::min(text.size(), size - 1);
  std::memcpy(to, text.data(), n);
  to[n] = '\0';
}

// False when a rule was broken.
bool run_one(std::uint64_t seed, bool tell, Report& report) {
  running_seed = seed;
  World world(seed, tell);
  world.run();
  report.counts.add(world.counts());
  std::optional<Violation> violation = world.violation();
  if (!violation && seed % kRepeatEvery == 0) {
    World again(seed, false);
    again.run();
    ++report.counts.repeated;
    if (again.trace_hash() != world.trace_hash()) {
      violation = Violation{"determinism", "the same seed gives another trace"};
    }
  }
  if (tell) {
    std::printf("trace %016llx\n", static_cast<unsigned long long>(world.trace_hash()));
  }
  if (!violation) {
    return true;
  }
  report.failed_seed = seed;
  report.code = violation->safety ? kSafety : kLiveness;
  keep(violation->rule, report.rule, sizeof report.rule);
  keep(violation->text, report.text, sizeof report.text);
  return false;
}

// Every `jobs`-th seed from the `first`-th on.
Report run_share(const Options& options, int first) {
  Report report;
  for (std::uint64_t i = static_cast<std::uint64_t>(first); i < options.count;
       i += static_cast<std::uint64_t>(options.jobs)) {
    if (!run_one(options.seed + i, options.trace, report)) {
      break;
    }
  }
  return report;
}

Report read_report(int from, pid_t job) {
  Report report;
  std::size_t got = 0;
  while (got < sizeof report) {
    const ssize_t n = ::read(from, reinterpret_cast<char*>(&report) + got, sizeof report - got);
    if (n <= 0) {
      break;
    }
    got += static_cast<std::size_t>(n);
  }
  ::close(from);
  ::waitpid(job, nullptr, 0);
  if (got < sizeof report) {
    report = Report();
    report.code = kCrash;
  }
  return report;
}

Report run_jobs(const Options& options) {
  if (options.jobs == 1) {
    return run_share(options, 0);
  }
  std::vector<std::pair<int, pid_t>> jobs;
  for (int i = 0; i < options.jobs; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      std::perror("pipe");
      std::exit(kCrash);
    }
    const pid_t job = ::fork();
    if (job == 0) {
      ::close(ends[0]);
      const Report report = run_share(options, i);
      (void)!::write(ends[1], &report, sizeof report);
      ::_exit(0);
    }
    ::close(ends[1]);
    jobs.emplace_back(ends[0], job);
  }
  Report all;
  for (const auto& [from, job] : jobs) {
    const Report one = read_report(from, job);
    const Counts counts = all.counts;
    if (one.code != 0 && (all.code == 0 || one.failed_seed < all.failed_seed)) {
      all = one;
      all.counts = counts;
    }
    all.counts.add(one.counts);
  }
  return all;
}

void print_counts(const Counts& c, double seconds) {
  const auto print = [](const char* what, std::uint64_t n) {
    std::printf("  %-26s %12llu\n", what, static_cast<unsigned long long>(n));
  };
  std::printf("%llu schedules in %.1f s (%.0f a second), %.1f hours of virtual time\n",
              static_cast<unsigned long long>(c.schedules), seconds,
              static_cast<double>(c.schedules) / std::max(seconds, 1e-3),
              static_cast<double>(c.virtual_ms) / 3.6e6);
  print("run twice, same trace", c.repeated);
  print("terms won", c.terms);
  print("another writer", c.failovers);
  print("last writer in place", c.returns);
  print("handed over", c.switchovers);
  print("members rejoined", c.rejoins);
  print("  rewound", c.rewinds);
  print("members rebuilt", c.rebuilds);
  print("killed for a hang", c.hangs_killed);
  print("nudged", c.nudges);
  print("received by halves", c.halves);
  print("XA prepared", c.xa_prepared);
  print("told OK by a shutdown", c.told_on_the_way_down);
  print("killed while they shut down", c.killed_on_the_way_down);
  print("losses accepted", c.losses);
  print("  of acknowledged", c.given_up);
  print("commits delayed", c.delayed);
  print("transactions", c.transactions);
  print("of these acknowledged", c.acknowledged);
  for (int i = 0; i < kFaultKinds; ++i) {
    print(("fault: " + std::string(to_string(static_cast<FaultKind>(i)))).c_str(),
          c.faults[static_cast<std::size_t>(i)]);
  }
}

void print_json(const Report& r, double seconds) {
  const Counts& c = r.counts;
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "{\"schedules\":%llu,\"seconds\":%.3f,\"schedules_per_second\":%.1f,\"failovers\":%llu,"
      "\"returns\":%llu,\"switchovers\":%llu,\"rebuilds\":%llu,\"acknowledged\":%llu,"
      "\"violations\":%d,"
      "\"rule\":\"%s\",\"seed\":%llu}\n",
      number(c.schedules), seconds, static_cast<double>(c.schedules) / std::max(seconds, 1e-3),
      number(c.failovers), number(c.returns), number(c.switchovers), number(c.rebuilds),
      number(c.acknowledged), r.code == 0 ? 0 : 1, r.rule, number(r.failed_seed));
}

int usage() {
  std::fputs(
      "Usage: trivet-sim [--count N] [--seed S] [--jobs J] [--trace] [--json]\n"
      "Runs the schedules of the seeds S … S+N-1. Exit codes: 0 clean, 127 crash,\n"
      "128 a safety rule was broken, 129 the cluster did not come back.\n",
      stderr);
  return 2;
}

std::optional<Options> parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--trace" || word == "--json") {
      (word == "--trace" ? out.trace : out.json) = true;
      continue;
    }
    char* end = nullptr;
    const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[++i], &end, 10) : 0;
    if (end == nullptr || *end != '\0' || end == argv[i]) {
      return std::nullopt;
    }
    if (word == "--count") {
      out.count = value;
    } else if (word == "--seed") {
      out.seed = value;
    } else if (word == "--jobs" && value >= 1 && value <= 64) {
      out.jobs = static_cast<int>(value);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    return usage();
  }
  LogOptions log;
  log.least = Level::kError;
  log.file = "/dev/null";
  if (options->trace) {
    log.least = Level::kDebug;
    log.file.clear();
  }
  configure_log(log);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(number, on_crash);
  }
  const auto began = std::chrono::steady_clock::now();
  const Report report = run_jobs(*options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  options->json ? print_json(report, seconds) : print_counts(report.counts, seconds);
  if (options->json || report.code == kCrash) {
    return report.code;
  }
  if (report.code == 0) {
    std::puts("0 violations");
    return 0;
  }
  std::printf("violated: %s: %s\nrepeat with: trivet-sim --seed %llu --count 1 --trace\n",
              report.rule, report.text, static_cast<unsigned long long>(report.failed_seed));
  return report.code;
}

}  // namespace
}  // namespace trivet::sim

int main(int argc, char** argv) {
  return trivet::sim::run(argc, argv);
}
